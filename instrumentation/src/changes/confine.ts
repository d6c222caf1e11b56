/** Finds where an operation's path really is, and refuses every path outside the workspace. */

import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { errorName } from '@turnlog/conventions/plain'
import { type FileSystem, isMissing } from '../file-system.ts'

export type Location =
  | {
      readonly status: 'inside'
      /** The path with every link in its folders resolved. */
      readonly target: string
      readonly folder: string
      /** Folders that do not exist, outermost first. */
      readonly foldersMissing: readonly string[]
    }
  | { readonly status: 'refused'; readonly reason: string }

const outside: Location = { status: 'refused', reason: 'The path is outside the workspace.' }

/**
 * Follows the links of the path's folders; the real folder must be inside the workspace. The last part of the path is not
 * followed. For a missing folder the nearest existing one counts. Another process could still replace a folder by a link
 * between this check and the write.
 */
export function locate(fs: FileSystem, workspace: string, path: string): Location {
  try {
    return resolveInside(fs, workspace, path)
  } catch (error) {
    return { status: 'refused', reason: `The path cannot be followed (${errorName(error)}).` }
  }
}

function resolveInside(fs: FileSystem, workspace: string, path: string): Location {
  if (path.includes('\0') || !isAbsolute(path) || resolve(path) !== path) {
    return { status: 'refused', reason: 'The path is not absolute and plain.' }
  }
  const root = realPath(fs, workspace)
  if (root === undefined) return { status: 'refused', reason: 'The workspace is not there.' }
  const missing: string[] = []
  let ancestor = dirname(path)
  let real = realPath(fs, ancestor)
  while (real === undefined && ancestor !== dirname(ancestor)) {
    missing.unshift(basename(ancestor))
    ancestor = dirname(ancestor)
    real = realPath(fs, ancestor)
  }
  if (real === undefined || !isInside(root, real)) return outside
  const folder = join(real, ...missing)
  const foldersMissing = missing.map((_, index) => join(real, ...missing.slice(0, index + 1)))
  return { status: 'inside', target: join(folder, basename(path)), folder, foldersMissing }
}

function isInside(root: string, path: string): boolean {
  const way = relative(root, path)
  return way === '' || !(way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way))
}

/** Undefined when there is no such path. */
function realPath(fs: FileSystem, path: string): string | undefined {
  try {
    return fs.realpathSync(path)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}
