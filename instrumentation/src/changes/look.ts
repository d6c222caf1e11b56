/** What lies at an operation's paths now, looked at only where the workspace allows it. */

import type { FileSystem } from '../file-system.ts'
import type { RecordedChange } from './change.ts'
import { type Location, locate } from './confine.ts'
import { type DiskState, readDiskState } from './disk-state.ts'
import type { Place } from './plan-revert.ts'

export type Paths = Pick<RecordedChange, 'absolutePath' | 'previousAbsolutePath' | 'workspace'>

export type Look =
  | { readonly status: 'seen'; readonly state: DiskState; readonly location: InsideLocation }
  | { readonly status: 'refused'; readonly reason: string }

export type InsideLocation = Extract<Location, { status: 'inside' }>

export function lookAt(fs: FileSystem, paths: Paths, place: Place): Look {
  const path = place === 'path' ? paths.absolutePath : paths.previousAbsolutePath
  if (path === undefined) return { status: 'refused', reason: 'The previous path is not known.' }
  const location = locate(fs, paths.workspace, path)
  if (location.status === 'refused') return location
  const isFree = place === 'previousPath' && isOneFile(fs, paths)
  const state = isFree ? 'absent' : readDiskState(fs, location.target)
  return { status: 'seen', state, location }
}

/** On a disk that ignores case, `Name` and `name` are one file: then the previous path is free. */
export function isOneFile(fs: FileSystem, paths: Paths): boolean {
  const { absolutePath: path, previousAbsolutePath: previous } = paths
  if (previous?.toLowerCase() !== path.toLowerCase()) return false
  try {
    const [one, other] = [fs.lstatSync(path), fs.lstatSync(previous)]
    return one.ino === other.ino && one.dev === other.dev
  } catch {
    return false
  }
}
