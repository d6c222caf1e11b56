/** The receiver is down, is killed at the worst moment, or refuses: nothing is lost and nothing lands twice. */
import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { createServer, request as sendRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { accounts } from './support/account.ts'
import { startExample, temporaryFolder } from './support/example.ts'
import { type TestDatabase, withDatabase } from './support/postgres.ts'
import { startReceiver, startReceiverProcess, withReceiver } from './support/receiver.ts'

const patience = { timeout: 60_000, interval: 200 }
const names = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten']

test('ten turns recorded while the receiver is down land once each and in order when it is back', async () => {
  const database = await withDatabase()
  using spool = temporaryFolder()
  using workspace = temporaryFolder()
  const first = await startReceiver({ database })
  const { url, token } = first
  await first.close()
  await using app = await startExample({
    spool: spool.path,
    workspace: workspace.path,
    endpoint: url,
    token,
  })
  for (const name of names) await app.chat(`create ${name}.txt with ${name}`)
  expect(await database.query('select * from turns')).toEqual([])

  await using _receiver = await startReceiver({ database, port: Number(new URL(url).port) })
  await expect.poll(() => database.query('select * from turns'), patience).toHaveLength(10)
  const rows = await database.query('select path from file_operations order by started_at')
  expect(rows).toEqual(names.map((name) => ({ path: `${name}.txt` })))
  await expect
    .poll(
      async () => (await accounts(spool.path, database)).map(({ unaccounted }) => unaccounted),
      patience,
    )
    .toEqual([0])
  expect(app.output()).toMatch(/^Chat with a scripted model: .*\n$/)
})

test('if a receiver is killed between commit and answer, each record has landed once', async () => {
  const database = await withDatabase()
  using spool = temporaryFolder()
  using workspace = temporaryFolder()
  const receiver = await startReceiverProcess({ database })
  await using proxy = await loseOneAnswer(receiver.port, () => receiver.kill('SIGKILL'))
  await using app = await startExample({
    spool: spool.path,
    workspace: workspace.path,
    endpoint: proxy.url,
    token: receiver.token,
  })
  await app.chat('create a.txt with text')
  await expect.poll(() => proxy.lostAnswers(), patience).toBe(1)
  const committed = await countRecords(database)
  expect(committed).toBeGreaterThan(0)

  await using _again = await startReceiverProcess({ database, port: receiver.port })
  await expect.poll(() => database.query('select * from turns'), patience).toHaveLength(1)
  await expect
    .poll(
      async () =>
        (await accounts(spool.path, database)).map(({ unaccounted, waiting }) => [
          unaccounted,
          waiting,
        ]),
      patience,
    )
    .toEqual([[0, 0]])
  expect(await database.query('select path from file_operations')).toEqual([{ path: 'a.txt' }])
})

test('the same bodies sent twice change no row count', async () => {
  const { database, receiver } = await withReceiver()
  using spool = temporaryFolder()
  using kept = temporaryFolder()
  using workspace = temporaryFolder()
  await using app = await startExample({ spool: spool.path, workspace: workspace.path })
  await app.chat('create a.txt with text')
  await fetch(`${app.url}/api/changes/recent`)
  cpSync(spool.path, kept.path, { recursive: true })
  const segments = readdirSync(kept.path, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.json.gz'),
  )
  expect(segments.length).toBeGreaterThan(1)

  const sendAll = async (): Promise<number[]> => {
    const answers = segments.map((name) =>
      fetch(`${receiver.url}/v1/${name.includes('.traces.') ? 'traces' : 'logs'}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${receiver.token}`,
          'content-type': 'application/json',
          'content-encoding': 'gzip',
        },
        body: readFileSync(path.join(kept.path, name)),
      }),
    )
    return (await Promise.all(answers)).map(({ status }) => status)
  }
  const ok = segments.map(() => 200)
  expect(await sendAll()).toEqual(ok)
  const counts = await countRows(database)
  expect(await sendAll()).toEqual(ok)
  expect(await sendAll()).toEqual(ok)
  expect(await countRows(database)).toEqual(counts)
})

test('a wrong token loses nothing: with the right one everything lands', async () => {
  const { database, receiver } = await withReceiver()
  using spool = temporaryFolder()
  using workspace = temporaryFolder()
  const options = { spool: spool.path, workspace: workspace.path, endpoint: receiver.url }
  const refused = await startExample({ ...options, token: 'wrong' })
  await refused.chat('create a.txt with text')
  await refused.stop()
  expect(await database.query('select * from turns')).toEqual([])
  expect(refused.output()).toMatch(/^Chat with a scripted model: .*\n$/)

  await using _accepted = await startExample({ ...options, token: receiver.token })
  await expect.poll(() => database.query('select * from turns'), patience).toHaveLength(1)
  await expect
    .poll(
      async () => (await accounts(spool.path, database)).map(({ unaccounted }) => unaccounted),
      patience,
    )
    .toEqual([0, 0])
})

async function countRecords(database: TestDatabase): Promise<number> {
  const [row] = await database.query(
    'select (select count(*) from spans) + (select count(*) from log_records) as records',
  )
  return Number(row?.records)
}

async function countRows(database: TestDatabase): Promise<unknown> {
  return database.query(
    `select (select count(*) from spans) spans, (select count(*) from log_records) logs,
            (select count(*) from contents) contents, (select count(*) from ledger) ledger`,
  )
}

/** Forwards requests, but drops the first answer that says "landed", after `onCommitted`. */
async function loseOneAnswer(port: number, onCommitted: () => Promise<unknown>) {
  let lost = 0
  const server = createServer((request, response) => {
    const { method, url, headers } = request
    const onward = sendRequest(
      { host: '127.0.0.1', port, method, path: url, headers },
      (answer) => {
        if (lost === 0 && answer.statusCode === 200 && url === '/v1/traces') {
          void onCommitted().then(() => {
            lost += 1
            response.destroy()
          })
          return
        }
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      },
    )
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  })
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lostAnswers: () => lost,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
