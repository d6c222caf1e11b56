/**
 * The only folder that the file tools may read and change.
 *
 * A path is inside if and only if it is relative, has no `..`, and its deepest existing part, with all symbolic links
 * followed, is in the folder. This is checked before each use. It does not protect against a program that replaces
 * folders by links in between; run_command could do the same without that.
 */

import { lstat, mkdir, realpath } from 'node:fs/promises'
import { dirname, isAbsolute, join, sep } from 'node:path'

export type Located =
  | { readonly status: 'inside'; readonly path: string }
  | { readonly status: 'refused'; readonly reason: string }

export type Workspace = Awaited<ReturnType<typeof openWorkspace>>

/** Creates the folder if it is missing; throws if that fails. */
export async function openWorkspace(directory: string) {
  await mkdir(directory, { recursive: true })
  const root = await realpath(directory)

  async function locate(relative: string): Promise<Located> {
    const refuse = (reason: string): Located => ({ status: 'refused', reason })
    if (relative === '' || relative.includes('\0')) return refuse('A path is needed.')
    if (isAbsolute(relative)) {
      return refuse(`'${relative}' is absolute; paths are relative to the workspace.`)
    }
    if (relative.split(/[\\/]/).includes('..')) {
      return refuse(`'${relative}' contains '..'; paths stay inside the workspace.`)
    }
    const path = join(root, relative)
    const reached = await followLinks(path)
    if (reached !== root && !reached?.startsWith(root.endsWith(sep) ? root : root + sep)) {
      return refuse(`'${relative}' leads out of the workspace.`)
    }
    return {
      status: 'inside',
      path: path.length > 1 && path.endsWith(sep) ? path.slice(0, -1) : path,
    }
  }

  /** The real path of the deepest existing part of a path; undefined for a broken link. */
  async function followLinks(path: string): Promise<string | undefined> {
    for (let part = path; ; part = dirname(part)) {
      try {
        return await realpath(part)
      } catch (error) {
        if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') return undefined
        if (part === root || (await exists(part))) return undefined
      }
    }
  }

  return { root, locate }
}

/** Also true for a broken symbolic link. */
function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
