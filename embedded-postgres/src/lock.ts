import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { PostgresError } from './errors.ts'

/** SQLITE_BUSY: another process holds the lock. */
const busy = 5

export type Lock =
  | { readonly status: 'taken'; readonly release: () => void }
  | { readonly status: 'held' }

/**
 * Takes a lock that has one owner at a time, until that releases it or its process ends, by `kill -9` too.
 *
 * Node has no `flock`, and a file with a process id in it can be stale. So the lock is an exclusive transaction on an
 * empty SQLite database: SQLite comes with Node, its lock is the kernel's, and the kernel releases it with the process.
 * The file stays empty and is never removed. Nothing else in this process may open it: closing it would release the lock.
 * Throws `TL_DATA_FOLDER` where files cannot be locked, as on some network file systems.
 */
export function takeLock(path: string): Lock {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: 0 })
    database.exec('pragma journal_mode = memory')
    database.exec('begin exclusive')
  } catch (cause) {
    database?.close()
    if (cause instanceof Error && 'errcode' in cause && cause.errcode === busy) {
      return { status: 'held' }
    }
    const reason = cause instanceof Error ? cause.message : String(cause)
    const message = `The folder '${dirname(path)}' cannot be locked: ${reason}.`
    throw new PostgresError('TL_DATA_FOLDER', message, { cause })
  }
  const locked = database
  return {
    status: 'taken',
    release() {
      if (locked.isOpen) locked.close()
    },
  }
}
