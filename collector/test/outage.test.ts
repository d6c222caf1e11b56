/** The receiver is away, the Collector is away, the disk is full, a token is refused: nothing is lost. */

import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../test/support/example.ts'
import { post, span, traceRequest } from '../../test/support/otlp.ts'
import { expectAllOnce, openStage } from './support/stage.ts'

const names = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten']

test('ten turns while the receiver is away wait in the queue, also over a restart, and land once', async () => {
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

test('turns while the Collector is away wait in the spool', async () => {
  await using stage = await openStage()
  const app = await stage.startApp()
  for (const name of names) await app.chat(`create ${name}.txt with ${name}`)
  await stage.collector.start()
  await expectAllOnce(
    stage,
    names.map((name) => `${name}.txt`),
  )
})

test('an app that has no token for the receiver’s ledger keeps what it sent', async () => {
  await using stage = await openStage()
  await stage.collector.start()
  const app = await stage.startApp({ token: 'wrong' })
  await app.chat('create a.txt with text')
  await expect.poll(() => stage.database.query('select * from turns')).toHaveLength(1)
  await app.stop()
  await stage.startApp()
  await expectAllOnce(stage, ['a.txt'])
})

test('what a Collector drops because the receiver refuses its token is sent again', async () => {
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

test('a full disk is answered 503, heals, and loses nothing of ours', async ({
  skip,
  onTestFinished,
}) => {
  const disk = mountDisk()
  if (disk.status === 'refused') return skip(`no tmpfs can be mounted here: ${disk.reason}`)
  onTestFinished(disk.unmount)
  await using stage = await openStage({ queue: path.join(disk.path, 'queue') })
  const { collector, receiver } = stage
  await collector.start()
  await stage.receiverAway()
  const app = await stage.startApp()
  await app.chat('create before.txt with text')
  // What does not compress takes as much room on disk as it says.
  const fill = async () => {
    const filler = randomBytes(1024 ** 2).toString('base64')
    const target = { url: collector.url, token: receiver.token }
    return (await post(target, 'traces', traceRequest([span({ filler })]))).status
  }
  const answers: number[] = []
  while (answers.length < 100 && answers.at(-1) !== 503) answers.push(await fill())
  expect(answers.at(-1)).toBe(503)
  expect(answers.slice(0, -1).every((status) => status === 200)).toBe(true)
  expect(answers.length).toBeGreaterThan(5)

  await app.chat('create meanwhile.txt with text')
  await stage.receiverBack()
  await expect.poll(fill).toBe(200)
  await app.chat('create after.txt with text')
  // Its end and the next start are logs that come after a lost one; without, it would be tried again rarely.
  await app.stop()
  await stage.startApp()
  await expectAllOnce(stage, ['before.txt', 'meanwhile.txt', 'after.txt'])
})

test('a backlog that has landed leaves the disk', async () => {
  using queue = temporaryFolder()
  await using stage = await openStage({
    queue: queue.path,
    // 8 MiB in place of 128, so that the test need not write as much.
    overlays: [
      'yaml:extensions::file_storage/queue::compaction::rebound_needed_threshold_mib: 8',
      'yaml:extensions::file_storage/queue::compaction::rebound_trigger_threshold_mib: 2',
    ],
  })
  const { collector, receiver, database } = stage
  await collector.start()
  await stage.receiverAway()
  for (let sent = 0; sent < 24; sent += 1) {
    const filler = randomBytes(512 * 1024).toString('base64')
    const target = { url: collector.url, token: receiver.token }
    expect((await post(target, 'traces', traceRequest([span({ filler })]))).status).toBe(200)
  }
  const bytes = () => statSync(path.join(queue.path, 'exporter_otlp_http_receiver_traces')).size
  expect(bytes()).toBeGreaterThan(16 * 1024 ** 2)
  await stage.receiverBack()
  await expect
    .poll(() => database.query('select count(*)::int as spans from spans'))
    .toEqual([{ spans: 24 }])
  await expect.poll(bytes).toBeLessThan(8 * 1024 ** 2)
})

type Disk =
  | { readonly status: 'mounted'; readonly path: string; readonly unmount: () => void }
  | { readonly status: 'refused'; readonly reason: string }

/** A disk of 24 MiB, in memory: for root, and where containers allow it. */
function mountDisk(): Disk {
  const folder = temporaryFolder()
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', folder.path], {
    encoding: 'utf8',
  })
  if (mounted.status === 0) {
    return {
      status: 'mounted',
      path: folder.path,
      unmount() {
        spawnSync('umount', ['--lazy', folder.path])
        folder[Symbol.dispose]()
      },
    }
  }
  folder[Symbol.dispose]()
  return { status: 'refused', reason: mounted.stderr?.trim() || 'there is no mount' }
}
