/**
 * How many sequences a recorder has given, in the name of an empty file in its folder, `recorded-000000000042`. Even a full
 * disk usually accepts an empty file. The mark is set while records are being lost, at most once a second, and at the end.
 * The adopter declares everything missing up to it; a mark below the last sealed sequence has no effect.
 */
import { type FileSystem, namesIn } from '../file-system.ts'

export function parseRecordedMark(name: string): number | undefined {
  const digits = /^recorded-(\d{12,})$/.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** The largest number marked, or 0. Throws what the disk throws. */
export function readRecordedMark(fileSystem: FileSystem, folder: string): number {
  return Math.max(0, ...namesIn(fileSystem, folder).map((name) => parseRecordedMark(name) ?? 0))
}

/** Marks one folder; each mark replaces the one before. */
export function createRecordedMark(fileSystem: FileSystem, folder: string) {
  let marked: string | undefined

  /** Throws what the disk throws. */
  return function mark(recorded: number): void {
    const path = `${folder}/recorded-${String(recorded).padStart(12, '0')}`
    if (path === marked) return
    if (marked === undefined) fileSystem.closeSync(fileSystem.openSync(path, 'w', 0o600))
    else fileSystem.renameSync(marked, path)
    marked = path
  }
}
