/**
 * The cluster: the folder that PostgreSQL keeps its data in, named `postgres` in the data folder.
 *
 * For root, `postgres` is a link: the user that root runs PostgreSQL as cannot enter root's folders, so the cluster is a
 * folder with a random name below `rootFolder`. A data folder that is moved keeps its database, since the link moves along.
 *
 * A cluster named `postgres` is complete: `initdb` works in `postgres.building-…` (a folder, or a link to one), which is
 * renamed at the end. What an interrupted `initdb` left is removed by the next start. Each start uses a new name, because
 * an `initdb` whose parent was killed may go on writing for a moment.
 */
import { randomBytes } from 'node:crypto'
import {
  chmod,
  chown,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { makeFolder } from '@turnlog/conventions/folders'
import { errorCode } from '@turnlog/conventions/plain'
import type { Account } from './account.ts'
import type { Connection } from './connection.ts'
import { PostgresError } from './errors.ts'
import { explainFolderErrors } from './folder.ts'
import { sendSignal } from './process.ts'
import { startProgram } from './program.ts'

/** Holds what root must let PostgreSQL's user enter: copies of the programs, and clusters. */
const rootFolder = '/var/lib/turnlog'
const rootClusters = join(rootFolder, 'clusters')

/** The major version of PostgreSQL that npm brings. A cluster of any other version is refused. */
const majorVersion = '18'

const clusterName = 'postgres'
const buildingPrefix = 'postgres.building-'

/** An orphaned `initdb` may add files to a folder that is being removed, until it fails on the missing ones. */
const removeTries = 20

/** Written into postgresql.conf once, so that the owner may change them. Each has its reason. */
const initialSettings = {
  timezone: 'UTC', // records are kept by the day, which must be the same for every reader
  log_timezone: 'UTC',
  jit: 'off', // our queries are short: compiling them costs more than it saves
  random_page_cost: '1.1', // laptops have solid-state disks
  max_wal_size: '512MB', // a laptop's disk is small; two checkpoints' worth of landing
  min_wal_size: '64MB',
}

interface NewCluster {
  readonly dataFolder: string
  readonly binaries: string
  readonly account: Account | undefined
  readonly connection: Connection
  /** Ends `initdb`. */
  readonly signal: AbortSignal | undefined
}

/** The real path of the existing cluster; `undefined` if none was made yet. Rejects when it cannot be used. */
export async function findCluster(dataFolder: string): Promise<string | undefined> {
  const path = join(dataFolder, clusterName)
  const entry = await lstat(path).catch(undefinedIfMissing)
  if (entry === undefined) return undefined
  const real = await realpath(path).catch(undefinedIfMissing)
  if (real === undefined) {
    throw new PostgresError(
      'TL_POSTGRES_CLUSTER',
      `'${path}' is a link to '${await readlink(path)}', which does not exist: restore it, or remove the link to begin with an empty database.`,
    )
  }
  const version = await readFile(join(real, 'PG_VERSION'), 'utf8').catch(undefinedIfMissing)
  if (version === undefined) {
    throw new PostgresError(
      'TL_POSTGRES_CLUSTER',
      `'${path}' is not a PostgreSQL cluster (it has no PG_VERSION): move it away.`,
    )
  }
  if (version.trim() !== majorVersion) {
    throw new PostgresError(
      'TL_POSTGRES_VERSION',
      `The cluster '${real}' was made by PostgreSQL ${version.trim()}, and Turnlog brings ${majorVersion}: move its data (pg_dump), or set DATABASE_URL.`,
    )
  }
  return real
}

/** Makes a new cluster, owned by `connection.user`. Resolves with its real path; leaves nothing behind when it fails. */
export async function makeCluster(options: NewCluster): Promise<string> {
  const { dataFolder, account } = options
  const building = join(dataFolder, buildingPrefix + randomName())
  return explainFolderErrors(dataFolder, async () => {
    for (const name of await readdir(dataFolder)) {
      if (name.startsWith(buildingPrefix)) await removeBuilding(join(dataFolder, name))
    }
    try {
      const folder = account === undefined ? building : join(rootClusters, randomName())
      // The link is made before the folder, so that the next start finds a build that was interrupted.
      if (folder !== building) await symlink(folder, building)
      await initialise(folder, options)
      await rename(building, join(dataFolder, clusterName))
      return await realpath(join(dataFolder, clusterName))
    } catch (error) {
      await removeBuilding(building)
      throw error
    }
  })
}

/** Makes the folder for root's copies and clusters, which any user may enter. */
export async function makeRootFolder(): Promise<string> {
  return explainFolderErrors(rootFolder, async () => {
    makeFolder(rootClusters)
    await chmod(rootFolder, 0o755)
    await chmod(rootClusters, 0o711)
    return rootFolder
  })
}

function randomName(): string {
  return randomBytes(8).toString('hex')
}

/** Removes a build and, if it is a link to one of root's clusters, its target; no other target is touched. */
async function removeBuilding(building: string): Promise<void> {
  const target = await readlink(building).catch(() => building)
  if (target === building || dirname(target) === rootClusters) {
    await rm(target, { recursive: true, force: true, maxRetries: removeTries })
    await rm(passwordFileOf(target), { force: true })
  }
  await rm(building, { recursive: true, force: true })
}

/** Beside the cluster, since initdb requires an empty folder. */
function passwordFileOf(cluster: string): string {
  return join(dirname(cluster), `${basename(cluster)}.password`)
}

async function initialise(
  folder: string,
  { binaries, account, connection, signal }: NewCluster,
): Promise<void> {
  const passwordFile = passwordFileOf(folder)
  await mkdir(folder, { mode: 0o700 })
  await writeFile(passwordFile, `${connection.password}\n`, { mode: 0o600 })
  if (account !== undefined) {
    await chown(folder, account.uid, account.gid)
    await chown(passwordFile, account.uid, account.gid)
  }
  const options = [
    `--pgdata=${folder}`,
    `--username=${connection.user}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // The order of text is PostgreSQL's own, so that a newer system library cannot invalidate an index.
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    ...(process.platform === 'linux' ? ['--lc-ctype=C.UTF-8'] : []),
    '--data-checksums',
    ...Object.entries(initialSettings).map(([name, value]) => `--set=${name}=${value}`),
  ]
  try {
    const initdb = await startProgram(join(binaries, 'bin/initdb'), options, account)
    const stop = () => sendSignal(-initdb.pid, 'SIGKILL')
    if (signal?.aborted) stop()
    signal?.addEventListener('abort', stop, { once: true })
    await initdb.closed
    signal?.removeEventListener('abort', stop)
    signal?.throwIfAborted()
    const exit = await initdb.exited
    if (exit.code !== 0) throw initdbError(initdb.output(), String(exit.signal ?? exit.code))
  } finally {
    await rm(passwordFile, { force: true })
  }
}

function initdbError(output: string, how: string): PostgresError {
  if (output.includes('No space left on device')) {
    return new PostgresError(
      'TL_DISK_FULL',
      'The disk is full: there is no room for a new cluster.',
    )
  }
  const lines = output.split('\n').filter((line) => line.trim() !== '')
  const reason = lines.find((line) => /error|fatal/i.test(line)) ?? lines.at(-1) ?? 'no output'
  return new PostgresError('TL_POSTGRES_START', `initdb ended with ${how}: ${reason.trim()}`)
}

function undefinedIfMissing(error: unknown): undefined {
  if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return undefined
  throw error
}
