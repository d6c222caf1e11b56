/** The receiver's own counts, written to the database each minute. */

import { randomUUID } from 'node:crypto'
import { errorMessage } from '@turnlog/conventions/plain'
import { type Counters, combined } from './counters.ts'
import type { Database } from './storage/database.ts'
import { addReceiverSample, addTableSamples } from './storage/keep/samples.ts'

const intervalMilliseconds = 60_000

export interface SamplingOptions {
  readonly counters: Counters
  /** Called once when samples cannot be written, and once when they can be again. */
  readonly log: (message: string) => void
}

/**
 * Writes samples until stopped; `stop` writes the last one. Counts that could not be written are part of the next sample, so
 * that the samples add up to all counts. If a receiver is killed, the counts since its last sample are lost.
 */
export function startSampling(database: Database, { counters, log }: SamplingOptions) {
  const receiverId = randomUUID()
  let before = { counts: counters.counts(), at: performance.now() }
  let isWell = true
  let running: Promise<void> | undefined

  async function sample(): Promise<void> {
    const now = { counts: counters.counts(), at: performance.now() }
    try {
      await addReceiverSample(database, {
        receiverId,
        seconds: (now.at - before.at) / 1_000,
        ...combined(now.counts, before.counts, (left, right) => left - right),
        memoryBytes: process.memoryUsage.rss(),
      })
      before = now
      await addTableSamples(database)
      if (!isWell) log('The receiver’s own counts are written again.')
      isWell = true
    } catch (error) {
      if (isWell)
        log(
          `The receiver’s own counts cannot be written, and will be written later: ${errorMessage(error)}`,
        )
      isWell = false
    }
  }

  /** One at a time, so that a slow database is not asked again meanwhile. */
  function sampleOnce(): Promise<void> {
    running ??= sample().finally(() => {
      running = undefined
    })
    return running
  }

  const timer = setInterval(() => void sampleOnce(), intervalMilliseconds)
  timer.unref()
  return {
    sample: sampleOnce,
    async stop(): Promise<void> {
      clearInterval(timer)
      await running
      await sampleOnce()
    },
  }
}
