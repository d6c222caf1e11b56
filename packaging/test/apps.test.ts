/** The packages as a new user runs them: installed in a new project, with apps under the preload and a receiver. */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import * as path from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { WebSocket } from 'ws'
import { bareEnvironment } from '../../test/support/bare-environment.ts'
import { useBrowser } from '../../test/support/browser.ts'
import { startApp } from './support/installed-app.ts'
import { type InstalledReceiver, startReceiver } from './support/installed-receiver.ts'
import { hasNodePackages, oldestNode } from './support/project.ts'

const project = inject('project') ?? ''
const nodes: (readonly [name: string, node: string | undefined])[] = [['Node 24', undefined]]
if (hasNodePackages) nodes.push(['the oldest Node that is supported', oldestNode])

describe.skipIf(project === '')('in a fresh project', () => {
  let receiver: InstalledReceiver

  beforeAll(async () => {
    receiver = await startReceiver(project, { data: 'data' })
  })
  afterAll(() => receiver?.stop())

  describe.each([
    ['--require', 'app.cjs', 'spool'],
    ['--require', 'app.cjs', 'otlp'],
    ['--import', 'app.cjs', 'spool'],
    ['--require', 'app.mjs', 'spool'],
    ['--import', 'app.mjs', 'spool'],
    ['--import', 'app.mjs', 'otlp'],
  ] as const)('%s @turnlog/instrumentation/register %s, exporter %s', (flag, program, exporter) => {
    test.each(nodes)('on %s lands its turn, and prints only its own lines', async (_, node) => {
      await using app = await startApp(project, { receiver, flag, program, exporter, node })
      const message = `remember ${flag} ${program} ${exporter} ${node}`
      expect(await app.post('/chat', message)).toEqual({
        answer: [{ type: 'text', text: 'Noted.' }],
        decide: 'function',
      })

      await expect
        .poll(() =>
          receiver.query(
            `select t.answer, t.outcome, t.model_calls, f.tool, f.path, f.type, f.after
               from turns t
               left join file_operations f on f.trace_id = t.trace_id
              where t.prompt = $1`,
            [message],
          ),
        )
        .toEqual([
          {
            answer: 'Noted.',
            outcome: 'completed',
            model_calls: '1',
            tool: 'note',
            path: `notes-${program.slice(-3)}.txt`,
            type: expect.stringMatching(/create|edit/),
            after: `${message}\n`,
          },
        ])
      expect(await app.stop()).toEqual({ code: 0, printed: '' })
    })
  })

  test('a Node that cannot require ES modules runs the app, and one line says that nothing is recorded', () => {
    const preload = ['--require', '@turnlog/instrumentation/register']
    const { stdout, stderr, status } = spawnSync(
      path.join(project, 'node_modules/.bin/node'),
      ['--no-experimental-require-module', ...preload, '-e', "console.log('up')"],
      { cwd: project, encoding: 'utf8', env: { ...bareEnvironment(), HOME: project } },
    )
    expect([stdout, status]).toEqual(['up\n', 0])
    expect(stderr).toMatch(/^turnlog: Nothing is recorded: .*\n$/)
  })

  test('the preload loads no undici for an app that does not use it', () => {
    const loaded = 'console.log(process.moduleLoadList.filter((name) => name.includes("undici")))'
    const { stdout } = spawnSync(
      path.join(project, 'node_modules/.bin/node'),
      ['--import', '@turnlog/instrumentation/register', '-e', loaded],
      { cwd: project, encoding: 'utf8', env: { ...bareEnvironment(), HOME: project } },
    )
    expect(stdout).toBe('[]\n')
  })

  const browser = useBrowser()

  describe.each([
    [
      'CommonJS',
      '--require',
      'review.cjs',
      'cjs',
      'spool',
      hasNodePackages ? oldestNode : undefined,
    ],
    ['ES modules', '--import', 'review.mjs', 'mjs', 'otlp', undefined],
  ] as const)('an app that reviews, in %s', (_, flag, program, kind, exporter, node) => {
    const start = () => startApp(project, { receiver, flag, program, exporter, node })

    test('its large file and the operation that it reports are in the panel, and can be accepted', async () => {
      await using app = await start()
      const message = `edit ${program}`
      expect(await app.post('/edit', message)).toEqual({ answer: 'Edited.' })

      const large = `${message}\n`.repeat(20_000)
      await expect
        .poll(() =>
          receiver.query(
            `select t.answer, t.agent, f.tool, f.path, f.type, f.source, f.after = $2 as is_large,
                    f.lines_added::integer, f.lines_removed::integer
               from turns t
               join file_operations f on f.trace_id = t.trace_id
              where t.prompt = $1
              order by f.started_at`,
            [message, large],
          ),
        )
        .toEqual([
          {
            answer: 'Edited.',
            agent: 'reviewer',
            tool: 'write',
            path: `large-${kind}.txt`,
            type: 'create',
            source: 'fs',
            is_large: true,
            lines_added: 20_000,
            lines_removed: 0,
          },
          {
            answer: 'Edited.',
            agent: 'reviewer',
            tool: 'patch',
            path: `told-${kind}.txt`,
            type: 'edit',
            source: 'api',
            is_large: false,
            lines_added: 1,
            lines_removed: 1,
          },
        ])
      expect(readFileSync(path.join(project, `large-${kind}.txt`), 'utf8')).toBe(large)

      const page = await browser.open(app.url)
      const change = page.locator('turnlog-changes').getByRole('listitem')
      await change
        .filter({ hasText: `large-${kind}.txt` })
        .getByRole('button', { name: 'Accept' })
        .click()
      await expect
        .poll(() =>
          receiver.query(
            `select d.decision, d.source, d.outcome
               from change_decisions d
               join file_operations f using (operation_id)
              where f.path = $1`,
            [`large-${kind}.txt`],
          ),
        )
        .toEqual([{ decision: 'accept', source: 'user', outcome: 'kept' }])
      expect(await app.stop()).toEqual({ code: 0, printed: '' })
    })

    test('a turn on a WebSocket is recorded, and one in a worker thread', async () => {
      await using app = await start()
      const [onSocket, inThread] = [`hear ${program}`, `work ${program}`]
      expect(await say(app.url, onSocket)).toBe('Heard.')
      expect(await app.post('/thread', inThread)).toEqual({ answer: 'From a thread.' })
      await expect
        .poll(() =>
          receiver.query(
            `select prompt, answer, transport, outcome
               from turns
              where prompt = any($1)
              order by started_at`,
            [[onSocket, inThread]],
          ),
        )
        .toMatchObject([
          { prompt: onSocket, answer: 'Heard.', transport: 'websocket', outcome: 'completed' },
          { prompt: inThread, answer: 'From a thread.', outcome: 'completed' },
        ])
      expect(await app.stop()).toEqual({ code: 0, printed: '' })
    })
  })
})

async function say(url: string, text: string): Promise<string> {
  const socket = new WebSocket(url.replace('http', 'ws'))
  const heard = once(socket, 'message')
  await once(socket, 'open')
  socket.send(text)
  const [answer] = await heard
  socket.close()
  return String(answer)
}
