import { spawn } from 'node:child_process'
import { mkdtemp, readFile, realpath } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { processStart } from '@turnlog/embedded-postgres/process'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { bareEnvironment } from './support/bare-environment.ts'
import { freePorts } from './support/ports.ts'
import { removeDataFolder } from './support/remove-data-folder.ts'

/** `npm start` as a new user runs it: with npm, the real receiver and the real app; the test uses the printed addresses. */

async function makeDataFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'turnlog-npm-start-')))
  onTestFinished(() => removeDataFolder(folder))
  return folder
}

async function npmStart(data: string) {
  const [receiver = 0, example = 0] = await freePorts(2)
  const child = spawn('npm', ['start'], {
    cwd: join(import.meta.dirname, '..'),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...bareEnvironment(),
      HOME: process.env.HOME,
      TURNLOG_DATA: data,
      TURNLOG_RECEIVER_PORT: String(receiver),
      EXAMPLE_PORT: String(example),
      TELEMETRY_USER_ID: 'ada',
    },
  })
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => lines.push(line))
  }
  const exited = new Promise((resolve) => child.once('close', resolve))
  onTestFinished(async () => {
    child.kill('SIGTERM')
    await exited
  })
  const address = (scheme: string, after: string): string =>
    new RegExp(`^${after}.*?(${scheme}://\\S+)$`).exec(
      lines.find((line) => line.startsWith(after)) ?? '',
    )?.[1] ?? ''
  const isUp = () => lines.some((line) => line.startsWith('Ctrl-C'))
  await expect.poll(() => isUp() || child.exitCode !== null, { timeout: 60_000 }).toBe(true)
  expect(isUp(), lines.join('\n')).toBe(true)
  return {
    child,
    exited,
    lines,
    database: address('postgresql', 'Database'),
    receiver: address('http', 'Receiver'),
    chat: address('http', 'Chat'),
  }
}

test('everything that npm start prints works: chat, sign-in link, SQL; then Ctrl-C ends all', {
  timeout: 90_000,
}, async () => {
  const data = await makeDataFolder()
  const turnlog = await npmStart(data)

  const page = await fetch(turnlog.receiver, { redirect: 'manual' })
  expect(page.status).toBeLessThan(400)

  const answer = await fetch(new URL('/api/chat', turnlog.chat), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message: 'add a greeting to hello.txt' }),
  })
  expect(answer.status).toBe(200)

  const client = new pg.Client({ connectionString: turnlog.database })
  await client.connect()
  try {
    const seen = async () => {
      const { rows } = await client.query(
        `select t.prompt, t.user_id as user, f.path
           from turns t join file_operations f using (trace_id)`,
      )
      return rows
    }
    await expect.poll(seen, { timeout: 20_000 }).toEqual([
      {
        prompt: 'add a greeting to hello.txt',
        user: 'ada',
        path: expect.stringContaining('hello.txt'),
      },
    ])
  } finally {
    await client.end()
  }

  const { pid, children } = JSON.parse(await readFile(join(data, 'start.json'), 'utf8'))
  const postmaster = await readFile(join(data, 'postgres/postmaster.pid'), 'utf8')
  const pids: number[] = [pid, Number(postmaster.split('\n')[0])]
  for (const each of children) pids.push(each.pid)
  const from = performance.now()
  turnlog.child.kill('SIGINT')
  expect(await turnlog.exited, turnlog.lines.join('\n')).toBe(0)
  expect(performance.now() - from).toBeLessThan(10_000)
  expect(pids.filter((each) => processStart(each) !== undefined)).toEqual([])
})
