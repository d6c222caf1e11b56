import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { createServer } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createSignInLink, findTokenHolder, migrate, openDatabase } from '@turnlog/receiver/storage'
import { expect, inject, onTestFinished, test } from 'vitest'
import { post, span, traceRequest } from '../../test/support/otlp.ts'
import { cloneDatabase, emptyDatabase, withDatabase } from '../../test/support/postgres.ts'
import { startReceiverProcess } from '../../test/support/receiver.ts'
import { command, run } from './support/run.ts'

const program = fileURLToPath(new URL('../src/main.ts', import.meta.url))

test('a receiver that is stopped exits with 0 within seconds, and the requests it accepted land', async () => {
  const database = await withDatabase()
  await using receiver = await startReceiverProcess({ database })
  expect((await post(receiver, 'traces', traceRequest([span()]))).status).toBe(200)
  expect(await receiver.kill('SIGTERM')).toBe(0)
  expect(await database.query('select count(*) from spans')).toEqual([{ count: 1 }])
})

test('when a receiver is killed at any moment of a request, the retry leaves one row for each record', async () => {
  const database = await withDatabase()
  const spans = Array.from({ length: 300 }, (_, index) =>
    span({ 'turnlog.sequence': index + 1, text: `${index} ${'x'.repeat(2_000)}` }),
  )
  const body = traceRequest(spans, { 'service.instance.id': 'r', 'session.id': 's' })
  for (const delay of [0, 5, 10, 20, 40, 80]) {
    await using receiver = await startReceiverProcess({ database })
    const sent = post(receiver, 'traces', body).catch(() => undefined)
    setTimeout(() => receiver.child.kill('SIGKILL'), delay)
    await sent
    await receiver.kill()
  }
  await using receiver = await startReceiverProcess({ database })
  expect(await (await post(receiver, 'traces', body)).json()).toEqual({})
  expect(
    await database.query(
      'select count(*) as spans, (select sequences::text from ledger) as ledger from spans',
    ),
  ).toEqual([{ spans: 300, ledger: '{[1,301)}' }])
})

test('five receivers that start at once on an empty database all serve', async () => {
  await using database = await emptyDatabase()
  const receivers = await Promise.all(
    Array.from({ length: 5 }, async () => {
      const child = spawn(process.execPath, [program], {
        env: { ...process.env, DATABASE_URL: database.url, TURNLOG_RECEIVER_PORT: '0' },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      onTestFinished(() => void child.kill('SIGKILL'))
      for await (const chunk of child.stdout) if (String(chunk).includes('Receiver')) return child
      throw new Error('ended')
    }),
  )
  expect(receivers).toHaveLength(5)
  expect(
    await database.query(
      'select count(*) = count(distinct name) as is_once from schema_migrations',
    ),
  ).toEqual([{ is_once: true }])
  expect(
    await database.query(`select count(*) from pg_inherits where inhparent = 'spans'::regclass`),
  ).toEqual([{ count: 12 }])
})

test('a taken port, a wrong setting and a missing database are reported in one line, with exit code 1', async () => {
  const database = await withDatabase()
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const address = server.address()
  const port = String(typeof address === 'object' ? address?.port : '')
  const taken = await run([program], { DATABASE_URL: database.url, TURNLOG_RECEIVER_PORT: port })
  expect([taken.code, taken.errors.trim().split('\n').length]).toEqual([1, 1])
  expect(taken.errors).toContain('TURNLOG_RECEIVER_PORT')
  const wrong = await run([program], { DATABASE_URL: 'mysql://u:secret@h/d' })
  expect([wrong.code, wrong.errors]).toEqual([1, expect.not.stringContaining('secret')])
  const missing = new URL(database.url)
  missing.pathname = '/no_such_database'
  const none = await run([program], { DATABASE_URL: missing.href })
  expect([none.code, none.errors]).toEqual([1, expect.stringContaining('no_such_database')])
})

test('a database user that may not create tables is reported in one line', async () => {
  await using database = await emptyDatabase()
  const role = `turnlog_test_${randomBytes(6).toString('hex')}`
  await database.query(`create role ${role} login password 'x'`)
  onTestFinished(async () => {
    const server = openDatabase(inject('serverUrl'))
    await server.query(`drop role ${role}`)
    await server.close()
  })
  const url = new URL(database.url)
  url.username = role
  url.password = 'x'
  const start = () => run([program], { DATABASE_URL: url.href, TURNLOG_RECEIVER_PORT: '0' })
  const refused = {
    code: 1,
    errors: expect.stringMatching(/^The database's user may not create or read tables.*\n$/),
  }
  expect(await start()).toMatchObject(refused)
  // As after a superuser has restored a dump: another user owns the tables.
  await migrate(database)
  expect(await start()).toMatchObject(refused)
})

test('it listens on the configured address, and reports when other machines can reach it', async () => {
  const database = await withDatabase()
  const environment = { DATABASE_URL: database.url, TURNLOG_RECEIVER_PORT: '0' }
  const lines = await firstLines({ ...environment, TURNLOG_RECEIVER_HOST: '0.0.0.0' })
  expect(lines).toEqual([
    expect.stringMatching(/^Listens on 0\.0\.0\.0 \(TURNLOG_RECEIVER_HOST\)/),
    expect.stringMatching(/^Receiver +http:\/\/127\.0\.0\.1:\d+$/),
  ])
  const port = lines.at(-1)?.split(':').at(-1) ?? ''
  const health = async (host: string, listeningPort: string) => {
    const settings = { TURNLOG_RECEIVER_HOST: host, TURNLOG_RECEIVER_PORT: listeningPort }
    return (await run([command, 'health'], settings)).code
  }
  expect(await health('0.0.0.0', port)).toBe(0)

  const own = await firstLines(environment)
  expect(own).toEqual([expect.stringMatching(/^Receiver +http:\/\/127\.0\.0\.1:\d+$/)])
  const ownPort = own.at(-1)?.split(':').at(-1) ?? ''
  expect(await health('127.0.0.1', ownPort)).toBe(0)
  const outer = externalAddress()
  if (outer !== undefined) {
    expect([await health(outer, port), await health(outer, ownPort)]).toEqual([0, 1])
  }

  const nowhere = { ...environment, TURNLOG_RECEIVER_HOST: '192.0.2.1' }
  const ended = await run([program], nowhere)
  expect([ended.code, ended.errors]).toEqual([1, expect.stringContaining('192.0.2.1')])
  const name = await run([program], { ...environment, TURNLOG_RECEIVER_HOST: 'everywhere' })
  expect([name.code, name.errors]).toEqual([1, expect.stringContaining('TURNLOG_RECEIVER_HOST')])
})

// `script`, of util-linux, runs it at a terminal.
test.runIf(process.platform === 'linux')(
  'a sign-in link is printed at a terminal only',
  async () => {
    const database = await withDatabase()
    const environment = { DATABASE_URL: database.url, TURNLOG_RECEIVER_PORT: '0' }
    const atTerminal = async (settings: NodeJS.ProcessEnv) => {
      const shell = ['-qec', `'${process.execPath}' '${program}'`, '/dev/null']
      const child = spawn('script', shell, {
        env: { ...process.env, ...environment, ...settings },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      onTestFinished(() => void child.kill('SIGTERM'))
      for await (const line of createInterface({ input: child.stdout })) {
        if (line.startsWith('Receiver')) return line.trim()
      }
      return ''
    }
    expect(await atTerminal({})).toMatch(
      /^Receiver +http:\/\/127\.0\.0\.1:\d+\/sign-in\?code=[\w-]{43}$/,
    )
    const publicUrl = { TURNLOG_RECEIVER_PUBLIC_URL: 'https://turnlog.example:8443/' }
    expect(await atTerminal(publicUrl)).toMatch(/https:\/\/turnlog\.example:8443\/sign-in\?code=/)
    const { output } = await run([command, 'link'], { ...environment, ...publicUrl })
    expect(output).toMatch(/^https:\/\/turnlog\.example:8443\/sign-in\?code=[\w-]{43}\n$/)
  },
)

test('behind a proxy the pages answer under the public name, with a cookie for TLS only', async () => {
  const database = await withDatabase()
  const [line = ''] = await firstLines({
    DATABASE_URL: database.url,
    TURNLOG_RECEIVER_PORT: '0',
    TURNLOG_RECEIVER_PUBLIC_URL: 'https://turnlog.example',
  })
  const baseUrl = line.split(/ +/)[1] ?? ''
  const signIn = async (host: string) => {
    const link = await createSignInLink(database, { baseUrl })
    const asked = request(link, { headers: { host } }).end()
    const [answer]: IncomingMessage[] = await once(asked, 'response')
    answer?.resume()
    return [answer?.statusCode, answer?.headers['set-cookie']?.[0]]
  }
  expect(await signIn('turnlog.example')).toEqual([303, expect.stringContaining('; Secure')])
  expect(await signIn('localhost')).toEqual([303, expect.not.stringContaining('; Secure')])
  expect(await signIn('other.example')).toEqual([421, undefined])
})

test('turnlog-receiver health fails in one line when the receiver or its database does not answer', async () => {
  const database = await cloneDatabase()
  await using receiver = await startReceiverProcess({ database })
  const environment = { TURNLOG_RECEIVER_PORT: String(receiver.port) }
  expect((await run([command, 'health'], environment)).code).toBe(0)
  await database[Symbol.asyncDispose]()
  const unwell = await run([command, 'health'], environment)
  expect([unwell.code, unwell.errors]).toEqual([1, expect.stringContaining('503')])
  await receiver.kill()
  const gone = await run([command, 'health'], environment)
  expect([gone.code, gone.errors.trim().split('\n').length]).toEqual([1, 1])
})

test('the password of the database may be in a file', async () => {
  const database = await withDatabase()
  const folder = await mkdtemp(join(tmpdir(), 'turnlog-password-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'password')
  const url = new URL(database.url)
  const password = decodeURIComponent(url.password)
  url.password = ''
  const list = (passwordFile: string) =>
    run([command, 'token', 'list'], {
      DATABASE_URL: url.href,
      TURNLOG_DATABASE_PASSWORD_FILE: passwordFile,
    })
  await writeFile(file, `${password}\n`)
  expect(await list(file)).toMatchObject({ code: 0, errors: '' })
  await writeFile(file, 'wrong%')
  expect((await list(file)).errors).not.toContain('wrong')
  await writeFile(file, '')
  expect((await list(file)).errors).toContain('is empty')
  expect((await list(join(folder, 'none'))).errors).toContain('ENOENT')
})

test('turnlog-receiver creates, lists and revokes tokens; standard output has the token only', async () => {
  const database = await withDatabase()
  const environment = { DATABASE_URL: database.url }
  const made = await run([command, 'token', 'create', '--user', 'mara'], environment)
  expect([made.code, made.errors]).toEqual([0, ''])
  expect(made.output).toMatch(/^tlt_[\w-]{43}\n$/)
  const token = made.output.trim()
  expect(await findTokenHolder(database, token)).toEqual({
    teamId: 'default',
    userId: 'mara',
    scope: 'ingest',
  })
  const listed = await run([command, 'token', 'list'], environment)
  expect(listed.output).toContain('mara')
  expect(listed.output).not.toContain(token)
  expect((await run([command, 'token', 'revoke', token], environment)).code).toBe(0)
  expect(await findTokenHolder(database, token)).toBeUndefined()
  expect((await run([command, 'token', 'revoke', token], environment)).code).toBe(1)
})

test('a token is written to a file that only its owner can read, and kept while it is valid', async () => {
  const database = await withDatabase()
  const environment = { DATABASE_URL: database.url }
  const folder = await mkdtemp(join(tmpdir(), 'turnlog-token-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'private', 'token')
  const create = (scope: string) =>
    run(
      [command, 'token', 'create', '--user', 'collector', '--scope', scope, '--write-to', file],
      environment,
    )
  const made = await create('gateway')
  const token = await readFile(file, 'utf8')
  expect([made.code, made.errors, made.output.includes(token)]).toEqual([0, '', false])
  expect(await findTokenHolder(database, token)).toMatchObject({
    userId: 'collector',
    scope: 'gateway',
  })
  const modes = await Promise.all([file, join(folder, 'private')].map((path) => stat(path)))
  expect(modes.map(({ mode }) => mode & 0o777)).toEqual([0o600, 0o700])

  expect((await create('gateway')).output).toContain('kept')
  expect(await readFile(file, 'utf8')).toBe(token)
  // A token for another scope or user, revoked, or of another database, is replaced.
  await create('read')
  const second = await readFile(file, 'utf8')
  expect(await findTokenHolder(database, second)).toMatchObject({ scope: 'read' })
  await run([command, 'token', 'revoke', second], environment)
  await create('read')
  expect(await readFile(file, 'utf8')).not.toBe(second)
  await mkdir(join(folder, 'taken'))
  const taken = await run(
    [command, 'token', 'create', '--user', 'a', '--write-to', join(folder, 'taken')],
    environment,
  )
  expect(taken).toMatchObject({ code: 1, errors: expect.stringMatching(/^[^\n]+\n$/) })
})

test('turnlog-receiver reports an error in one line', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'turnlog-nothing-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const environment = { TURNLOG_DATA: folder }
  for (const args of [
    ['token', 'create', '--user', 'mara'],
    ['token', 'create'],
    ['token', 'create', '--user', 'mara', '--scope', 'everything'],
    ['token', 'create', '--nonsense'],
    ['token'],
    ['nonsense'],
    ['link'],
    ['role'],
    ['role', 'create'],
    ['role', 'create', 'Robert"; drop table spans'],
    ['role', 'create', 'pg_monitor'],
    ['role', 'drop', 'reports'],
  ]) {
    const ended = await run([command, ...args], environment)
    expect([ended.code, ended.output]).toEqual([1, ''])
    expect(ended.errors).toMatch(/^turnlog-receiver: [^\n]+\n$/)
  }
  expect((await run([command, '--help'], environment)).output).toContain('TURNLOG_RECEIVER_PORT')
})

test('turnlog-receiver link prints a link that signs in, also without the receiver’s port in its settings', async () => {
  const database = await withDatabase()
  await using receiver = await startReceiverProcess({ database })
  const { output } = await run([command, 'link'], { DATABASE_URL: database.url })
  expect(output).toContain(`:${receiver.port}/`)
  const answer = await fetch(output.trim(), { redirect: 'manual' })
  expect(answer.status).toBe(303)
})

/** The lines it prints until it listens. */
async function firstLines(environment: Record<string, string>): Promise<string[]> {
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    if (line.startsWith('Receiver')) return lines
  }
  throw new Error(`It ended before it listened: ${lines.join('\n')}`)
}

/** An address of this machine other than loopback, if it has one. */
function externalAddress(): string | undefined {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address
}
