import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder } from '@turnlog/conventions/folders'
import { readRegularFile } from '@turnlog/conventions/regular-file'
import { explainFolderErrors, replaceFile } from '@turnlog/embedded-postgres/folder'

/** The token with which the example app sends, and the link with which a person signs in; both belong to one database. */
export interface Access {
  /** Whether the token belongs to this user and permits sending records. */
  readonly isIngestToken: (options: { token: string; user: string }) => Promise<boolean>
  readonly createIngestToken: (options: { user: string }) => Promise<string>
  /** The receiver's page with a one-time key that signs in. */
  readonly signInLink: () => Promise<string>
  readonly close: () => Promise<void>
}

export type OpenAccess = (options: { databaseUrl: string; receiverUrl: string }) => Promise<Access>

/** The example app's token: created at the first start, stored in the data folder, replaced if the database does not know it. */
export async function ensureToken({
  access,
  dataFolder,
  user,
}: {
  access: Access
  dataFolder: string
  user: string
}): Promise<string> {
  const folder = join(dataFolder, 'tokens')
  const file = join(folder, 'example')
  return explainFolderErrors(folder, async () => {
    makeFolder(folder, { mode: 0o700 })
    const stored = readRegularFile(file)?.trim() ?? ''
    if (stored !== '' && (await access.isIngestToken({ token: stored, user }))) {
      await chmod(file, 0o600)
      return stored
    }
    const token = await access.createIngestToken({ user })
    await replaceFile(file, `${token}\n`)
    return token
  })
}
