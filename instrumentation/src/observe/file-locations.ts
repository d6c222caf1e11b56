/** Where a file lies: links resolved, inside or outside of the workspace, ours or ignored. */
import * as path from 'node:path'
import { type FileSystem, originalFs } from '../file-system.ts'

/** Folders that tools fill by the thousand and nobody reviews. */
const ignoredFolders: ReadonlySet<string> = new Set(['.git', 'node_modules'])

export interface FilePlacesOptions {
  /** Absolute; files outside of it are recorded by path, hash and size only. */
  readonly workspace: string
  /** Our own folders, never recorded. */
  readonly ownFolders: readonly string[]
  readonly fileSystem?: FileSystem
}

export interface FilePlace {
  readonly absolute: string
  /** As it is recorded: relative to the workspace, with `/`; absolute outside of it. */
  readonly displayed: string
  readonly isOutside: boolean
  readonly isIgnored: boolean
  /** How an argument of a tool may write it, beside what the app gave. */
  readonly names: readonly string[]
}

export type FilePlaces = ReturnType<typeof createFilePlaces>

export function createFilePlaces({ fileSystem = originalFs, ...options }: FilePlacesOptions) {
  const workspace = realPath(path.resolve(options.workspace))
  const ownFolders = options.ownFolders.map(realPath)

  /** The path with every link resolved, also where its last parts do not exist yet. */
  function realPath(absolute: string): string {
    try {
      return fileSystem.realpathSync.native(absolute)
    } catch {
      return realParent(absolute)
    }
  }

  /** The path with the links of its folders resolved: a link at its end is meant itself. */
  function realParent(absolute: string): string {
    const parent = path.dirname(absolute)
    return parent === absolute ? absolute : path.join(realPath(parent), path.basename(absolute))
  }

  return {
    /** As it is written on every operation: with all links resolved. */
    workspace,
    realParent,
    /** `given` is absolute; with `isLink` a link at its end is meant itself. */
    find(given: string, { isLink }: { readonly isLink: boolean }): FilePlace {
      const absolute = isLink ? realParent(given) : realPath(given)
      const relative = path.relative(workspace, absolute)
      const isOutside = relative === '' || relative.startsWith('..') || path.isAbsolute(relative)
      const displayed = isOutside ? absolute : posix(relative)
      const isInIgnored =
        !isOutside && relative.split(path.sep).some((folder) => ignoredFolders.has(folder))
      return {
        absolute,
        displayed,
        isOutside,
        isIgnored:
          isInIgnored ||
          ownFolders.some((own) => absolute === own || absolute.startsWith(own + path.sep)),
        names: [posix(relative), `./${posix(relative)}`, absolute, given],
      }
    },
  }
}

function posix(relative: string): string {
  return path.sep === '/' ? relative : relative.split(path.sep).join('/')
}
