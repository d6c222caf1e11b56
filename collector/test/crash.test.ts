/**
 * A Collector loses acknowledged records if it is killed a second time while it recovers from the first kill. Records of
 * an app under the preload still land: its segments are kept until the receiver's ledger has them.
 */
import { rmSync, writeFileSync } from 'node:fs'
import * as path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../test/support/example.ts'
import { expectAllOnce, openStage } from './support/stage.ts'

test('everything lands once although the Collector is killed twice in a row, repeatedly, and while it starts', async () => {
  await using stage = await openStage()
  const { collector } = stage
  await collector.start()
  const app = await stage.startApp()
  const files: string[] = []
  const turn = async (round: number, part: string) => {
    const name = `${round}-${part}.txt`
    await app.chat(`create ${name} with ${part}`)
    files.push(name)
  }
  // Between two kills the Collector gets the time that it needs to open its queue, and a little more each time.
  for (const [round, aliveMs] of [20, 60, 120, 200, 320, 500].entries()) {
    await stage.receiverAway()
    await turn(round, 'acknowledged')
    await stage.untilQueued(`${round}-acknowledged.txt`)
    await collector.kill()
    collector.launch()
    await sleep(aliveMs)
    await collector.kill()
    collector.launch()
    await sleep(aliveMs)
    await collector.kill()
    await turn(round, 'meanwhile')
    await stage.receiverBack()
    await collector.start()
    await turn(round, 'after')
  }
  // The app's end and its next start are logs that overtake a lost one; without them it would be sent again only rarely.
  await app.stop()
  await stage.startApp()
  await expectAllOnce(stage, files)
})

test('if a Collector loses its whole queue, all records and large contents of an app still land', async () => {
  using queue = temporaryFolder()
  await using stage = await openStage({ queue: queue.path })
  const { collector, database } = stage
  await collector.start()
  await stage.receiverAway()
  const large = Array.from({ length: 50_000 }, (_, line) => `line ${line} of a large file\n`).join(
    '',
  )
  writeFileSync(path.join(stage.workspace, 'large.txt'), large)
  const app = await stage.startApp()
  await app.chat('read large.txt')
  await app.chat('create lost.txt with text')
  await stage.untilQueued('lost.txt')
  await collector.kill()
  rmSync(queue.path, { recursive: true })
  await stage.receiverBack()
  await collector.start()
  await app.chat('create later.txt with text')
  await app.stop()
  await stage.startApp()
  await expectAllOnce(stage, ['lost.txt', 'later.txt'])
  const results = () =>
    database.query("select result from tool_calls where arguments like '%large.txt%'")
  await expect.poll(results).toEqual([{ result: large }])
})

test('if app and Collector are killed together, the next start of the app lands everything once', async () => {
  await using stage = await openStage()
  const { collector } = stage
  await collector.start()
  await stage.receiverAway()
  const first = await stage.startApp()
  await first.chat('create first.txt with text')
  await stage.untilQueued('first.txt')
  await first.chat('create second.txt with text')
  await Promise.all([first.stop('SIGKILL'), collector.kill()])
  await stage.receiverBack()
  await collector.start()
  const next = await stage.startApp()
  await next.chat('create third.txt with text')
  await expectAllOnce(stage, ['first.txt', 'second.txt', 'third.txt'])
})
