/**
 * How many sequences a recorder has given, said by the name of an empty file in its folder, `recorded-000000000042`: what a
 * disk that is full to the last byte still takes, most often. It is set while records are being lost, at most once a second
 * and at the end; whoever adopts the recorder declares what is missing up to there. One that is behind says nothing.
 */
import { type FileSystem, namesIn } from '../file-system.ts'

export function parseRecordedMark(name: string): number | undefined {
  const digits = /^recorded-(\d{12,})$/.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** The largest number marked; 0 where there is none. Throws what the disk throws. */
export function readRecordedMark(fileSystem: FileSystem, folder: string): number {
  return Math.max(0, ...namesIn(fileSystem, folder).map((name) => parseRecordedMark(name) ?? 0))
}

/** Marks one folder; each mark takes the place of the one before. */
export function createRecordedMark(fileSystem: FileSystem, folder: string) {
  let marked: string | undefined

  /** Throws where the disk does not take even that. */
  return function mark(recorded: number): void {
    const path = `${folder}/recorded-${String(recorded).padStart(12, '0')}`
    if (path === marked) return
    if (marked === undefined) fileSystem.closeSync(fileSystem.openSync(path, 'w', 0o600))
    else fileSystem.renameSync(marked, path)
    marked = path
  }
}
