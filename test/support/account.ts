/**
 * The account of records: recorded = landed + rejected + dropped (the receiver's ledger) + waiting + quarantined (the
 * spool), for every recorder that either side knows.
 */
import { existsSync, readdirSync } from 'node:fs'
import * as path from 'node:path'
import type { Database } from '@turnlog/receiver/storage'
import { originalFs } from '../../instrumentation/src/file-system.ts'
import { accountOf } from '../../instrumentation/src/worker/recorder-account.ts'

export interface Account {
  readonly recorder: string
  readonly recorded: number
  readonly landed: number
  readonly rejected: number
  readonly dropped: number
  readonly waiting: number
  readonly quarantined: number
  /** Given up without a confirmation: some may have landed and be counted above, the others are missing. */
  readonly unconfirmed: number
  /** recorded minus all others: 0 if nothing is missing or counted twice. */
  readonly unaccounted: number
}

/** One account a recorder, in the order of their ids. */
export async function accounts(spool: string, database: Database): Promise<Account[]> {
  const rows = await database.query<Record<string, string>>(
    'select recorder_id, recorded, landed, rejected, dropped from session_completeness',
  )
  const ledger = new Map(rows.map((row) => [row.recorder_id ?? '', row]))
  const folders = recorderFolders(spool)
  const recorders = [...new Set([...ledger.keys(), ...folders.keys()])].sort()
  return recorders.map((recorder) => {
    const row = ledger.get(recorder)
    const folder = folders.get(recorder)
    const here =
      folder === undefined
        ? { recorded: 0, waiting: 0, quarantined: 0, unconfirmed: 0 }
        : accountOf(originalFs, folder)
    const [landed, rejected, dropped] = [
      Number(row?.landed ?? 0),
      Number(row?.rejected ?? 0),
      Number(row?.dropped ?? 0),
    ]
    const recorded = Math.max(here.recorded, Number(row?.recorded ?? 0))
    const accounted = landed + rejected + dropped + here.waiting + here.quarantined
    return {
      recorder,
      recorded,
      landed,
      rejected,
      dropped,
      waiting: here.waiting,
      quarantined: here.quarantined,
      unconfirmed: here.unconfirmed,
      unaccounted: recorded - accounted,
    }
  })
}

/** Every recorder's folder, by its id. */
export function recorderFolders(spool: string): Map<string, string> {
  const found = new Map<string, string>()
  if (!existsSync(spool)) return found
  for (const destination of readdirSync(spool)) {
    if (destination === 'changes') continue
    for (const entry of readdirSync(path.join(spool, destination), { withFileTypes: true })) {
      if (entry.isDirectory()) found.set(entry.name, path.join(spool, destination, entry.name))
    }
  }
  return found
}
