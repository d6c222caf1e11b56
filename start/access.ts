import { chmod, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { explainFolderErrors, replaceFile } from '@turnlog/embedded-postgres/folder'

/** What lets the example send and a person look: a token and a link, of one database. */
export interface Access {
  /** Whether this is a token of this user with which records may be sent. */
  readonly isIngestToken: (options: { token: string; user: string }) => Promise<boolean>
  readonly createIngestToken: (options: { user: string }) => Promise<string>
  /** The receiver's page with a one-time key that signs in. */
  readonly signInLink: () => Promise<string>
  readonly close: () => Promise<void>
}

export type OpenAccess = (options: { databaseUrl: string; receiverUrl: string }) => Promise<Access>

/** The example's token: made at the first start, kept in the data folder, made anew when the database does not know it. */
export async function keepToken({
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
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const kept = (await readFile(file, 'utf8').catch(() => '')).trim()
    if (kept !== '' && (await access.isIngestToken({ token: kept, user }))) {
      await chmod(file, 0o600)
      return kept
    }
    const token = await access.createIngestToken({ user })
    await replaceFile(file, `${token}\n`)
    return token
  })
}
