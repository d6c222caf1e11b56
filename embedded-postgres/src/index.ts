import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Account, closedFolder, findAccount } from './account.ts'
import { findBinaries, findPackage } from './binaries.ts'
import { findCluster, makeCluster, makeRootFolder } from './cluster.ts'
import {
  type Connection,
  connectionFile,
  connectionUrl,
  ensureDatabase,
  greet,
  newConnection,
  readConnection,
  writeConnection,
} from './connection.ts'
import { PostgresError } from './errors.ts'
import { prepareFolder } from './folder.ts'
import { takeLock } from './lock.ts'
import { describePortHolder, findFreePort, probePort } from './port.ts'
import {
  clearRemains,
  type Ended,
  findPostmaster,
  lastLogLines,
  spawnPostmaster,
  stopPostmaster,
  watchPostmaster,
} from './postmaster.ts'

/** How long it may take to answer: after a crash it first replays its log, a few seconds for each 100 MB. */
const answersWithinMs = 120_000

/** How long a postmaster that we cannot adopt gets to end. */
const formerEndsWithinMs = 15_000

export interface EmbeddedPostgresOptions {
  /** Where the cluster and `postgres.json` are, or shall be: one folder, one database. */
  readonly dataDirectory: string
  /** The port it must have. Without one it keeps the port it had, or takes any free one. */
  readonly port?: number | undefined
  /** Told in a sentence what a user may want to know, such as a database found still running. */
  readonly log?: ((line: string) => void) | undefined
  /** Ends the start; what was begun is undone. */
  readonly signal?: AbortSignal | undefined
}

export interface EmbeddedPostgres extends Connection {
  readonly url: string
  readonly pid: number
  /** Whether it was found running, left by a process that was killed. */
  readonly adopted: boolean
  /** Resolves when it has ended, whether stopped or not. */
  readonly exited: Promise<Ended>
  /** The last lines of its log, for people. */
  readonly lastLogLines: (count: number) => string[]
  /** Stops it and lets go of the data folder. May be called twice; rejects with `TL_POSTGRES_STOP` if it does not end. */
  readonly close: (options: { withinMs: number }) => Promise<void>
}

/**
 * Starts the PostgreSQL that npm brought, in a data folder of its own, on 127.0.0.1 alone; makes the cluster and the
 * database the first time. Resolves once it answers. Fails with a `PostgresError` whose message is one clear line.
 *
 * One process at a time has a data folder (`TL_DATA_FOLDER_IN_USE`). When that process is killed PostgreSQL lives on,
 * and the next call adopts it, or stops it if it does not answer as it should.
 */
export async function openEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const dataFolder = await prepareFolder(options.dataDirectory)
  const locks: { release: () => void }[] = []
  const lock = (path: string): void => {
    locks.push(lockFolder(dataFolder, path))
  }
  const release = (): void => {
    for (const each of locks) each.release()
  }
  try {
    lock(join(dataFolder, 'postgres.lock'))
    return await open({ ...options, dataFolder, lock, release })
  } catch (error) {
    release()
    throw error
  }
}

function lockFolder(dataFolder: string, path: string) {
  const lock = takeLock(path)
  if (lock.status === 'taken') return lock
  throw new PostgresError(
    'TL_DATA_FOLDER_IN_USE',
    `The database in '${dataFolder}' is in use by another process: stop that one first.`,
  )
}

async function open({
  port: wantedPort,
  log = () => {},
  signal,
  dataFolder,
  lock,
  release,
}: EmbeddedPostgresOptions & {
  dataFolder: string
  lock: (path: string) => void
  release: () => void
}): Promise<EmbeddedPostgres> {
  const found = await findCluster(dataFolder)
  const account = await findAccount(found)
  const binaries = await findBinaries({
    copiesFolder: process.getuid?.() === 0 ? await makeRootFolder() : dataFolder,
    mustCopy: account !== undefined,
    source: await findPackage(),
  })
  // A copy of the data folder leads to the same cluster, if that is elsewhere: it, too, has one owner at a time.
  const lockCluster = (cluster: string): void => {
    if (cluster !== join(dataFolder, 'postgres')) lock(`${cluster}.lock`)
  }
  if (found !== undefined) lockCluster(found)

  const connectionPath = join(dataFolder, connectionFile)
  const kept = await readConnection(connectionPath)
  if (found !== undefined && kept === undefined) {
    throw new PostgresError(
      'TL_POSTGRES_CLUSTER',
      `'${connectionPath}', which holds the password of the cluster, is missing: restore it.`,
    )
  }
  const before = kept ?? newConnection(wantedPort ?? (await findFreePort()))
  const left =
    found === undefined
      ? undefined
      : await adoptOrStop({ cluster: found, connection: before, wantedPort, log })
  const port = left?.port ?? (await choosePort({ kept: before.port, wanted: wantedPort, log }))
  const connection = { ...before, port }
  // Its password is known before there is a cluster: one that nobody could enter would be lost.
  await writeConnection(connectionPath, connection)
  signal?.throwIfAborted()

  const cluster =
    found ?? (await makeCluster({ dataFolder, binaries, account, connection, signal }))
  if (found === undefined) lockCluster(cluster)
  const server = left ?? (await start({ cluster, binaries, account, connection, signal }))
  try {
    await ensureDatabase(connection)
  } catch (error) {
    await stopPostmaster({ cluster, ...server, withinMs: formerEndsWithinMs })
    throw error
  }

  let closing: Promise<void> | undefined
  return {
    ...connection,
    url: connectionUrl(connection),
    pid: server.pid,
    adopted: left !== undefined,
    exited: server.exited,
    lastLogLines: (count) => lastLogLines(cluster, count),
    close({ withinMs }) {
      closing ??= stopPostmaster({ cluster, ...server, withinMs })
        .then(() => server.seeExit())
        .then(release)
      return closing
    },
  }
}

interface Server {
  readonly pid: number
  readonly start: string | undefined
  readonly port: number
  readonly exited: Promise<Ended>
  /** Resolves once `exited` has, if the process is gone. Watching alone keeps no process alive. */
  readonly seeExit: () => Promise<unknown>
}

/** A postmaster that a killed process left: ours from now on if it answers as it should; else it is stopped. */
async function adoptOrStop({
  cluster,
  connection,
  wantedPort,
  log,
}: {
  cluster: string
  connection: Connection
  wantedPort: number | undefined
  log: (line: string) => void
}): Promise<Server | undefined> {
  const postmaster = findPostmaster(cluster)
  if (postmaster === undefined) return undefined
  const { pid, port } = postmaster
  const left = `The database of an earlier start that was killed is still running (process ${pid})`
  if (wantedPort === undefined || wantedPort === port) {
    const greeting = await greet({ ...connection, port })
    if (greeting.status === 'answers' && greeting.dataFolder === cluster) {
      log(`${left}: it is used again.`)
      return { ...postmaster, ...watchPostmaster(postmaster) }
    }
  }
  log(`${left}, but does not answer as it should: it is stopped and started anew.`)
  await stopPostmaster({ cluster, ...postmaster, withinMs: formerEndsWithinMs })
  return undefined
}

/** Starts it, once what a crashed one left is cleared away, and waits until it answers. */
async function start({
  cluster,
  binaries,
  account,
  connection,
  signal,
}: {
  cluster: string
  binaries: string
  account: Account | undefined
  connection: Connection
  signal: AbortSignal | undefined
}): Promise<Server> {
  await clearRemains(cluster)
  await chmod(cluster, 0o700)
  const { port } = connection
  const postmaster = spawnPostmaster({ cluster, binaries, account, port })
  const { pid, start, exited, seeExit, earlyOutput } = postmaster
  let ended: Ended | undefined
  const noted = exited.then((how) => {
    ended = how
  })
  if (pid === undefined) {
    await noted
    throw new PostgresError('TL_POSTGRES_START', 'PostgreSQL did not start.')
  }
  const deadline = performance.now() + answersWithinMs
  while (ended === undefined && performance.now() < deadline && !signal?.aborted) {
    const greeting = await greet(connection)
    if (greeting.status === 'answers' && greeting.dataFolder === cluster) {
      return { pid, start, port, exited, seeExit }
    }
    if (greeting.status === 'refuses password') break
    await sleep(50)
  }
  if (ended !== undefined) {
    // As after a copy was unpacked by root. Its log cannot say so: it lies where PostgreSQL does not come.
    const closed = account === undefined ? undefined : await closedFolder(cluster, account)
    if (account !== undefined && closed !== undefined) {
      throw new PostgresError(
        'TL_POSTGRES_START',
        `PostgreSQL runs as user ${account.uid}, who may not enter '${closed}': allow it (chmod 711), or move the data folder.`,
      )
    }
    throw new PostgresError(
      'TL_POSTGRES_START',
      `PostgreSQL ended as it started: ${reasonIn(earlyOutput(), lastLogLines(cluster, 20))}`,
    )
  }
  await stopPostmaster({ cluster, pid, start, withinMs: formerEndsWithinMs })
  signal?.throwIfAborted()
  throw new PostgresError(
    'TL_POSTGRES_START',
    performance.now() < deadline
      ? `The cluster '${cluster}' does not take the password in '${connectionFile}': restore that file.`
      : `PostgreSQL did not answer within ${answersWithinMs / 1_000} s; its log is in '${cluster}/log'.`,
  )
}

/** The port it must have, or the one it had, or, if somebody else took that meanwhile, another. */
async function choosePort({
  kept,
  wanted,
  log,
}: {
  kept: number
  wanted: number | undefined
  log: (line: string) => void
}): Promise<number> {
  const port = wanted ?? kept
  const state = await probePort(port)
  if (state === 'free') return port
  const why =
    state === 'taken'
      ? `is taken by ${describePortHolder(port) ?? 'another process'}`
      : 'is not for ordinary users'
  if (wanted !== undefined) {
    throw new PostgresError(
      'TL_PORT_TAKEN',
      `Port ${port} (TURNLOG_PG_PORT) ${why}: set TURNLOG_PG_PORT to a free one, or to none.`,
    )
  }
  const other = await findFreePort()
  log(`The database's port ${port} ${why}: it moves to ${other}.`)
  return other
}

/** PostgreSQL's own words: the last line that says FATAL or PANIC, without time and process. */
function reasonIn(earlyOutput: string, log: readonly string[]): string {
  const lines = [...earlyOutput.split('\n'), ...log].filter((line) => line.trim() !== '')
  const line = lines.findLast((each) => /\b(FATAL|PANIC)\b/.test(each)) ?? lines.at(-1)
  return line?.replace(/^.*?\b(?=FATAL|PANIC)/, '').trim() ?? 'it said nothing.'
}
