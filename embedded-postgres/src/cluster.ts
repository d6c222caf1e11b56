import { spawn } from 'node:child_process'
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
import type { Account } from './account.ts'
import type { Connection } from './connection.ts'
import { PostgresError } from './errors.ts'
import { clearly, errorCodeOf } from './folder.ts'
import { sendSignal } from './process.ts'

/**
 * The cluster: the folder in which PostgreSQL keeps its data, reached as `postgres` in the data folder.
 *
 * Ordinarily it is that folder. For root it is a link: the user as whom root runs PostgreSQL cannot enter root's
 * folders, so the cluster lies in a folder of `rootFolder` with a random name. The link says which: a data folder that
 * is moved keeps its database.
 *
 * A cluster that has its name is whole: `initdb` works under a name of its own, `postgres.building-…` (again a folder,
 * or a link to one), which is renamed when it is done. What an interrupted one left is removed by the next; it may
 * still be at work for a moment, hence a new name each time.
 */

/** Where root keeps what PostgreSQL's user must be able to enter: copies of the programs, and clusters. */
export const rootFolder = '/var/lib/turnlog'

/** The major version of PostgreSQL that we bring. A cluster of another is refused. */
const majorVersion = '18'

const clusterName = 'postgres'
const buildingPrefix = 'postgres.building-'

/** An orphaned `initdb` may add files while its folder is being removed, until it finds that gone. */
const removeTries = 20

/** Written into postgresql.conf once, so that the owner may change them. Each has its reason. */
const settingsAtFirst = {
  timezone: 'UTC', // days, by which records are kept, are the same for every reader
  log_timezone: 'UTC',
  jit: 'off', // our queries are short: compiling them costs more than it saves
  random_page_cost: '1.1', // laptops have solid-state disks
  max_wal_size: '512MB', // a laptop's disk is small; two checkpoints' worth of landing
  min_wal_size: '64MB',
}

/** The real path of the existing cluster; `undefined` when none was made yet. A link that leads nowhere is refused. */
export async function findCluster(dataFolder: string): Promise<string | undefined> {
  const path = join(dataFolder, clusterName)
  const entry = await lstat(path).catch(absent)
  if (entry === undefined) return undefined
  const real = await realpath(path).catch(absent)
  if (real === undefined) {
    throw new PostgresError(
      'TL_POSTGRES_CLUSTER',
      `'${path}' leads to '${await readlink(path)}', where no cluster is: restore it, or remove the link to begin anew.`,
    )
  }
  const version = await readFile(join(real, 'PG_VERSION'), 'utf8').catch(absent)
  if (version === undefined) {
    throw new PostgresError(
      'TL_POSTGRES_CLUSTER',
      `'${path}' is in the way: it is not a PostgreSQL cluster (it has no PG_VERSION).`,
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

/** Makes a new cluster whose owner is `connection.user`. Resolves with its real path; leaves nothing when it fails. */
export async function makeCluster({
  dataFolder,
  binaries,
  account,
  connection,
  signal,
}: {
  dataFolder: string
  binaries: string
  account: Account | undefined
  connection: Connection
  signal: AbortSignal | undefined
}): Promise<string> {
  const building = join(dataFolder, buildingPrefix + randomBytes(8).toString('hex'))
  return clearly(dataFolder, async () => {
    for (const name of await readdir(dataFolder)) {
      if (name.startsWith(buildingPrefix)) await removeBuilding(join(dataFolder, name))
    }
    try {
      const real = account === undefined ? building : await makeRootsFolder(building)
      await initialise({ real, binaries, account, connection, signal })
      await rename(building, join(dataFolder, clusterName))
      return await realpath(join(dataFolder, clusterName))
    } catch (error) {
      await removeBuilding(building)
      throw error
    }
  })
}

/** Makes the folder that root's copies and clusters lie in, which any user may enter. */
export async function makeRootFolder(): Promise<string> {
  return clearly(rootFolder, async () => {
    const clusters = join(rootFolder, 'clusters')
    await mkdir(clusters, { recursive: true })
    await chmod(rootFolder, 0o755)
    await chmod(clusters, 0o711)
    return rootFolder
  })
}

/** The link comes first: it is how an interrupted build is found. */
async function makeRootsFolder(building: string): Promise<string> {
  const real = join(rootFolder, 'clusters', randomBytes(8).toString('hex'))
  await symlink(real, building)
  return real
}

async function removeBuilding(building: string): Promise<void> {
  const target = await readlink(building).catch(() => building)
  const isOurs = target === building || dirname(target) === join(rootFolder, 'clusters')
  if (isOurs) {
    await rm(target, { recursive: true, force: true, maxRetries: removeTries })
    await rm(passwordFileOf(target), { force: true })
  }
  await rm(building, { recursive: true, force: true })
}

/** Beside the cluster, since initdb wants an empty folder. */
function passwordFileOf(cluster: string): string {
  return join(dirname(cluster), `${basename(cluster)}.password`)
}

async function initialise({
  real,
  binaries,
  account,
  connection,
  signal,
}: {
  real: string
  binaries: string
  account: Account | undefined
  connection: Connection
  signal: AbortSignal | undefined
}): Promise<void> {
  const passwordFile = passwordFileOf(real)
  await mkdir(real, { mode: 0o700 })
  await writeFile(passwordFile, `${connection.password}\n`, { mode: 0o600 })
  if (account !== undefined) {
    await chown(real, account.uid, account.gid)
    await chown(passwordFile, account.uid, account.gid)
  }
  try {
    await initdb({
      program: join(binaries, 'bin/initdb'),
      account,
      signal,
      options: [
        `--pgdata=${real}`,
        `--username=${connection.user}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        // The order of text is PostgreSQL's own, so that a newer system library never unsorts an index.
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--locale=C',
        ...(process.platform === 'linux' ? ['--lc-ctype=C.UTF-8'] : []),
        '--data-checksums',
        ...Object.entries(settingsAtFirst).map(([name, value]) => `--set=${name}=${value}`),
      ],
    })
  } finally {
    await rm(passwordFile, { force: true })
  }
}

/** In a process group of its own, with an environment of its own, and a working folder any user may enter. */
function initdb({
  program,
  account,
  signal,
  options,
}: {
  program: string
  account: Account | undefined
  signal: AbortSignal | undefined
  options: readonly string[]
}): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, options, {
      ...account,
      cwd: '/',
      detached: true,
      env: { PATH: process.env.PATH, LC_ALL: 'C' },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const stop = () => child.pid !== undefined && sendSignal(-child.pid, 'SIGKILL')
    signal?.addEventListener('abort', stop, { once: true })
    let output = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-4_096)
    })
    child.once('error', (error) => reject(cannotRun(program, error)))
    child.once('close', (code, how) => {
      signal?.removeEventListener('abort', stop)
      if (signal?.aborted) reject(signal.reason)
      else if (code === 0) resolve()
      else reject(initdbTrouble(output, String(how ?? code)))
    })
  })
}

export function cannotRun(program: string, error: Error): PostgresError {
  return new PostgresError(
    'TL_POSTGRES_MISSING',
    `'${program}' cannot be run (${error.message}): set DATABASE_URL to use another PostgreSQL.`,
    { cause: error },
  )
}

function initdbTrouble(output: string, how: string): PostgresError {
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

function absent(error: unknown): undefined {
  if (['ENOENT', 'ENOTDIR'].includes(errorCodeOf(error) ?? '')) return undefined
  throw error
}
