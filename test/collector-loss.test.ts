/**
 * A Collector between the app and the receiver answers 200 and then loses, delays or repeats requests. Clients keep
 * records until the receiver's ledger has them, and send them again; records that never arrive are declared lost.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as path from 'node:path'
import { type ExpectStatic, test, vi } from 'vitest'
import { accounts } from './support/account.ts'
import { type Example, startExample, temporaryFolder } from './support/example.ts'
import { type Fate, startLossyCollector, type TakenRequest } from './support/lossy-collector.ts'
import { cloneDatabase, type TestDatabase } from './support/postgres.ts'
import { startReceiver } from './support/receiver.ts'

// These tests wait more than they compute, so they run at the same time.
// Longer than two waits, so that a failure names its condition.
vi.setConfig({ testTimeout: 240_000 })
const patience = { timeout: 200_000, interval: 200 }

async function openStage(
  fate: (request: TakenRequest) => Fate = () => 'pass',
  { isGateway = false } = {},
) {
  const stack = new AsyncDisposableStack()
  const database = stack.use(await cloneDatabase())
  const receiver = stack.use(await startReceiver({ database }))
  const gateway = isGateway
    ? { token: await receiver.newToken({ user: 'gateway', scope: 'gateway' }) }
    : {}
  const collector = stack.use(
    await startLossyCollector({ receiver: receiver.url, fate, ...gateway }),
  )
  const spool = stack.use(temporaryFolder()).path
  const workspace = stack.use(temporaryFolder()).path
  const settings = { TELEMETRY_RECEIVER: receiver.url, TELEMETRY_RESEND_AFTER_SECONDS: '1' }
  return {
    database,
    receiver,
    collector,
    spool,
    workspace,
    start: async (more: Record<string, string> = {}): Promise<Example> =>
      stack.use(
        await startExample({
          spool,
          workspace,
          endpoint: collector.url,
          token: receiver.token,
          settings: { ...settings, ...more },
        }),
      ),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** Every record is accounted for, and none is waiting. */
async function expectBalance(
  expect: ExpectStatic,
  { spool, database }: { readonly spool: string; readonly database: TestDatabase },
): Promise<void> {
  await expect
    .poll(
      async () =>
        (await accounts(spool, database)).filter(
          ({ unaccounted, waiting }) => unaccounted !== 0 || waiting !== 0,
        ),
      patience,
    )
    .toEqual([])
}

/** The app continues, so newer records land all the time, until a loss is declared: only one in transit. */
async function chatUntilLossIsDeclared(
  expect: ExpectStatic,
  { app, database }: { readonly app: Example; readonly database: TestDatabase },
): Promise<void> {
  let turn = 0
  await expect
    .poll(
      async () => {
        turn += 1
        await app.chat(`create other-${turn}.txt with text`)
        return database.query(
          `select distinct attributes ->> 'turnlog.drop.reason' as reason
             from log_records where event_name = 'turnlog.records.dropped'`,
        )
      },
      { ...patience, interval: 1_000 },
    )
    .toEqual([{ reason: 'lost_in_transit' }])
  expect(turn).toBeLessThanOrEqual(60)
}

function filesIn(spool: string, part: string): string[] {
  return readdirSync(spool, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.includes(part) && name.endsWith('.json.gz'),
  )
}

test.concurrent('through a Collector that forwards everything, some of it twice, each record lands once and the spool is empty', async ({
  expect,
}) => {
  await using stage = await openStage(({ number }) => (number % 2 === 0 ? 'twice' : 'pass'))
  const { database, spool } = stage
  const app = await stage.start()
  for (const name of ['a', 'b', 'c']) await app.chat(`create ${name}.txt with ${name}`)
  await expect.poll(() => database.query('select * from turns'), patience).toHaveLength(3)
  await expectBalance(expect, { spool, database })
  await expect.poll(() => filesIn(spool, '/'), patience).toEqual([])
  expect(await database.query('select path from file_operations order by path')).toEqual([
    { path: 'a.txt' },
    { path: 'b.txt' },
    { path: 'c.txt' },
  ])
})

test.concurrent('what a Collector loses is sent again once newer records have landed', async ({
  expect,
}) => {
  const lost = new Set<string>()
  await using stage = await openStage(({ signal, text }) => {
    if (signal === 'logs' || !text.includes('precious')) return 'pass'
    // Loses each request the first time only.
    if (lost.has(text)) return 'pass'
    lost.add(text)
    return 'lose'
  })
  const { database, spool } = stage
  const app = await stage.start()
  await app.chat('create precious.txt with gold')
  await expect.poll(() => lost.size, patience).toBeGreaterThan(0)
  await app.chat('create other.txt with text')
  await expect
    .poll(() => database.query('select path from file_operations order by path'), patience)
    .toEqual([{ path: 'other.txt' }, { path: 'precious.txt' }])
  await expectBalance(expect, { spool, database })
  await expect.poll(() => filesIn(spool, '/'), patience).toEqual([])
})

test.concurrent('a lost segment that no newer one has overtaken is sent again as a probe', async ({
  expect,
}) => {
  let losses = 0
  await using stage = await openStage(({ signal }) => {
    losses += signal === 'traces' ? 1 : 0
    return signal === 'traces' && losses <= 1 ? 'lose' : 'pass'
  })
  const { database, spool } = stage
  const app = await stage.start()
  await app.chat('create a.txt with text')
  await expect.poll(() => database.query('select * from turns'), patience).toHaveLength(1)
  await expectBalance(expect, { spool, database })
})

test.concurrent('lost parts of a content are sent again until the content is complete', async ({
  expect,
}) => {
  const lost = new Set<string>()
  await using stage = await openStage(({ text }) => {
    if (!text.includes('"eventName":"turnlog.content"') || lost.has(text)) return 'pass'
    lost.add(text)
    return 'lose'
  })
  const { database, spool, workspace } = stage
  // Each of `before` and `after` has several parts, in several segments.
  const before = `first\n${'a line of a large file\n'.repeat(250_000)}`
  const after = before.replace('first', 'second')
  writeFileSync(path.join(workspace, 'large.txt'), before)
  const app = await stage.start()
  await app.chat('replace first with second in large.txt')
  const sizes = () =>
    database.query(
      'select octet_length(before) as before, octet_length(after) as after from file_operations',
    )
  await expect.poll(sizes, patience).toEqual([{ before: before.length, after: after.length }])
  await expectBalance(expect, { spool, database })
  await expect.poll(() => filesIn(spool, '/'), patience).toEqual([])
  expect(lost.size).toBeGreaterThan(1)
})

test.concurrent('a segment that never arrives is declared lost in transit and quarantined, and the account balances', async ({
  expect,
}) => {
  await using stage = await openStage(({ text }) => (text.includes('precious') ? 'lose' : 'pass'))
  const { database, spool, collector } = stage
  const app = await stage.start()
  await app.chat('create precious.txt with gold')
  await chatUntilLossIsDeclared(expect, { app, database })
  await expectBalance(expect, { spool, database })
  const lost = Map.groupBy(
    collector.taken.filter(({ fate }) => fate === 'lose'),
    ({ text }) => text,
  )
  expect([...lost.values()].map((times) => times.length)).toEqual([...lost].map(() => 4))
  expect(filesIn(spool, 'quarantine/lost_in_transit/')).toHaveLength(lost.size)
  const [row] = await database.query('select dropped, missing from session_completeness')
  expect(row).toMatchObject({ missing: 0 })
  expect(Number(row?.dropped)).toBeGreaterThan(0)
})

test.concurrent('if a dead app’s segment never arrives, the next app declares it', async ({
  expect,
}) => {
  await using stage = await openStage(({ text }) => (text.includes('precious') ? 'lose' : 'pass'))
  const { database, spool } = stage
  const app = await stage.start()
  await app.chat('create precious.txt with gold')
  await expect.poll(() => filesIn(spool, '/sent/').length, patience).toBeGreaterThan(0)
  await app.stop('SIGKILL')
  const next = await stage.start()
  await chatUntilLossIsDeclared(expect, { app: next, database })
  await expectBalance(expect, { spool, database })
  const rows = await database.query(
    'select dropped > 0 as "hasDropped", missing from session_completeness order by 1',
  )
  expect(rows).toEqual([
    { hasDropped: false, missing: 0 },
    { hasDropped: true, missing: 0 },
  ])
})

test.concurrent('a request that a Collector delays is waited for and not declared lost', async ({
  expect,
}) => {
  await using stage = await openStage(() => 'hold')
  const { database, spool, collector } = stage
  const app = await stage.start({ TELEMETRY_RESEND_AFTER_SECONDS: '3' })
  for (const name of ['a', 'b', 'c']) await app.chat(`create ${name}.txt with ${name}`)
  await expect.poll(() => filesIn(spool, '/sent/').length, patience).toBeGreaterThan(1)
  const [account] = await accounts(spool, database)
  expect(account).toMatchObject({ landed: 0, unaccounted: 0 })
  expect(account?.waiting).toBe(account?.recorded)
  collector.setFate(() => 'pass')
  collector.release()
  await expect.poll(() => database.query('select * from turns'), patience).toHaveLength(3)
  await expectBalance(expect, { spool, database })
  expect(
    await database.query(`select * from log_records where event_name = 'turnlog.records.dropped'`),
  ).toEqual([])
})

test.concurrent('if an app is killed between the Collector’s answer and the ledger’s, the next app continues for it', async ({
  expect,
}) => {
  await using stage = await openStage(() => 'lose')
  const { database, spool, collector } = stage
  const app = await stage.start()
  await app.chat('create a.txt with text')
  await expect.poll(() => filesIn(spool, '/sent/').length, patience).toBeGreaterThan(1)
  await app.stop('SIGKILL')
  collector.setFate(() => 'pass')
  const next = await stage.start()
  await next.chat('create b.txt with text')
  await expect
    .poll(() => database.query('select path from file_operations order by path'), patience)
    .toEqual([{ path: 'a.txt' }, { path: 'b.txt' }])
  await expectBalance(expect, { spool, database })
  await expect.poll(() => filesIn(spool, '/'), patience).toEqual([])
})

test.concurrent('several apps that are killed at random, behind a Collector that loses, delays and repeats: everything lands once', async ({
  expect,
}) => {
  let state = Math.floor(Math.random() * 2 ** 31) || 1
  const seed = state
  const chance = (): number => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
  const fates = ['pass', 'pass', 'lose', 'twice', 'hold'] as const
  await using stage = await openStage(() => fates[Math.floor(chance() * fates.length)] ?? 'pass')
  const { database, spool, collector } = stage
  const names: string[] = []
  const chat = async (app: Example): Promise<void> => {
    const name = `file-${names.length + 1}.txt`
    await app.chat(`create ${name} with text`)
    names.push(name)
  }
  const beside = await stage.start()
  for (let round = 0; round < 3; round += 1) {
    const app = await stage.start()
    await chat(app)
    await chat(beside)
    collector.release()
    await new Promise((resolve) => setTimeout(resolve, 2_500 * chance()))
    await chat(app)
    await app.stop('SIGKILL')
  }
  await beside.stop('SIGKILL')
  collector.release()
  collector.setFate(() => 'pass')
  const last = await stage.start()
  await chat(last)
  await expect
    .poll(async () => {
      collector.release()
      const rows = await database.query<{ path: string }>('select path from file_operations')
      return rows.map((row) => row.path).sort((a, b) => a.localeCompare(b))
    }, patience)
    .toEqual(names.toSorted((a, b) => a.localeCompare(b)))
  await expectBalance(expect, { spool, database })
  expect(filesIn(spool, '/'), `seed ${seed}`).toEqual([])
  expect(
    await database.query(`select * from log_records where event_name = 'turnlog.records.dropped'`),
  ).toEqual([])
})

test.concurrent('a gateway sends with its own token, and apps ask the receiver with the user’s token', async ({
  expect,
}) => {
  await using stage = await openStage(() => 'pass', { isGateway: true })
  const { database, spool, receiver } = stage
  const app = await stage.start({
    TELEMETRY_TOKEN: 'known-to-the-gateway-only',
    TELEMETRY_RECEIVER_TOKEN: receiver.token,
    TELEMETRY_USER_ID: 'mara',
  })
  await app.chat('create a.txt with text')
  await expect.poll(() => database.query('select * from turns'), patience).toHaveLength(1)
  await expectBalance(expect, { spool, database })
  await expect.poll(() => filesIn(spool, '/'), patience).toEqual([])
})

test.concurrent.for([
  ['is older and knows no such question', 404],
  ['takes the token for somebody else’s', 401],
  ['is a login page', 200],
] as const)(
  'where the receiver %s, everything is kept until the next start can ask',
  async ([, status], { expect }) => {
    await using stage = await openStage()
    const { database, spool } = stage
    await using strange = await answerAlways(status)
    const app = await stage.start({ TELEMETRY_RECEIVER: strange.url })
    await app.chat('create a.txt with text')
    await expect.poll(() => database.query('select * from turns'), patience).toHaveLength(1)
    await expect.poll(() => strange.questions().length, patience).toBeGreaterThan(0)
    await expect.poll(() => filesIn(spool, '/sent/').length, patience).toBeGreaterThan(0)
    expect(strange.questions()[0]).toMatch(/^\/api\/v1\/completeness\?recorder=/)
    // Seconds later the receiver has not been asked again and again.
    expect(strange.questions().length).toBeLessThan(5)
    expect(app.output()).toMatch(/^Chat with a scripted model: .*\n$/)
    await app.stop('SIGKILL')
    await stage.start()
    await expectBalance(expect, { spool, database })
    await expect.poll(() => filesIn(spool, '/'), patience).toEqual([])
  },
)

test.concurrent('without a receiver to ask, sent segments are kept until the limit and then listed as unconfirmed', async ({
  expect,
}) => {
  await using stage = await openStage()
  const { database, spool } = stage
  const patient = await stage.start({ TELEMETRY_RECEIVER: '' })
  await patient.chat('create a.txt with text')
  await expect.poll(() => database.query('select * from turns'), patience).toHaveLength(1)
  await expect.poll(() => filesIn(spool, '/sent/').length, patience).toBeGreaterThan(0)
  await patient.stop('SIGKILL')
  const hasty = await stage.start({ TELEMETRY_RECEIVER: '', TELEMETRY_KEPT_DAYS_MAX: '0' })
  await hasty.chat('create b.txt with text')
  await expect.poll(() => database.query('select * from turns'), patience).toHaveLength(2)
  await expectBalance(expect, { spool, database })
  await expect.poll(() => filesIn(spool, '/'), patience).toEqual([])
  const [list = '', ...others] = readdirSync(spool, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('unconfirmed.jsonl'),
  )
  expect(others).toEqual([])
  const given = new Map<string, number>()
  for (const line of readFileSync(path.join(spool, list), 'utf8').trim().split('\n')) {
    const { recorder, sequences } = JSON.parse(line)
    for (const [first, last] of sequences) {
      given.set(recorder, (given.get(recorder) ?? 0) + last - first + 1)
    }
  }
  const recorded = (await accounts(spool, database)).map((each) => [each.recorder, each.recorded])
  expect([...given].sort(([a], [b]) => (a < b ? -1 : 1))).toEqual(recorded)
})

test.concurrent('without a Collector, nothing is kept after sending and the ledger is not asked', async ({
  expect,
}) => {
  await using database = await cloneDatabase()
  await using receiver = await startReceiver({ database })
  await using strange = await answerAlways(404)
  using spool = temporaryFolder()
  using workspace = temporaryFolder()
  const options = { spool: spool.path, workspace: workspace.path, token: receiver.token }
  await using app = await startExample({
    ...options,
    endpoint: receiver.url,
    settings: { TELEMETRY_RECEIVER: strange.url },
  })
  await app.chat('create a.txt with text')
  await expect.poll(() => database.query('select * from turns'), patience).toHaveLength(1)
  await expectBalance(expect, { spool: spool.path, database })
  expect([filesIn(spool.path, '/'), strange.questions()]).toEqual([[], []])
})

/** A server that answers every request the same. */
async function answerAlways(status: number) {
  const questions: string[] = []
  const server = createServer((request, response) => {
    questions.push(request.url ?? '')
    response.writeHead(status, { 'content-type': 'text/html' }).end('<title>Please sign in</title>')
  })
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    questions: () => questions,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
