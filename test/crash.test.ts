/** The app is killed with -9: after the next start, ended records have landed, and open ones are closed as abandoned. */

import { expect, test } from 'vitest'
import { accounts } from './support/account.ts'
import { startExample, temporaryFolder } from './support/example.ts'
import { withReceiver } from './support/receiver.ts'

const patience = { timeout: 60_000, interval: 100 }

async function openStage() {
  const stack = new AsyncDisposableStack()
  const { database, receiver } = await withReceiver()
  const spool = stack.use(temporaryFolder()).path
  const workspace = stack.use(temporaryFolder()).path
  const options = { spool, workspace, endpoint: receiver.url, token: receiver.token }
  return {
    database,
    spool,
    start: async () => stack.use(await startExample(options)),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

test('an app killed in the middle of a streamed answer leaves an abandoned turn with the partial answer', async () => {
  await using stage = await openStage()
  const { database, spool } = stage
  const app = await stage.start()
  await app.chat('create kept.txt with a turn that ended')
  let seen = ''
  await app.chatOnSocket('count to 5000', (delta) => {
    seen += delta
    if (seen.length > 300) app.child.kill('SIGKILL')
  })
  await stage.start()

  await expect
    .poll(() => database.query("select outcome from turns where outcome = 'abandoned'"), patience)
    .toHaveLength(1)
  const turns = await database.query(
    'select prompt, answer, outcome, abandoned from turns order by started_at',
  )
  expect(turns).toMatchObject([
    { prompt: 'create kept.txt with a turn that ended', outcome: 'completed', abandoned: false },
    { prompt: 'count to 5000', outcome: 'abandoned', abandoned: true },
  ])
  const answer = String(turns[1]?.answer)
  expect(seen.startsWith(answer) || answer.startsWith(seen)).toBe(true)
  expect(answer.length).toBeGreaterThan(200)
  expect(
    await database.query('select abandoned from model_calls order by started_at'),
  ).toContainEqual({
    abandoned: true,
  })
  await expect
    .poll(
      async () => (await accounts(spool, database)).map(({ unaccounted }) => unaccounted),
      patience,
    )
    .toEqual([0, 0])
})

test('a turn that ended the moment before kill -9 lands once after the next start', async () => {
  await using stage = await openStage()
  const { database, spool } = stage
  const app = await stage.start()
  await app.chat('create now.txt with content')
  await app.stop('SIGKILL')
  await stage.start()
  await expect.poll(() => database.query('select * from turns'), patience).toHaveLength(1)
  expect(await database.query('select path, type from file_operations')).toEqual([
    { path: 'now.txt', type: 'create' },
  ])
  await expect
    .poll(
      () =>
        database.query('select session_id from sessions where ended_at is not null and abandoned'),
      patience,
    )
    .toHaveLength(1)
  // Between the receiver's commit and the app's reading of the answer, a record counts as landed and as waiting.
  await expect
    .poll(
      async () => (await accounts(spool, database)).map(({ unaccounted }) => unaccounted),
      patience,
    )
    .toEqual([0, 0])
})

test('a session killed again and again lands every turn it answered, once each', async () => {
  await using stage = await openStage()
  const { database, spool } = stage
  for (const name of ['a', 'b', 'c']) {
    const app = await stage.start()
    await app.chat(`create ${name}.txt with ${name}`)
    await app.stop('SIGKILL')
  }
  await stage.start()
  await expect.poll(() => database.query('select * from turns'), patience).toHaveLength(3)
  const paths = await database.query('select path from file_operations order by path')
  expect(paths).toEqual([{ path: 'a.txt' }, { path: 'b.txt' }, { path: 'c.txt' }])
  await expect
    .poll(
      async () => (await accounts(spool, database)).map(({ unaccounted }) => unaccounted),
      patience,
    )
    .toEqual([0, 0, 0, 0])
})
