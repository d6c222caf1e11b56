/** Background work: creates the partitions of the coming days, and drops the days that have expired. */

import { setTimeout as sleep } from 'node:timers/promises'
import { errorMessage } from '@turnlog/conventions/plain'
import { daysAtOnceMax, planExpiry, surprisingDays } from './expiry-plan.ts'
import { problemOfClock } from './keeping.ts'
import { oldestDay, type Period } from './period.ts'
import type { Database } from './storage/database.ts'
import { type Dropped, readPurges } from './storage/keep/audit.ts'
import { type DropResult, dropDays, dueBefore, overdueFor } from './storage/keep/expire.ts'
import { ensurePartitions } from './storage/keep/partitions.ts'
import { sweep } from './storage/keep/sweep.ts'

/** Short enough that a laptop that slept over midnight, or a failed attempt, does no harm. */
const intervalMilliseconds = 60 * 60 * 1_000
/** Pause after a run that could not drop everything: a long query may have ended by then. */
const soonMilliseconds = 5 * 60 * 1_000
const dropTriesMax = 5
const pauseMilliseconds = 1_000

export interface MaintenanceOptions {
  readonly retentionDays: number
  readonly log: (message: string) => void
  readonly warn: (message: string) => void
  readonly now: () => Date
}

/**
 * Creates missing partitions and drops expired days, now and every hour. Resolves when the partitions were created for the
 * first time. If that fails, for example because of a long query, rows land in the `_rest` partitions meanwhile. Several
 * receivers may do this at once.
 */
export async function startMaintenance(
  database: Database,
  options: MaintenanceOptions,
): Promise<{ stop(): Promise<void> }> {
  const { warn } = options
  const stopping = new AbortController()
  const { signal } = stopping

  /** Runs `work`; false when it failed, which is then reported. */
  async function contained(failure: string, work: () => Promise<boolean>): Promise<boolean> {
    try {
      return await work()
    } catch (error) {
      if (signal.aborted) return false
      warn(`${failure}, and will be tried again: ${errorMessage(error)}`)
      return false
    }
  }

  async function periodNow(): Promise<Period> {
    const { purgedBefore, databaseNow } = await readPurges(database)
    const problem = problemOfClock(options.now(), databaseNow)
    if (problem !== undefined) throw problem
    return { now: options.now(), retentionDays: options.retentionDays, purgedBefore }
  }

  const makePartitions = () =>
    contained('Partitions could not be created in advance', async () => {
      const period = await periodNow()
      await ensurePartitions(database, period.now, period)
      return true
    })

  const expire = () =>
    contained('Expired days could not be dropped', async () => {
      const period = await periodNow()
      const result = await dropExpired(database, { ...options, period, signal })
      await sweep(database, { oldest: oldestDay(period) })
      return result.left.length === 0
    })

  async function work(): Promise<void> {
    while (!signal.aborted) {
      const isDone = await expire()
      if (!(await paused(isDone ? intervalMilliseconds : soonMilliseconds, signal))) return
      await makePartitions()
    }
  }

  await makePartitions()
  const working = work()
  return {
    async stop() {
      stopping.abort()
      await working
    },
  }
}

async function dropExpired(
  database: Database,
  options: MaintenanceOptions & { readonly period: Period; readonly signal: AbortSignal },
): Promise<DropResult> {
  const { period, signal, log, warn } = options
  const before = oldestDay(period)
  const due = await dueBefore(database, before)
  const days = surprisingDays(due, period)
  const plan = planExpiry(days, {
    overdueFor: await overdueFor(database, { isOverdue: days.length > daysAtOnceMax }),
  })
  if (plan.action === 'wait') {
    const hours = Math.ceil(plan.milliseconds / 3_600_000)
    warn(
      `${days.length} days with records have expired at once (${days[0]} to ${days.at(-1)}), as if a clock had jumped or TURNLOG_RETENTION_DAYS had been lowered. They are dropped in ${hours} h, or now by: turnlog-receiver purge --before ${before}`,
    )
    return { dropped: {}, left: [] }
  }
  const result = await dropDays(database, due, {
    action: 'expire',
    actor: 'receiver',
    before,
    triesMax: dropTriesMax,
    pause: () => paused(pauseMilliseconds, signal),
  })
  if (Object.keys(result.dropped).length > 0) log(`Expired   ${describeDropped(result.dropped)}`)
  if (result.left.length > 0) {
    const first = result.left[0]?.day
    warn(
      `${result.left.length} expired partitions (from ${first} on) are in use, and will be dropped later.`,
    )
  }
  return result
}

/** False when the signal ended the pause. */
async function paused(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(milliseconds, undefined, { signal, ref: false })
    return true
  } catch {
    return false
  }
}

/** One line without content: `2026-10-22: spans 120 rows, 1.2 MB; …`. */
function describeDropped(dropped: Dropped): string {
  const days = [...new Set(Object.values(dropped).flatMap((table) => table.days))].sort()
  const span = days.length > 1 ? `${days[0]} to ${days.at(-1)}` : days[0]
  const tables = Object.entries(dropped).map(
    ([table, { rows, bytes }]) => `${table} ${rows} rows, ${formatBytes(bytes)}`,
  )
  return `${span}: ${tables.join('; ')}`
}

function formatBytes(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}
