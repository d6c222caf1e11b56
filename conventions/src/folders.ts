/**
 * Makes folders level by level. Node's own `mkdir` with `recursive` never returns where a parent exists and the system
 * answers ENOENT for the child, as procfs and autofs do; here the first error ends it. Bounded by three calls to the disk
 * for each level of the path.
 */
import * as fs from 'node:fs'
import { dirname, resolve } from 'node:path'
import { errorCode } from './plain.ts'

export interface MakeFolderOptions {
  /** The mode of each folder that is made. The mode of a folder that exists is not changed. */
  readonly mode?: number
  /** The calls to the disk; default: those of `node:fs`. */
  readonly fileSystem?: Pick<typeof fs, 'mkdirSync' | 'statSync'>
}

/** Makes the folder and its missing parents. Throws the first error, also when a file is in the way. */
export function makeFolder(
  directory: string,
  { mode = 0o777, fileSystem = fs }: MakeFolderOptions = {},
): void {
  const makeLevel = (folder: string, isRetried: boolean): void => {
    try {
      fileSystem.mkdirSync(folder, { mode })
    } catch (cause) {
      const parent = dirname(folder)
      if (errorCode(cause) === 'ENOENT' && !isRetried && parent !== folder) {
        makeLevel(parent, false)
        makeLevel(folder, true)
      } else if (!isFolder(folder)) throw cause
    }
  }
  const isFolder = (path: string): boolean => {
    try {
      return fileSystem.statSync(path).isDirectory()
    } catch {
      return false
    }
  }
  makeLevel(resolve(directory), false)
}
