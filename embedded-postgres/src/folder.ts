/** Folders and files that only their owner may read, and one-line messages for the common failures of a disk. */
import { randomBytes } from 'node:crypto'
import { open, realpath, rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { makeFolder } from '@turnlog/conventions/folders'
import { errorCode } from '@turnlog/conventions/plain'
import { PostgresError } from './errors.ts'

/**
 * Makes the folder if it is missing, for its owner alone, and checks that files can be written in it. Resolves with its
 * real path; rejects with `TL_DATA_FOLDER` or `TL_DISK_FULL`.
 */
export async function prepareFolder(path: string): Promise<string> {
  const folder = resolve(path)
  return explainFolderErrors(folder, async () => {
    makeFolder(folder, { mode: 0o700 })
    const real = await realpath(folder)
    await replaceFile(`${real}/.writable-${process.pid}`, '')
    await rm(`${real}/.writable-${process.pid}`, { force: true })
    return real
  })
}

/**
 * Writes a file that only its owner may read. Readers find the old text or the new one, never a part; that holds after a
 * crash, too.
 */
export async function replaceFile(path: string, text: string): Promise<void> {
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

/** Runs `act`, which uses the folder. Common failures of a disk become a `PostgresError`; others pass unchanged. */
export async function explainFolderErrors<Result>(
  folder: string,
  act: () => Promise<Result>,
): Promise<Result> {
  try {
    return await act()
  } catch (cause) {
    throw explainFolderError(folder, cause)
  }
}

function explainFolderError(folder: string, cause: unknown): unknown {
  const code = errorCode(cause)
  switch (code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    // procfs and automounters answer so: no folder can be made in them.
    case 'ENOENT':
    case 'ENAMETOOLONG':
    case 'ELOOP': {
      const message = `The folder '${folder}' cannot be made or written (${code}).`
      return new PostgresError('TL_DATA_FOLDER', message, { cause })
    }
    case 'ENOTDIR':
    case 'EEXIST': {
      const message = `The folder '${folder}' cannot be made: a file is in the way.`
      return new PostgresError('TL_DATA_FOLDER', message, { cause })
    }
    case 'ENOSPC':
    case 'EDQUOT':
      return new PostgresError('TL_DISK_FULL', `The disk that holds '${folder}' is full.`, {
        cause,
      })
    default:
      return cause
  }
}
