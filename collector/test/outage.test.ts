/** The receiver is down, the Collector is down, or a token is refused: nothing is lost. */

import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../test/support/example.ts'
import { post, span, traceRequest } from '../../test/support/otlp.ts'
import { expectAllOnce, openStage } from './support/stage.ts'

const names = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten']

test('ten turns wait in the queue while the receiver is down, also across a restart, and land once', async () => {
  await using stage = await openStage()
  const { collector, database } = stage
  await collector.start()
  await stage.receiverAway()
  const app = await stage.startApp()
  for (const name of names) await app.chat(`create ${name}.txt with ${name}`)
  await stage.untilQueued('ten.txt')
  expect(await collector.kill('SIGTERM')).toBe(0)
  await collector.start()
  expect(await database.query('select * from turns')).toEqual([])
  await stage.receiverBack()
  await expectAllOnce(
    stage,
    names.map((name) => `${name}.txt`),
  )
})

test('turns wait in the spool while the Collector is down', async () => {
  await using stage = await openStage()
  const app = await stage.startApp()
  for (const name of names) await app.chat(`create ${name}.txt with ${name}`)
  await stage.collector.start()
  await expectAllOnce(
    stage,
    names.map((name) => `${name}.txt`),
  )
})

test('an app without a token for the receiver’s ledger keeps what it sent', async () => {
  await using stage = await openStage()
  await stage.collector.start()
  const app = await stage.startApp({ token: 'wrong' })
  await app.chat('create a.txt with text')
  await expect.poll(() => stage.database.query('select * from turns')).toHaveLength(1)
  await app.stop()
  await stage.startApp()
  await expectAllOnce(stage, ['a.txt'])
})

test('records that a Collector drops because the receiver refuses its token are sent again', async () => {
  await using stage = await openStage({ collectorToken: async () => 'revoked' })
  const { collector, receiver } = stage
  await collector.start()
  const app = await stage.startApp()
  await app.chat('create dropped.txt with text')
  await expect.poll(() => collector.metric('otelcol_exporter_send_failed_spans')).toBeGreaterThan(0)
  await collector.kill('SIGTERM')
  collector.setToken(receiver.token)
  await collector.start()
  await app.chat('create later.txt with text')
  await expectAllOnce(stage, ['dropped.txt', 'later.txt'])
})

test('the queue’s files shrink after a backlog has landed', async () => {
  using queue = temporaryFolder()
  await using stage = await openStage({ queue: queue.path })
  const { collector, receiver, database } = stage
  await collector.start()
  await stage.receiverAway()
  for (let sent = 0; sent < 32; sent += 1) {
    const filler = randomBytes(1024 ** 2).toString('base64')
    const target = { url: collector.url, token: receiver.token }
    expect((await post(target, 'traces', traceRequest([span({ filler })]))).status).toBe(200)
  }
  const bytes = () => statSync(path.join(queue.path, 'exporter_otlp_http_receiver_traces')).size
  expect(bytes()).toBeGreaterThan(32 * 1024 ** 2)
  await stage.receiverBack()
  await expect
    .poll(() => database.query('select count(*)::int as spans from spans'))
    .toEqual([{ spans: 32 }])
  await expect.poll(bytes).toBeLessThan(32 * 1024 ** 2)
})
