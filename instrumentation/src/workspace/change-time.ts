/** When a path came into being, and when it ceased to exist, as the folders above it show. */
import * as path from 'node:path'
import { attempt, type FileSystem } from '../file-system.ts'
import type { ChangeTime } from './child-window.ts'
import type { FileStat } from './file-stat.ts'

type FolderStats = ReadonlyMap<string, FileStat>

/** The folders of the last look, and their numbers on disk. */
export interface KnownFolders {
  readonly stats: FolderStats
  readonly inos: ReadonlySet<number>
}

export function knownFolders(stats: FolderStats): KnownFolders {
  return { stats, inos: new Set([...stats.values()].map(({ ino }) => ino)) }
}

/**
 * A file that came with a renamed folder has not changed itself: its time is the folder's. A folder that is known under
 * another path was renamed; of one that was never seen this is not known, so the time lies between the two.
 */
export function shownAt(
  file: string,
  { ctimeMs }: FileStat,
  folders: FolderStats,
  foldersBefore: KnownFolders,
): ChangeTime {
  let from = ctimeMs
  let to = ctimeMs
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    const now = folders.get(folder)
    if (now === undefined || foldersBefore.stats.get(folder)?.ino === now.ino) return { from, to }
    to = Math.max(to, now.ctimeMs)
    if (foldersBefore.inos.has(now.ino)) from = to
  }
}

/** At the latest: the last change of the innermost folder that is left. */
export function goneAt(file: string, fileSystem: FileSystem): number {
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    const stat = attempt(() => fileSystem.lstatSync(folder, { throwIfNoEntry: false }))
    if (stat !== undefined && !stat.isDirectory()) return Number(stat.ctimeMs)
    if (stat !== undefined) return Math.max(Number(stat.mtimeMs), Number(stat.ctimeMs))
    if (folder === path.dirname(folder)) return 0
  }
}
