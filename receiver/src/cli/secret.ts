/**
 * Secrets in files that other programs read, and `turnlog-receiver secret`, which writes a random password to one for programs
 * that need it before the receiver runs. A file is readable by its owner only, and is complete or does not exist.
 */
import { randomBytes } from 'node:crypto'
import { chown, readFile, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { makeFolder } from '@turnlog/conventions/folders'
import { errorCode } from '@turnlog/conventions/plain'
import { explainFolderErrors, replaceFile } from '@turnlog/embedded-postgres/folder'
import { argumentError } from './arguments.ts'

const secretBytes = 24

/** URL-safe, so that it needs no escaping in an address, a shell or SQL. */
export function newSecret(): string {
  return randomBytes(secretBytes).toString('base64url')
}

/** Leaves a file that has a secret as it is. */
export async function secretCommand(args: readonly string[]): Promise<string> {
  const { values } = parseArgs({ args: [...args], options: { 'write-to': { type: 'string' } } })
  const file = values['write-to']
  if (file === undefined) {
    throw argumentError('Give a file: --write-to <file>.')
  }
  if ((await readSecretFile(file)) !== undefined) return `The secret in ${file} was kept.`
  await writeSecretFile(file, newSecret())
  return `A secret is in ${file}.`
}

/** Undefined when the file does not exist or is empty. */
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
 * Writes with mode 0600, and without a line end, since some programs take the file literally. When run by root, the file is
 * given to the owner of its folder: whoever prepared the folder chose its reader that way.
 */
export async function writeSecretFile(path: string, secret: string): Promise<void> {
  const folder = dirname(resolve(path))
  await explainFolderErrors(folder, async () => {
    makeFolder(folder, { mode: 0o700 })
    await replaceFile(path, secret)
    if (process.getuid?.() !== 0) return
    const { uid, gid } = await stat(folder)
    await chown(path, uid, gid)
  })
}
