/** The user that PostgreSQL runs as. */
import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { PostgresError } from './errors.ts'

const run = promisify(execFile)

/** Users that root runs PostgreSQL as, in the order they are tried. */
const candidates = ['postgres', 'nobody'] as const

/** How long `id` may take: it asks a directory server for users that are not in the system's own list. */
const idWithinMs = 5_000

export interface Account {
  readonly uid: number
  readonly gid: number
}

/**
 * Resolves with the user to run PostgreSQL as; `undefined` means the current user. PostgreSQL refuses to run as root, so
 * root runs it as the owner of the existing cluster, else as the first of `candidates` that exists.
 */
export async function findAccount(cluster: string | undefined): Promise<Account | undefined> {
  const owner = cluster === undefined ? undefined : await stat(cluster)
  const uid = process.getuid?.()
  if (uid !== 0) {
    if (owner === undefined || owner.uid === uid) return undefined
    throw new PostgresError(
      'TL_POSTGRES_CLUSTER',
      `The cluster '${cluster}' belongs to another user (${owner.uid}): start Turnlog as that user.`,
    )
  }
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
  if (owner !== undefined) {
    throw new PostgresError(
      'TL_POSTGRES_CLUSTER',
      `The cluster '${cluster}' belongs to root, and PostgreSQL does not run as root: give it to another user (chown -R).`,
    )
  }
  for (const name of candidates) {
    const account = await findUser(name)
    if (account !== undefined) return account
  }
  throw new PostgresError(
    'TL_POSTGRES_ACCOUNT',
    `PostgreSQL does not run as root, and there is no user ${candidates.join(' or ')}: add one, start Turnlog as an ordinary user, or set DATABASE_URL.`,
  )
}

/** The first folder from the root to `path` that the account may not enter, by mode alone: access lists are not read. */
export async function findClosedFolder(
  path: string,
  account: Account,
): Promise<string | undefined> {
  const parent = dirname(path)
  const higher = parent === path ? undefined : await findClosedFolder(parent, account)
  if (higher !== undefined) return higher
  const { uid, gid, mode } = await stat(path)
  const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001
  return (mode & bit) === 0 ? path : undefined
}

async function findUser(name: string): Promise<Account | undefined> {
  try {
    const [uid, gid] = await Promise.all(
      ['-u', '-g'].map(async (option) =>
        Number((await run('id', [option, name], { timeout: idWithinMs })).stdout),
      ),
    )
    return uid && gid ? { uid, gid } : undefined
  } catch {
    return undefined
  }
}
