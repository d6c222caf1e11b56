/** The receiver's own counts, written to the database each minute. */
import { randomUUID } from 'node:crypto'
import type { Counters, Counts } from './counters.ts'
import type { Database } from './storage/database.ts'
import { addReceiverSample, addTableSamples } from './storage/keep/samples.ts'

const intervalMilliseconds = 60_000

export interface SamplingOptions {
  readonly counters: Counters
  /** Told once when samples cannot be written, and once when they can again. */
  readonly log: (message: string) => void
}

/**
 * Samples until stopped; `stop` writes what was counted since. What could not be written is part of the next sample, so
 * that samples add up to what was counted; what a killed receiver had counted since its last is missing from them.
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
        ...difference(now.counts, before.counts),
        memoryBytes: process.memoryUsage.rss(),
      })
      before = now
      await addTableSamples(database)
      if (!isWell) log('The receiver’s own counts are written again.')
      isWell = true
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (isWell) log(`The receiver’s own counts cannot be written, and will be later: ${reason}`)
      isWell = false
    }
  }

  /** One at a time: a database that is slow is not asked again meanwhile. */
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

function difference(now: Counts, before: Counts): Counts {
  return {
    received: now.received - before.received,
    landed: now.landed - before.landed,
    duplicate: now.duplicate - before.duplicate,
    rejected: now.rejected - before.rejected,
  }
}
