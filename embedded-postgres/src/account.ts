import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { PostgresError } from './errors.ts'

const run = promisify(execFile)

/** Users under whom PostgreSQL may run when we are root, in the order they are tried. */
const candidates = ['postgres', 'nobody'] as const

export interface Account {
  readonly uid: number
  readonly gid: number
}

/**
 * As whom PostgreSQL runs. Ordinarily as ourselves: `undefined`. PostgreSQL refuses to run as root, so root runs it as
 * the owner of the existing cluster, else as the first user of `candidates` that exists.
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
      `The cluster '${cluster}' belongs to root, as whom PostgreSQL does not run: give it to another user (chown -R).`,
    )
  }
  for (const name of candidates) {
    const account = await lookUp(name)
    if (account !== undefined) return account
  }
  throw new PostgresError(
    'TL_POSTGRES_ACCOUNT',
    `PostgreSQL does not run as root, and there is no user ${candidates.join(' or ')}: make one, start Turnlog as an ordinary user, or set DATABASE_URL.`,
  )
}

/** The uppermost folder on the way to `path` that the account may not enter, by its mode; access lists are not read. */
export async function closedFolder(path: string, account: Account): Promise<string | undefined> {
  const above = dirname(path)
  const higher = above === path ? undefined : await closedFolder(above, account)
  if (higher !== undefined) return higher
  const { uid, gid, mode } = await stat(path)
  const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001
  return (mode & bit) === 0 ? path : undefined
}

async function lookUp(name: string): Promise<Account | undefined> {
  try {
    const [uid, gid] = await Promise.all(
      ['-u', '-g'].map(async (option) => Number((await run('id', [option, name])).stdout)),
    )
    return uid && gid ? { uid, gid } : undefined
  } catch {
    return undefined
  }
}
