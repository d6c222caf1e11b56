/** Recognizes SQLite's files: databases, the files beside them, and journals of transactions that are not complete. */
import type { FileSystem } from '../file-system.ts'

/** https://sqlite.org/fileformat.html, 1.3 */
const databaseMagic = Buffer.from('SQLite format 3\0')
/** https://sqlite.org/fileformat.html, 3 */
const journalMagic = Buffer.from('d9d505f920a163d7', 'hex')
const sideFile = /^(.+)-(?:wal|shm|journal)$/

/** Whether `name` is the write-ahead log, its index or the rollback journal of a file in the same folder. */
export function isSideFile(name: string, names: ReadonlySet<string>): boolean {
  const [, database] = sideFile.exec(name) ?? []
  return database !== undefined && names.has(database)
}

export function isDatabase(bytes: Uint8Array): boolean {
  return databaseMagic.equals(bytes.subarray(0, databaseMagic.byteLength))
}

/** Whether a transaction is changing the database: its journal can undo what is written so far. */
export function isInTransaction(
  database: string,
  fileSystem: Pick<FileSystem, 'openSync' | 'readSync' | 'closeSync'>,
): boolean {
  const bytes = Buffer.alloc(journalMagic.byteLength)
  try {
    // Nobody locks a journal, so closing it releases no lock.
    const descriptor = fileSystem.openSync(`${database}-journal`, 'r')
    try {
      fileSystem.readSync(descriptor, bytes, 0, bytes.byteLength, 0)
    } finally {
      fileSystem.closeSync(descriptor)
    }
  } catch {
    return false
  }
  return bytes.equals(journalMagic)
}
