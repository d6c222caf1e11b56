import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Account, findAccount, findClosedFolder } from './account.ts'
import { findBinaries, findPackage } from './binaries.ts'
import { findCluster, makeCluster, makeRootFolder } from './cluster.ts'
import {
  askServer,
  type Connection,
  connectionFile,
  connectionUrl,
  ensureDatabase,
  newConnection,
  readConnection,
  writeConnection,
} from './connection.ts'
import { PostgresError } from './errors.ts'
import { prepareFolder } from './folder.ts'
import { takeLock } from './lock.ts'
import { findFreePort, whyUnusable } from './port.ts'
import {
  cleanUpAfterCrash,
  findPostmaster,
  lastLogLines,
  type Postmaster,
  startPostmaster,
  stopPostmaster,
} from './postmaster.ts'
import type { ProgramExit } from './program.ts'

/** How long a start may take: after a crash PostgreSQL first replays its log, a few seconds for each 100 MB. */
const answersWithinMs = 120_000

/** How long a postmaster that cannot be used gets to end. */
const unusableEndsWithinMs = 15_000

export interface EmbeddedPostgresOptions {
  /** The folder of the cluster and of `postgres.json`: one folder, one database. It is made if it is missing. */
  readonly dataDirectory: string
  /** The port it must have. Without one it keeps the port it had, or takes any free one. */
  readonly port?: number | undefined
  /** Receives a sentence for the user, for example that a database was found still running. */
  readonly log?: ((line: string) => void) | undefined
  /** Ends the start; everything that was begun is undone. */
  readonly signal?: AbortSignal | undefined
}

export interface EmbeddedPostgres extends Connection {
  readonly url: string
  readonly pid: number
  /** Whether it was found running, left by a process that was killed. */
  readonly adopted: boolean
  /** Resolves when PostgreSQL has ended, for whatever reason. */
  readonly exited: Promise<ProgramExit>
  /** The last lines of its log, for messages. */
  readonly lastLogLines: (count: number) => string[]
  /** Stops it and unlocks the data folder. May be called twice; rejects with `TL_POSTGRES_STOP` if it does not end. */
  readonly close: (options: { withinMs: number }) => Promise<void>
}

/**
 * Starts the PostgreSQL of npm on the cluster of a data folder, on 127.0.0.1 alone; the first time it makes the cluster
 * and the database. Resolves once PostgreSQL answers. Rejects with a `PostgresError`, whose message is one line.
 *
 * A data folder has one owner at a time (`TL_DATA_FOLDER_IN_USE`). When that process is killed PostgreSQL runs on; the
 * next call adopts it, or restarts it if it does not answer as expected.
 */
export async function openEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const { port: wantedPort, log = () => {}, signal } = options
  const dataFolder = await prepareFolder(options.dataDirectory)
  using locks = new DisposableStack()
  const lock = (path: string): void => {
    const taken = takeLock(path)
    if (taken.status === 'held') {
      throw new PostgresError(
        'TL_DATA_FOLDER_IN_USE',
        `The database in '${dataFolder}' is in use by another process: stop that one first.`,
      )
    }
    locks.defer(taken.release)
  }
  lock(join(dataFolder, 'postgres.lock'))

  const found = await findCluster(dataFolder)
  const account = await findAccount(found)
  const binaries = await findBinaries({
    copiesFolder: process.getuid?.() === 0 ? await makeRootFolder() : dataFolder,
    mustCopy: account !== undefined,
    source: await findPackage(),
  })
  // A copy of the data folder links to the same cluster, if that is elsewhere: the cluster, too, has one owner at a time.
  const lockCluster = (cluster: string): void => {
    if (cluster !== join(dataFolder, 'postgres')) lock(`${cluster}.lock`)
  }
  if (found !== undefined) lockCluster(found)

  const previous = await readConnectionOf(dataFolder, found)
  const initial = previous ?? newConnection(wantedPort ?? (await findFreePort()))
  const adopted =
    found === undefined
      ? undefined
      : await adoptOrStop({ cluster: found, connection: initial, wantedPort, log })
  const port =
    adopted?.port ?? (await choosePort({ previous: initial.port, wanted: wantedPort, log }))
  const connection = { ...initial, port }
  // The password is written before the cluster is made: a cluster whose password is unknown would be lost.
  await writeConnection(join(dataFolder, connectionFile), connection)
  signal?.throwIfAborted()

  const cluster =
    found ?? (await makeCluster({ dataFolder, binaries, account, connection, signal }))
  if (found === undefined) lockCluster(cluster)
  const postmaster = adopted ?? (await start({ cluster, binaries, account, connection, signal }))
  try {
    await ensureDatabase(connection)
  } catch (error) {
    await stopPostmaster({ cluster, postmaster, withinMs: unusableEndsWithinMs })
    throw error
  }

  const heldLocks = locks.move()
  let closing: Promise<void> | undefined
  return {
    ...connection,
    url: connectionUrl(connection),
    pid: postmaster.pid,
    adopted: adopted !== undefined,
    exited: postmaster.exited,
    lastLogLines: (count) => lastLogLines(cluster, count),
    close({ withinMs }) {
      closing ??= stopPostmaster({ cluster, postmaster, withinMs })
        .then(() => postmaster.waitForExit())
        .then(() => heldLocks.dispose())
      return closing
    },
  }
}

/** A cluster without its password is refused: it would be of no use. */
async function readConnectionOf(
  dataFolder: string,
  cluster: string | undefined,
): Promise<Connection | undefined> {
  const path = join(dataFolder, connectionFile)
  const connection = await readConnection(path)
  if (connection === undefined && cluster !== undefined) {
    throw new PostgresError(
      'TL_POSTGRES_CLUSTER',
      `'${path}', which holds the password of the cluster, is missing: restore it.`,
    )
  }
  return connection
}

/** Returns the postmaster that a killed process left if it answers as expected and has the wanted port; else stops it. */
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
}): Promise<Postmaster | undefined> {
  const postmaster = findPostmaster(cluster)
  if (postmaster === undefined) return undefined
  const { pid, port } = postmaster
  const left = `The database of an earlier start that was killed is still running (process ${pid})`
  if (wantedPort === undefined || wantedPort === port) {
    const state = await askServer({ ...connection, port })
    if (state.status === 'answers' && state.cluster === cluster) {
      log(`${left}: it is used again.`)
      return postmaster
    }
  }
  log(`${left}, but does not answer as expected: it is restarted.`)
  await stopPostmaster({ cluster, postmaster, withinMs: unusableEndsWithinMs })
  return undefined
}

interface StartOptions {
  readonly cluster: string
  readonly binaries: string
  readonly account: Account | undefined
  readonly connection: Connection
  readonly signal: AbortSignal | undefined
}

/** Starts it, after cleaning up what a crash left, and waits until it answers. Stops it when it does not. */
async function start(options: StartOptions): Promise<Postmaster> {
  const { cluster, binaries, account, connection, signal } = options
  await cleanUpAfterCrash(cluster)
  await chmod(cluster, 0o700)
  const postmaster = await startPostmaster({ cluster, binaries, account, port: connection.port })
  const outcome = await waitForAnswer(postmaster, options)
  if (outcome === 'answers') return postmaster
  if (outcome === 'ended') throw await startError(cluster, account, postmaster)
  await stopPostmaster({ cluster, postmaster, withinMs: unusableEndsWithinMs })
  signal?.throwIfAborted()
  throw new PostgresError(
    'TL_POSTGRES_START',
    outcome === 'refuses password'
      ? `The cluster '${cluster}' does not accept the password in '${connectionFile}': restore that file.`
      : `PostgreSQL did not answer within ${answersWithinMs / 1_000} s; its log is in '${cluster}/log'.`,
  )
}

/** `silent`: the time is over, or the start was aborted. */
async function waitForAnswer(
  postmaster: Postmaster,
  { cluster, connection, signal }: StartOptions,
): Promise<'answers' | 'ended' | 'refuses password' | 'silent'> {
  let hasEnded = false
  void postmaster.exited.then(() => {
    hasEnded = true
  })
  const deadline = performance.now() + answersWithinMs
  while (performance.now() < deadline && !signal?.aborted) {
    if (hasEnded) return 'ended'
    const state = await askServer(connection)
    if (state.status === 'answers' && state.cluster === cluster) return 'answers'
    if (state.status === 'refuses password') return state.status
    await sleep(50)
  }
  return hasEnded ? 'ended' : 'silent'
}

async function startError(
  cluster: string,
  account: Account | undefined,
  postmaster: Postmaster,
): Promise<PostgresError> {
  // For example after root unpacked a copy. The log cannot say so: PostgreSQL could not enter its folder.
  const closed = account === undefined ? undefined : await findClosedFolder(cluster, account)
  return new PostgresError(
    'TL_POSTGRES_START',
    account !== undefined && closed !== undefined
      ? `PostgreSQL runs as user ${account.uid}, who may not enter '${closed}': allow it (chmod 711), or move the data folder.`
      : `PostgreSQL ended during its start: ${reasonIn([...postmaster.output().split('\n'), ...lastLogLines(cluster, 20)])}`,
  )
}

/** PostgreSQL's own words: the last line with FATAL or PANIC, without time and process. */
function reasonIn(output: readonly string[]): string {
  const lines = output.filter((line) => line.trim() !== '')
  const line = lines.findLast((each) => /\b(FATAL|PANIC)\b/.test(each)) ?? lines.at(-1)
  return line?.replace(/^.*?\b(?=FATAL|PANIC)/, '').trim() ?? 'it wrote nothing.'
}

/** The wanted port; without one the previous port or, if another process took that meanwhile, a new one. */
async function choosePort({
  previous,
  wanted,
  log,
}: {
  previous: number
  wanted: number | undefined
  log: (line: string) => void
}): Promise<number> {
  const port = wanted ?? previous
  const why = await whyUnusable(port)
  if (why === undefined) return port
  if (wanted !== undefined) {
    throw new PostgresError(
      'TL_PORT_TAKEN',
      `Port ${port} (TURNLOG_PG_PORT) ${why}: set TURNLOG_PG_PORT to a free one, or to none.`,
    )
  }
  const other = await findFreePort()
  log(`The database's port ${port} ${why}: port ${other} is used instead.`)
  return other
}
