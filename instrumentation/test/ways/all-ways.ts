/** Every way to change a file, in the order in which they are run. */
import { atomicSaves } from './kinds/atomic-saves.ts'
import { children } from './kinds/children.ts'
import { contentsAndTurns, largeWays, thousandFiles } from './kinds/contents-and-turns.ts'
import { copiesAndDeletes } from './kinds/copies-and-deletes.ts'
import { descriptors } from './kinds/descriptors.ts'
import { fileHandles } from './kinds/file-handles.ts'
import { gracefulified } from './kinds/gracefulified.ts'
import { packages } from './kinds/packages.ts'
import { streams } from './kinds/streams.ts'
import { wholeFiles } from './kinds/whole-files.ts'
import type { Way } from './way.ts'

/** Each group is one run of the app, with a workspace of its own. */
export const groups: Readonly<Record<string, readonly Way[]>> = {
  'Functions of node:fs on paths': wholeFiles,
  'Copies, deletes, renames, links': copiesAndDeletes,
  Descriptors: descriptors,
  FileHandle: fileHandles,
  Streams: streams,
  'Atomic saves': atomicSaves,
  'Contents and times': contentsAndTurns,
  Packages: [...packages, ...gracefulified],
  'Child processes and threads': children,
  'Above the content limit': largeWays,
  'A thousand files': thousandFiles,
}

export const waysById: ReadonlyMap<string, Way> = new Map(
  Object.values(groups)
    .flat()
    .map((way) => [way.id, way]),
)
