/** Secrets that another program reads from a file: for its reader alone, whole or not there. */
import { chown, mkdir, readFile, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { errorCode } from '@turnlog/conventions/plain'
import { explainFolderErrors, replaceFile } from '@turnlog/embedded-postgres/folder'

/** Undefined when there is none, or nothing in it. */
export async function readSecretFile(path: string): Promise<string | undefined> {
  return explainFolderErrors(dirname(resolve(path)), async () => {
    try {
      return (await readFile(path, 'utf8')).trim() || undefined
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined
      throw error
    }
  })
}

/**
 * Mode 0600, without a line end, as programs want it that take a file as it is. Root gives it to the owner of its
 * folder: whoever prepared the folder said by that who shall read it.
 */
export async function writeSecretFile(path: string, secret: string): Promise<void> {
  const folder = dirname(resolve(path))
  await explainFolderErrors(folder, async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await replaceFile(path, secret)
    if (process.getuid?.() !== 0) return
    const { uid, gid } = await stat(folder)
    await chown(path, uid, gid)
  })
}
