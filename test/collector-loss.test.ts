/**
 * A Collector between the app and the receiver says 200 and then loses, holds or repeats what it took. What the
 * receiver's ledger has not is kept and sent again; what never comes through is declared.
 */
import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { accounts } from './support/account.ts'
import { type Example, startExample, temporaryFolder } from './support/example.ts'
import { type Fate, startLossyCollector, type TakenRequest } from './support/lossy-collector.ts'
import { cloneDatabase, type TestDatabase } from './support/postgres.ts'
import { startReceiver } from './support/receiver.ts'

const patience = { timeout: 80_000, interval: 200 }

async function openStage(fate?: (request: TakenRequest) => Fate) {
  const stack = new AsyncDisposableStack()
  const database = stack.use(await cloneDatabase())
  const receiver = stack.use(await startReceiver({ database }))
  const collector = stack.use(
    await startLossyCollector({ receiver: receiver.url, ...(fate ? { fate } : {}) }),
  )
  const spool = stack.use(temporaryFolder()).path
  const workspace = stack.use(temporaryFolder()).path
  const settings = { TELEMETRY_RECEIVER: receiver.url, TELEMETRY_RESEND_AFTER_SECONDS: '1' }
  return {
    database,
    receiver,
    collector,
    spool,
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

/** Nothing is unaccounted for, and nothing waits. */
async function expectBalance(spool: string, database: TestDatabase): Promise<void> {
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

function filesIn(spool: string, part: string): string[] {
  return readdirSync(spool, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.includes(part) && name.endsWith('.json.gz'),
  )
}

test('through a Collector that passes everything on, some of it twice, each record lands once and nothing stays', async () => {
  await using stage = await openStage(({ number }) => (number % 2 === 0 ? 'twice' : 'pass'))
  const { database, spool } = stage
  const app = await stage.start()
  for (const name of ['a', 'b', 'c']) await app.chat(`create ${name}.txt with ${name}`)
  await expect.poll(() => database.query('select * from turns'), patience).toHaveLength(3)
  await expectBalance(spool, database)
  expect(filesIn(spool, '/')).toEqual([])
  expect(await database.query('select path from file_operations order by path')).toEqual([
    { path: 'a.txt' },
    { path: 'b.txt' },
    { path: 'c.txt' },
  ])
})

test('what a Collector loses is sent again once newer records have landed', async () => {
  const lost = new Set<string>()
  await using stage = await openStage(({ signal, text }) => {
    if (signal === 'logs' || !text.includes('precious')) return 'pass'
    // The first time only.
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
  await expectBalance(spool, database)
  expect(filesIn(spool, '/')).toEqual([])
})

test('what a Collector lost and nothing came after is sent again as a probe', async () => {
  let losses = 0
  await using stage = await openStage(({ signal }) => {
    losses += signal === 'traces' ? 1 : 0
    return signal === 'traces' && losses <= 1 ? 'lose' : 'pass'
  })
  const { database, spool } = stage
  const app = await stage.start()
  await app.chat('create a.txt with text')
  await expect.poll(() => database.query('select * from turns'), patience).toHaveLength(1)
  await expectBalance(spool, database)
})

test('what never comes through is declared lost in transit, set aside whole, and the account is balanced', async () => {
  await using stage = await openStage(({ text }) => (text.includes('precious') ? 'lose' : 'pass'))
  const { database, spool, collector } = stage
  const app = await stage.start()
  await app.chat('create precious.txt with gold')
  const isDeclared = async (): Promise<boolean> => {
    const rows = await database.query(
      `select * from log_records where event_name = 'turnlog.records.dropped'`,
    )
    return rows.length > 0
  }
  // An app that goes on: something newer lands all the time.
  for (let turn = 1; !(await isDeclared()) && turn < 60; turn += 1) {
    await app.chat(`create other-${turn}.txt with text`)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }
  const declared = await database.query(
    `select distinct attributes ->> 'turnlog.drop.reason' as reason
       from log_records where event_name = 'turnlog.records.dropped'`,
  )
  expect(declared).toEqual([{ reason: 'lost_in_transit' }])
  await expectBalance(spool, database)
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

test('what a Collector holds for a while is waited for, not lost', async () => {
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
  await expectBalance(spool, database)
  expect(
    await database.query(`select * from log_records where event_name = 'turnlog.records.dropped'`),
  ).toEqual([])
})

test('an app killed after the Collector’s answer and before the ledger’s: the next one goes on for it', async () => {
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
  await expectBalance(spool, database)
  expect(filesIn(spool, '/')).toEqual([])
})
