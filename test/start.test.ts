import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, realpath, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { processStart } from '@turnlog/embedded-postgres/process'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { bareEnvironment } from './support/bare-environment.ts'
import { freePort, freePorts } from './support/ports.ts'
import { removeDataFolder } from './support/remove-data-folder.ts'

/**
 * `npm start`'s promises about processes, shown by killing them: the real supervisor and PostgreSQL, with a small
 * receiver and a small app that report their environment.
 */

/** A stop may take ten seconds, and so may a first start on a busy machine. */
vi.setConfig({ testTimeout: 40_000, hookTimeout: 40_000 })

const program = join(import.meta.dirname, 'start-stand-ins/start.ts')

let data: string
let ports: { receiver: number; example: number }

beforeAll(async () => {
  data = await realpath(await mkdtemp(join(tmpdir(), 'turnlog-start-')))
  const [receiver = 0, example = 0] = await freePorts(2)
  ports = { receiver, example }
})
afterAll(() => removeDataFolder(data))

interface Started {
  readonly child: ChildProcess
  /** All printed lines, in order. */
  readonly lines: string[]
  /** Resolves with the line that contains this text, once it is printed. */
  readonly line: (text: string) => Promise<string>
  readonly exited: Promise<number | null>
  /** The process ids of receiver, app and PostgreSQL. */
  readonly processes: () => Promise<{ receiver: number; app: number; postgres: number }>
}

/** Starts it. At the end of the test it is stopped, and no process of it may be left. */
function start(environment: NodeJS.ProcessEnv = {}): Started {
  const child = spawn(process.execPath, [program], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...bareEnvironment(),
      HOME: process.env.HOME,
      TURNLOG_DATA: data,
      TURNLOG_RECEIVER_PORT: String(ports.receiver),
      EXAMPLE_PORT: String(ports.example),
      ...environment,
    },
  })
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => lines.push(line))
  }
  const exited = new Promise<number | null>((resolve) => {
    child.once('close', (code) => resolve(code))
  })
  onTestFinished(async () => {
    child.kill('SIGTERM')
    await exited
  })
  return {
    child,
    lines,
    exited,
    async line(text) {
      await expect.poll(() => lines.join('\n'), { timeout: 20_000, interval: 20 }).toContain(text)
      return lines.find((line) => line.includes(text)) ?? ''
    },
    async processes() {
      const folder = environment.TURNLOG_DATA ?? data
      const { children } = JSON.parse(await readFile(join(folder, 'start.json'), 'utf8'))
      const postmaster = await readFile(join(folder, 'postgres/postmaster.pid'), 'utf8')
      return {
        receiver: children[0].pid,
        app: children[1].pid,
        postgres: Number(postmaster.split('\n')[0]),
      }
    },
  }
}

async function startWhole(environment?: NodeJS.ProcessEnv): Promise<Started> {
  const started = start(environment)
  await started.line('Ctrl-C')
  return started
}

function isRunning(pid: number): boolean {
  return processStart(pid) !== undefined
}

async function untilGone(...pids: number[]): Promise<void> {
  await expect.poll(() => pids.filter(isRunning), { timeout: 10_000, interval: 25 }).toEqual([])
}

/**
 * Watches until all have ended. Resolves with those that ended too early, while a process that should end before them
 * still ran.
 */
async function orderOfEnd(lastToFirst: Record<string, number>): Promise<string[]> {
  const wrong: string[] = []
  for (let running = Object.keys(lastToFirst); running.length > 0; ) {
    const states = Object.entries(lastToFirst).map(([name, pid]) => ({ name, is: isRunning(pid) }))
    running = states.filter((each) => each.is).map((each) => each.name)
    const firstGone = states.findIndex((each) => !each.is)
    const tooLong = states.slice(firstGone).filter((each) => firstGone >= 0 && each.is)
    wrong.push(...tooLong.map((each) => `${each.name} still ran`))
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  return wrong
}

async function askApp(path = '/'): Promise<string> {
  return (await fetch(`http://127.0.0.1:${ports.example}${path}`)).text()
}

/** A process in its own group, as an agent's command may leave it running. */
async function runInApp(command: string): Promise<number> {
  const pid = Number(await askApp(`/run?command=${encodeURIComponent(command)}`))
  await expect.poll(() => isRunning(pid)).toBe(true)
  return pid
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

function databaseUrl(lines: readonly string[]): string {
  const line = lines.find((each) => each.includes('postgresql://')) ?? ''
  return /postgresql:\/\/\S+$/.exec(line)?.[0] ?? ''
}

function portOf(server: ReturnType<typeof createServer>): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

describe('up', () => {
  test('prints database, receiver and chat, each once it answers, in a few lines', async () => {
    const turnlog = start()
    const line = await turnlog.line('postgresql://')
    const url = databaseUrl(turnlog.lines)
    expect(line.endsWith(url)).toBe(true)
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }])
    await expect(askApp()).rejects.toThrow()

    await turnlog.line('Receiver')
    expect(await turnlog.line(`/sign-in/once`)).toContain(`http://127.0.0.1:${ports.receiver}/`)
    await turnlog.line('Chat')
    expect(JSON.parse(await askApp())).toHaveProperty('pid')
    await turnlog.line('Ctrl-C')
    expect(turnlog.lines.filter((each) => !each.startsWith('chat app:'))).toHaveLength(4)
    expect(turnlog.lines.join('')).not.toContain('\u001b')
  })

  test('the app gets its endpoint and workspace, but not the database’s address', async () => {
    await startWhole({ TELEMETRY_ENABLED: '0', TELEMETRY_USER_ID: 'ada', DATABASE_URL: '' })
    expect(JSON.parse(await askApp()).environment).toEqual({
      TELEMETRY_ENABLED: '0',
      TELEMETRY_ENDPOINT: `http://127.0.0.1:${ports.receiver}`,
      TELEMETRY_SPOOL_DIRECTORY: join(data, 'spool'),
      TELEMETRY_TOKEN: 'token-of-ada',
      TELEMETRY_WORKSPACE: join(data, 'workspace'),
      EXAMPLE_WORKSPACE: join(data, 'workspace'),
    })
    const token = join(data, 'tokens/example')
    expect(await readFile(token, 'utf8')).toBe('token-of-ada\n')
    expect((await stat(token)).mode & 0o777).toBe(0o600)
  })

  test('the app gets the model’s API and key; the receiver gets no key', async () => {
    const keys = { ANTHROPIC_API_KEY: 'a', OPENAI_API_KEY: 'o', GEMINI_API_KEY: 'g' }
    await startWhole({ EXAMPLE_MODEL_API: 'responses', ...keys })
    const { environment } = JSON.parse(await askApp())
    expect(environment).toMatchObject({ EXAMPLE_MODEL_API: 'responses', OPENAI_API_KEY: 'o' })
    const health = await fetch(`http://127.0.0.1:${ports.receiver}/api/v1/health`)
    expect(await health.json()).toMatchObject({ keys: [] })
  })

  test('a new workspace has a file to ask about; an existing one is not changed', async () => {
    const first = await startWhole()
    expect(await readdir(join(data, 'workspace'))).toEqual(['hello.txt'])
    first.child.kill('SIGINT')
    await first.exited
    await writeFile(join(data, 'workspace/hello.txt'), 'Mine.')
    await startWhole()
    expect(await readFile(join(data, 'workspace/hello.txt'), 'utf8')).toBe('Mine.')
  })
})

describe('down', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s, also twice, stops app, receiver and database in that order, and the exit code is 0',
    async (signal) => {
      const turnlog = await startWhole()
      const { app, receiver, postgres } = await turnlog.processes()
      const command = await runInApp('sleep 1000')
      turnlog.child.kill(signal)
      turnlog.child.kill(signal)
      expect(await orderOfEnd({ database: postgres, receiver, app })).toEqual([])
      expect(await turnlog.exited, turnlog.lines.join('\n')).toBe(0)
      await untilGone(command)
      expect(await readdir(data)).not.toContain('start.json')
    },
  )

  test('an app that does not end is killed; everything ends within ten seconds; a start meanwhile waits', async () => {
    const turnlog = await startWhole({ STAND_IN_APP_HANGS: '1' })
    const pids = Object.values(await turnlog.processes())
    const command = await runInApp('trap "" TERM INT; while :; do sleep 1; done')
    const from = performance.now()
    turnlog.child.kill('SIGINT')
    await turnlog.line('Stopping.')
    const next = start()
    expect(await turnlog.exited, turnlog.lines.join('\n')).toBe(1)
    expect(performance.now() - from).toBeLessThan(10_000)
    expect(turnlog.lines.at(-1)).toContain('chat app did not end')
    await untilGone(...pids, command)
    await next.line('Ctrl-C')
    expect(next.lines.join('\n')).not.toContain('already running')
  })

  test('Ctrl-C during the start stops the parts that were started', async () => {
    const turnlog = start()
    await turnlog.line('postgresql://')
    turnlog.child.kill('SIGINT')
    expect(await turnlog.exited, turnlog.lines.join('\n')).toBe(0)
    expect(turnlog.lines.join('\n')).not.toContain('Chat')
  })

  test('a later start keeps the data, the address and the token', async () => {
    const first = await startWhole()
    await query(databaseUrl(first.lines), 'create table kept as select 42 as answer')
    first.child.kill('SIGINT')
    await first.exited
    const second = await startWhole()
    expect(databaseUrl(second.lines)).toBe(databaseUrl(first.lines))
    expect(await query(databaseUrl(second.lines), 'select answer from kept')).toEqual([
      { answer: 42 },
    ])
  })
})

describe('killed', () => {
  test.each([
    ['app', 'The chat app'],
    ['receiver', 'The receiver'],
    ['postgres', 'PostgreSQL'],
  ] as const)(
    'when the %s dies a line names it, the rest stops, and the exit code is 1',
    async (who, name) => {
      const turnlog = await startWhole()
      const processes = await turnlog.processes()
      const command = await runInApp('sleep 1000')
      // The app's descendants are noted once a second, since a dead process has none.
      if (who === 'app') await new Promise((resolve) => setTimeout(resolve, 1_200))
      process.kill(processes[who], 'SIGKILL')
      expect(await turnlog.exited, turnlog.lines.join('\n')).toBe(1)
      expect(await turnlog.line('ended unexpectedly')).toMatch(
        `${name} (process ${processes[who]})`,
      )
      expect(await turnlog.line('ended unexpectedly')).toContain('SIGKILL')
      await untilGone(...Object.values(processes), command)
    },
  )

  test('when npm start is killed, receiver and app end, and the next start takes the database over', async () => {
    const first = await startWhole()
    const { app, receiver, postgres } = await first.processes()
    first.child.kill('SIGKILL')
    await first.exited
    const second = await startWhole()
    expect(isRunning(app)).toBe(false)
    expect(isRunning(receiver)).toBe(false)
    expect(await second.line('still running')).toContain(`process ${postgres}`)
    expect((await second.processes()).postgres).toBe(postgres)
    second.child.kill('SIGINT')
    expect(await second.exited, second.lines.join('\n')).toBe(0)
    await untilGone(postgres)
  })

  test('when the npm that runs it is killed, all of it stops', async () => {
    const npm = spawn('/bin/sh', ['-c', `'${process.execPath}' '${program}' & echo $!; wait`], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: {
        ...bareEnvironment(),
        npm_lifecycle_event: 'start',
        TURNLOG_DATA: data,
        TURNLOG_RECEIVER_PORT: String(ports.receiver),
        EXAMPLE_PORT: String(ports.example),
      },
    })
    const lines: string[] = []
    createInterface({ input: npm.stdout }).on('line', (line) => lines.push(line))
    await expect.poll(() => lines.join('\n'), { timeout: 20_000 }).toContain('Ctrl-C')
    const { children } = JSON.parse(await readFile(join(data, 'start.json'), 'utf8'))
    npm.kill('SIGKILL')
    await untilGone(Number(lines[0]), children[0].pid, children[1].pid)
    expect(await readdir(join(data, 'postgres'))).not.toContain('postmaster.pid')
  })
})

describe('a problem at the start is reported in one line, with exit code 1', () => {
  async function refusal(environment: NodeJS.ProcessEnv): Promise<string> {
    const turnlog = start(environment)
    expect(await turnlog.exited, turnlog.lines.join('\n')).toBe(1)
    expect(turnlog.lines).toHaveLength(1)
    return turnlog.lines[0] ?? ''
  }

  test('a second start beside a running one', async () => {
    const running = await startWhole()
    const line = await refusal({})
    expect(line).toContain('already running')
    expect(line).toContain(`process ${running.child.pid}`)
    expect(JSON.parse(await askApp())).toHaveProperty('pid')
  })

  test('a port in use', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    onTestFinished(() => {
      server.close()
    })
    const port = String(portOf(server))
    for (const setting of ['TURNLOG_RECEIVER_PORT', 'EXAMPLE_PORT', 'TURNLOG_PG_PORT']) {
      expect(await refusal({ [setting]: port })).toMatch(
        new RegExp(`Port ${port} \\(${setting}\\) is taken by .*process ${process.pid}`),
      )
    }
  })

  test('an invalid setting', async () => {
    expect(await refusal({ EXAMPLE_PORT: 'eighty' })).toContain('EXAMPLE_PORT must be a port')
    expect(await refusal({ TURNLOG_PG_PORT: '0' })).toContain('TURNLOG_PG_PORT must be a port')
    expect(await refusal({ EXAMPLE_PORT: String(ports.receiver) })).toContain('must differ')
    expect(await refusal({ DATABASE_URL: 'mysql://localhost/x' })).toContain('DATABASE_URL must be')
  })

  test('a data folder or a workspace that cannot be created', async () => {
    const file = join(data, 'a-file')
    await writeFile(file, '')
    await mkdir(join(data, 'read-only'), { mode: 0o500, recursive: true })
    expect(await refusal({ TURNLOG_DATA: join(file, 'below') })).toContain('a file is in the way')
    expect(await refusal({ TURNLOG_DATA: file })).toContain('a file is in the way')
    expect(await refusal({ EXAMPLE_WORKSPACE: file })).toContain('a file is in the way')
    expect(await refusal({ TURNLOG_DATA: join(data, 'x'.repeat(300)) })).toContain(
      'cannot be made or written',
    )
    if (process.platform === 'linux') {
      const below = '/proc/nobody/deep/er'
      expect(await refusal({ TURNLOG_DATA: below })).toContain('cannot be made or written')
      expect(await refusal({ EXAMPLE_WORKSPACE: below })).toContain('cannot be made or written')
    }
    if (process.getuid?.() !== 0) {
      expect(await refusal({ TURNLOG_DATA: join(data, 'read-only') })).toContain(
        'cannot be made or written',
      )
    }
  })

  test('a database of DATABASE_URL that does not answer; its password is not printed', async () => {
    const port = await freePort()
    const line = await refusal({ DATABASE_URL: `postgresql://ada:secret@127.0.0.1:${port}/x` })
    expect(line).toContain(`postgresql://ada@127.0.0.1:${port}/x`)
    expect(line).toContain('ECONNREFUSED')
    expect(line).not.toContain('secret')
  })
})

test('with DATABASE_URL that database is used, and its password is not printed', async () => {
  const other = await realpath(await mkdtemp(join(tmpdir(), 'turnlog-start-other-')))
  onTestFinished(() => removeDataFolder(other))
  const running = await startWhole()
  const url = databaseUrl(running.lines)
  const [receiver = 0, example = 0] = await freePorts(2)
  const turnlog = await startWhole({
    DATABASE_URL: url,
    TURNLOG_DATA: other,
    TURNLOG_RECEIVER_PORT: String(receiver),
    EXAMPLE_PORT: String(example),
  })
  expect(turnlog.lines.join('\n')).not.toContain(new URL(url).password)
  expect(await turnlog.line('postgresql://')).toContain(new URL(url).host)
  expect(await readdir(other)).not.toContain('postgres')
  turnlog.child.kill('SIGINT')
  expect(await turnlog.exited, turnlog.lines.join('\n')).toBe(0)
  expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }])
})
