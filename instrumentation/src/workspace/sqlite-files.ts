/** Recognizes SQLite's files: databases, the files beside them, and journals of transactions that are not complete. */
import type { FileSystem } from '../file-system.ts'

/** https://sqlite.org/fileformat.html, 1.3 */
const databaseMagic = Buffer.from('SQLite format 3\0')
/** https://sqlite.org/fileformat.html, 3 */
const journalMagic = Buffer.from('d9d505f920a163d7', 'hex')
/** https://sqlite.org/fileformat.html, 4.1; the last bit says the order of bytes in the log's checksums. */
const logMagic = ['377f0682', '377f0683']
const sideFile = /^(.+)-(?:wal|shm|journal)$/

/** Whether `name` is the write-ahead log, its index or the rollback journal of a file in the same folder. */
export function isSideFile(name: string, names: ReadonlySet<string>): boolean {
  const [, database] = sideFile.exec(name) ?? []
  return database !== undefined && names.has(database)
}

export function isDatabase(bytes: Uint8Array): boolean {
  return databaseMagic.equals(bytes.subarray(0, databaseMagic.byteLength))
}

type SideFiles = Pick<FileSystem, 'openSync' | 'readSync' | 'closeSync'>

/** Whether a transaction is changing the database: its journal can undo what is written so far. */
export function isInTransaction(database: string, fileSystem: SideFiles): boolean {
  const start = startOf(`${database}-journal`, fileSystem)
  return start?.equals(journalMagic) === true
}

/** Whether a program has the database open with a write-ahead log, or is changing it. Without reading the database itself. */
export function isInUse(database: string, fileSystem: SideFiles): boolean {
  const log = startOf(`${database}-wal`, fileSystem)
  // The log is empty from the opening of the database to the first transaction.
  const hasLog = log?.length === 0 || logMagic.includes(log?.toString('hex', 0, 4) ?? '')
  return hasLog || isInTransaction(database, fileSystem)
}

/** The first eight bytes. Nobody locks a log or a journal, so closing it releases no lock. */
function startOf(file: string, fileSystem: SideFiles): Buffer | undefined {
  const bytes = Buffer.alloc(journalMagic.byteLength)
  try {
    const descriptor = fileSystem.openSync(file, 'r')
    try {
      return bytes.subarray(0, fileSystem.readSync(descriptor, bytes, 0, bytes.byteLength, 0))
    } finally {
      fileSystem.closeSync(descriptor)
    }
  } catch {
    return undefined
  }
}
