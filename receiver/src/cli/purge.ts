/** `turnlog-receiver purge --before <date> [--dry-run]`: deletes all records from before a day. */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { accountName } from '@turnlog/conventions/account'
import type { Config } from '../config.ts'
import { TurnlogError } from '../errors.ts'
import type { Database } from '../storage/database.ts'
import { readPurges } from '../storage/keep/audit.ts'
import { type Due, dropDays, dueBefore } from '../storage/keep/expire.ts'
import { argumentError } from './arguments.ts'
import { withDatabase } from './find-database.ts'
import { toTable } from './table.ts'

/** An operator is waiting, so a query may take up to a minute to end. */
const triesMax = 60
const pauseMilliseconds = 1_000

/** Returns the text for standard output. */
export async function purgeCommand(args: readonly string[], config: Config): Promise<string> {
  const { values } = parseArgs({
    args: [...args],
    options: { before: { type: 'string' }, 'dry-run': { type: 'boolean', default: false } },
  })
  const before = parseDay(values.before)
  return withDatabase(config, async (database) => {
    await refuseFuture(database, before)
    const due = await dueBefore(database, before)
    if (!values['dry-run']) return purge(database, { before, due })
    return `${listOf(due)}\nNothing was dropped: this is what \`purge --before ${before}\` would drop.`
  })
}

function parseDay(text: string | undefined): string {
  const date = text !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(text) : undefined
  // `Date` reads 2026-02-31 as a day of March, and 2026-02-41 as an invalid date.
  const isDay = date !== undefined && !Number.isNaN(date.getTime())
  if (isDay && date.toISOString().slice(0, 10) === text) return text
  throw argumentError('Give the first day (UTC) whose records are kept: --before 2026-07-31.')
}

/** Records from before the day are refused from then on, so it must not be in the future. */
async function refuseFuture(database: Database, before: string): Promise<void> {
  const { databaseNow } = await readPurges(database)
  const today = databaseNow.toISOString().slice(0, 10)
  if (before <= today) return
  throw argumentError(
    `--before is at most today, ${today} (UTC): records from before it are refused from then on, and today’s are still arriving.`,
  )
}

async function purge(
  database: Database,
  { before, due }: { readonly before: string; readonly due: readonly Due[] },
): Promise<string> {
  const { left } = await dropDays(database, due, {
    action: 'purge',
    actor: accountName() ?? `user-${process.getuid?.() ?? 0}`,
    before,
    triesMax,
    pause: () => sleep(pauseMilliseconds, true),
  })
  if (left.length > 0) {
    throw new TurnlogError(
      'TL_PURGE_BUSY',
      `${due.length - left.length} of ${due.length} partitions were dropped; the others are in use. A running receiver drops them within minutes, or run this again.`,
    )
  }
  return `${listOf(due)}\nDropped. Records from before ${before} are refused from now on.`
}

function listOf(due: readonly Due[]): string {
  const byTable = Map.groupBy(due, ({ target }) => target.table)
  const rows = [...byTable].map(([table, ofTable]) => {
    const days = new Set(ofTable.map(({ day }) => day))
    return [table, sum(ofTable, 'rows'), sum(ofTable, 'bytes'), `${days.size}`]
  })
  return toTable([['TABLE', 'ROWS (ABOUT)', 'BYTES', 'DAYS'], ...rows])
}

function sum(due: readonly Due[], member: 'rows' | 'bytes'): string {
  return String(due.reduce((total, one) => total + one[member], 0))
}
