import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findTokenHolder } from '@turnlog/receiver/storage'
import { expect, onTestFinished, test } from 'vitest'
import { post, span, traceRequest } from '../../test/support/otlp.ts'
import { cloneDatabase, emptyDatabase } from '../../test/support/postgres.ts'
import { startReceiverProcess } from '../../test/support/receiver.ts'

const program = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const command = fileURLToPath(new URL('../bin/turnlog-receiver', import.meta.url))

interface Ended {
  readonly code: number | null
  readonly output: string
  readonly errors: string
}

async function run(args: readonly string[], environment: Record<string, string>): Promise<Ended> {
  const { DATABASE_URL: _, TURNLOG_DATA: __, ...rest } = process.env
  const child = spawn(process.execPath, [...args], { env: { ...rest, ...environment } })
  const output: string[] = []
  const errors: string[] = []
  child.stdout.on('data', (chunk) => output.push(String(chunk)))
  child.stderr.on('data', (chunk) => errors.push(String(chunk)))
  await once(child, 'close')
  return { code: child.exitCode, output: output.join(''), errors: errors.join('') }
}

test('told to stop, it ends with 0 within seconds and lands what it was given', async () => {
  await using database = await cloneDatabase()
  await using receiver = await startReceiverProcess({ database })
  expect((await post(receiver, 'traces', traceRequest([span()]))).status).toBe(200)
  expect(await receiver.kill('SIGTERM')).toBe(0)
  expect(await database.query('select count(*) from spans')).toEqual([{ count: 1 }])
})

test('killed at any moment of a request, the retry makes one row of each record', async () => {
  await using database = await cloneDatabase()
  const spans = Array.from({ length: 300 }, (_, index) =>
    span({ 'turnlog.sequence': index + 1, text: `${index} ${'x'.repeat(2_000)}` }),
  )
  const request = traceRequest(spans, { 'service.instance.id': 'r', 'session.id': 's' })
  for (const delay of [0, 5, 10, 20, 40, 80]) {
    await using receiver = await startReceiverProcess({ database })
    const sent = post(receiver, 'traces', request).catch(() => undefined)
    setTimeout(() => receiver.child.kill('SIGKILL'), delay)
    await sent
    await receiver.kill()
  }
  await using receiver = await startReceiverProcess({ database })
  expect(await (await post(receiver, 'traces', request)).json()).toEqual({})
  expect(
    await database.query(
      'select count(*) as spans, (select sequences::text from ledger) as ledger from spans',
    ),
  ).toEqual([{ spans: 300, ledger: '{[1,301)}' }])
})

test('five that start at once on an empty database all serve', async () => {
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
  ).toEqual([{ count: 36 }])
})

test('a port that is taken, a wrong setting and a database that is not there are one line and exit 1', async () => {
  await using database = await cloneDatabase()
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

test('turnlog-receiver makes, lists and revokes tokens; the token stands alone on standard output', async () => {
  await using database = await cloneDatabase()
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

test('turnlog-receiver says in one line what is wrong', async () => {
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
  ]) {
    const ended = await run([command, ...args], environment)
    expect([ended.code, ended.output]).toEqual([1, ''])
    expect(ended.errors).toMatch(/^turnlog-receiver: [^\n]+\n$/)
  }
  expect((await run([command, '--help'], environment)).output).toContain('TURNLOG_RECEIVER_PORT')
})

test('turnlog-receiver link prints a link that signs in', async () => {
  await using database = await cloneDatabase()
  await using receiver = await startReceiverProcess({ database })
  const { output } = await run([command, 'link'], {
    DATABASE_URL: database.url,
    TURNLOG_RECEIVER_PORT: String(receiver.port),
  })
  const answer = await fetch(output.trim(), { redirect: 'manual' })
  expect(answer.status).toBe(303)
})
