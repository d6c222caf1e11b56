import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { PostgresError } from './errors.ts'

/** SQLITE_BUSY: somebody else holds the lock. */
const busy = 5

export type Lock =
  | { readonly status: 'taken'; readonly release: () => void }
  | { readonly status: 'held' }

/**
 * One owner at a time, until it lets go or dies in whatever way.
 *
 * Node has no `flock`, and a file with a process id in it can go stale. So the lock is an exclusive transaction on an
 * empty SQLite database: SQLite comes with Node, its lock is the kernel's, and the kernel releases it with the process.
 * The file stays empty and is never removed. Nothing else in this process may open it: closing it would let go.
 * Fails with `TL_DATA_FOLDER` where there are no locks, as on some network file systems.
 */
export function takeLock(path: string): Lock {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: 0 })
    database.exec('pragma journal_mode = memory')
    database.exec('begin exclusive')
  } catch (error) {
    database?.close()
    if (errcodeOf(error) === busy) return { status: 'held' }
    const reason = error instanceof Error ? error.message : String(error)
    throw new PostgresError(
      'TL_DATA_FOLDER',
      `The folder '${dirname(path)}' cannot be locked: ${reason}.`,
      { cause: error },
    )
  }
  const held = database
  return {
    status: 'taken',
    release() {
      if (held.isOpen) held.close()
    },
  }
}

function errcodeOf(error: unknown): unknown {
  return error instanceof Error && 'errcode' in error ? error.errcode : undefined
}
