import { randomBytes } from 'node:crypto'
import { mkdir, open, realpath, rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { PostgresError } from './errors.ts'

/**
 * Makes the data folder if it is missing (for its owner alone) and shows that it can be written. Resolves with its
 * real path. Fails with `TL_DATA_FOLDER` or `TL_DISK_FULL`, in one line.
 */
export async function prepareFolder(path: string): Promise<string> {
  const folder = resolve(path)
  return clearly(folder, async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const real = await realpath(folder)
    await writeWhole(`${real}/.writable-${process.pid}`, '')
    await rm(`${real}/.writable-${process.pid}`, { force: true })
    return real
  })
}

/** Writes a file for its owner alone so that a reader sees the old text or the new, also after a crash. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomBytes(4).toString('hex')}.tmp`
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}

/** Runs what touches a folder and says its ordinary troubles in one line. */
export async function clearly<Result>(folder: string, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act()
  } catch (error) {
    throw folderTrouble(folder, error)
  }
}

export function folderTrouble(folder: string, error: unknown): unknown {
  switch (errorCodeOf(error)) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    // What Node makes of a read-only disk, when folders above are to be made as well.
    case 'ENOENT':
    case 'ENAMETOOLONG':
    case 'ELOOP':
      return new PostgresError(
        'TL_DATA_FOLDER',
        `The folder '${folder}' cannot be made or written (${errorCodeOf(error)}).`,
        {
          cause: error,
        },
      )
    case 'ENOTDIR':
    case 'EEXIST':
      return new PostgresError(
        'TL_DATA_FOLDER',
        `A file stands where the folder '${folder}' should be.`,
        {
          cause: error,
        },
      )
    case 'ENOSPC':
    case 'EDQUOT':
      return new PostgresError('TL_DISK_FULL', `The disk that holds '${folder}' is full.`, {
        cause: error,
      })
    default:
      return error
  }
}

export function errorCodeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
