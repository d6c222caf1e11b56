/** A full queue, and a full disk: the sender gets 503, an app's records are not lost, and the Collector recovers. */
import { randomBytes } from 'node:crypto'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { mountDisk, type TestDisk } from '../../test/support/disk.ts'
import { log, logsRequest, post, span, traceRequest } from '../../test/support/otlp.ts'
import { expectAllOnce, openStage, type Stage } from './support/stage.ts'

const mebibyte = 1024 ** 2

test('a queue of an eighth of its disk never fills it; further requests wait and are taken later', async (context) => {
  const disk = mountDisk(context, 64)
  await using stage = await openStage({
    queue: path.join(disk.path, 'queue'),
    environment: { TURNLOG_QUEUE_BYTES_MAX: String(8 * mebibyte) },
  })
  await stage.collector.start()
  await stage.receiverAway()
  const app = await stage.startApp()
  await app.chat('create before.txt with text')
  const answers: number[] = []
  const sending = Array.from({ length: 24 }, async (_, index) => {
    answers.push(await send(stage, index % 2 === 0 ? 'traces' : 'logs'))
  })
  await expect
    .poll(() => stage.collector.metric('otelcol_exporter_queue_size'))
    .toBeGreaterThan(13 * mebibyte)
  await app.chat('create meanwhile.txt with text')
  // Five requests of a signal are below the limit, and none is delivered.
  expect(answers.length).toBeLessThanOrEqual(10)
  // Two signals, each 2.5 times its content: there would be 20 MiB for the third signal, too.
  expect(disk.free()).toBeGreaterThan(24 * mebibyte)
  await stage.receiverBack()
  await Promise.all(sending)
  expect(new Set(answers)).toEqual(new Set([200]))
  await expectAllOnce(stage, ['before.txt', 'meanwhile.txt'])
})

test('with a disk that another program filled, requests are answered 503 until there is room', async (context) => {
  const disk = mountDisk(context, 48)
  await using stage = await openStage({ queue: path.join(disk.path, 'queue') })
  await stage.collector.start()
  await stage.receiverAway()
  const app = await stage.startApp()
  await app.chat('create before.txt with text')
  await stage.untilQueued('before.txt')
  disk.take()
  expect(await send(stage, 'traces')).toBe(503)
  expect(await send(stage, 'logs')).toBe(503)
  await app.chat('create meanwhile.txt with text')
  await stage.receiverBack()
  await expectHealing(stage, disk)
  await app.chat('create after.txt with text')
  await expectAllOnceInTheEnd(stage, app, ['before.txt', 'meanwhile.txt', 'after.txt'])
})

test('with a disk that the queue filled, each signal is answered 503 until it has room', async (context) => {
  const disk = mountDisk(context, 64)
  await using stage = await openStage({ queue: path.join(disk.path, 'queue') })
  await stage.collector.start()
  await stage.receiverAway()
  disk.take(16 * mebibyte)
  const app = await stage.startApp()
  await app.chat('create before.txt with text')
  await stage.untilQueued('before.txt')
  const answers: number[] = []
  while (answers.length < 100 && answers.at(-1) !== 503) answers.push(await send(stage, 'traces'))
  expect(answers.slice(0, -1).every((status) => status === 200)).toBe(true)
  expect(answers.at(-1)).toBe(503)
  expect(await send(stage, 'logs')).toBe(503)
  await app.chat('create meanwhile.txt with text')
  await stage.receiverBack()
  // Landed traces have left room in their file; on a full disk the file cannot shrink.
  await expect.poll(() => send(stage, 'traces')).toBe(200)
  expect(await send(stage, 'logs')).toBe(503)
  expect(disk.free()).toBe(0)
  await expectHealing(stage, disk)
  await app.chat('create after.txt with text')
  await expectAllOnceInTheEnd(stage, app, ['before.txt', 'meanwhile.txt', 'after.txt'])
})

async function expectHealing(stage: Stage, disk: TestDisk): Promise<void> {
  disk.giveBack()
  await expect.poll(() => send(stage, 'traces')).toBe(200)
  await expect.poll(() => send(stage, 'logs')).toBe(200)
}

/** On a full disk the Collector may lose acknowledged requests; the app's end and next start are logs that overtake them. */
async function expectAllOnceInTheEnd(
  stage: Stage,
  app: { stop(): Promise<unknown> },
  files: readonly string[],
): Promise<void> {
  await app.stop()
  await stage.startApp()
  await expectAllOnce(stage, files)
}

/** 1.3 MiB of incompressible data, so they take as much on disk. */
async function send(
  { collector, receiver }: Pick<Stage, 'collector' | 'receiver'>,
  signal: 'traces' | 'logs',
): Promise<number> {
  const filler = randomBytes(mebibyte).toString('base64')
  const request =
    signal === 'traces' ? traceRequest([span({ filler })]) : logsRequest([log({ filler })])
  return (await post({ url: collector.url, token: receiver.token }, signal, request)).status
}
