/** The receiver's process: settings, database, schema, background work, HTTP; closed in reverse order. */
import { setTimeout as sleep } from 'node:timers/promises'
import { errorCode, errorMessage } from '@turnlog/conventions/plain'
import type { EmbeddedPostgres } from '@turnlog/embedded-postgres'
import { connectionUrl } from '@turnlog/embedded-postgres/connection'
import { PostgresError } from '@turnlog/embedded-postgres/errors'
import { isLoopback } from './address.ts'
import { buildApp } from './app.ts'
import { type Config, readConfig } from './config.ts'
import { openCounters } from './counters.ts'
import { TurnlogError } from './errors.ts'
import { startMaintenance } from './maintain.ts'
import { startSampling } from './sample.ts'
import { type Database, openDatabase } from './storage/database.ts'
import { migrate } from './storage/migrate.ts'
import { noteReceiverAddress } from './storage/receiver-address.ts'
import { createSignInLink } from './storage/sign-in.ts'

/** How long to wait for a database that is starting. */
const databaseWithinMs = 30_000
/** How long to wait for running requests; clients repeat those that are cut off. */
const requestsWithinMs = 2_000
const lastSampleWithinMs = 1_000
const maintenanceEndsWithinMs = 1_000
const databaseClosesWithinMs = 1_000
const postgresStopsWithinMs = 6_000

const log = (message: string) => console.log(message)
/** Messages that need attention are written to standard error. */
const warn = (message: string) => console.error(message)
/** Secrets are printed at a terminal only: a file or a service's journal would store them, and others read it. */
const isTerminal = () => process.stdout.isTTY === true

/** Runs until the signal aborts. Throws a `TurnlogError` or `PostgresError` when it cannot start or continue, and closes what it opened. */
export async function run(environment: NodeJS.ProcessEnv, stopping: AbortSignal): Promise<void> {
  const config = readConfig(environment)
  await using closing = new AsyncDisposableStack()
  const own =
    config.databaseUrl === undefined
      ? await openOwnPostgres(config, { stopping, closing })
      : undefined
  const url = config.databaseUrl ?? own?.url ?? ''
  const database = openDatabase(url, { connectionsMax: config.connectionsMax, log: warn })
  closing.defer(() => within(databaseClosesWithinMs, database.close()))
  await untilAnswers(database, stopping)
  const applied = await migrate(database)
  if (applied.length > 0) log(`Schema    brought up to date: ${applied.join(', ')}`)
  const maintenance = await startMaintenance(database, {
    retentionDays: config.retentionDays,
    log,
    warn,
    now: () => new Date(),
  })
  closing.defer(() => within(maintenanceEndsWithinMs, maintenance.stop()))

  const counters = openCounters()
  const sampling = startSampling(database, { counters, log: warn })
  closing.defer(() => within(lastSampleWithinMs, sampling.stop()))

  const app = buildApp(config, database, { log: warn, counters })
  closing.defer(async () => {
    await within(requestsWithinMs, app.close())
    app.server.closeAllConnections()
  })
  const baseUrl = await listen(app, config)
  await noteReceiverAddress(database, baseUrl).catch((error) =>
    warn(`\`turnlog-receiver link\` may print another address: ${errorMessage(error)}.`),
  )
  if (!isLoopback(config.host)) {
    log(`Listens on ${config.host} (TURNLOG_RECEIVER_HOST): other machines may reach it.`)
  }
  // A supervisor (`process.connected`) prints its own link. For a service there is `turnlog-receiver link`: its log is stored.
  const isForPeople = !process.connected && isTerminal() && isLoopback(config.host)
  const publicUrl = config.publicUrl ?? baseUrl
  log(
    `Receiver  ${isForPeople ? await createSignInLink(database, { baseUrl: publicUrl }) : baseUrl}`,
  )
  const ended = await Promise.race([untilStopped(stopping), own?.exited ?? untilStopped(stopping)])
  if (ended !== 'stopped') {
    throw new TurnlogError('TL_PART_ENDED', 'The embedded PostgreSQL ended unexpectedly.')
  }
}

/** Starts the embedded PostgreSQL, which is imported only when needed. At a terminal, prints its address for `psql`. */
async function openOwnPostgres(
  config: Config,
  { stopping, closing }: { readonly stopping: AbortSignal; readonly closing: AsyncDisposableStack },
): Promise<EmbeddedPostgres> {
  const { openEmbeddedPostgres } = await import('@turnlog/embedded-postgres')
  const postgres = await openEmbeddedPostgres({
    dataDirectory: config.dataFolder,
    port: config.postgresPort,
    log,
    signal: stopping,
  })
  closing.defer(() => postgres.close({ withinMs: postgresStopsWithinMs }))
  log(`Database  ${isTerminal() ? postgres.url : connectionUrl({ ...postgres, password: '…' })}`)
  return postgres
}

async function untilAnswers(database: Database, stopping: AbortSignal): Promise<void> {
  const deadline = performance.now() + databaseWithinMs
  for (;;) {
    try {
      await database.query('select 1')
      return
    } catch (cause) {
      stopping.throwIfAborted()
      if (performance.now() < deadline && isStarting(cause)) {
        await sleep(250, undefined, { signal: stopping })
        continue
      }
      const message = `The database does not answer: ${errorMessage(cause)}.`
      throw new TurnlogError('TL_DATABASE_UNREACHABLE', message, { cause })
    }
  }
}

/** False for errors that waiting does not mend, such as a wrong password. */
function isStarting(error: unknown): boolean {
  return error instanceof Error && !/^(28|3D|0A|ENOTFOUND)/.test(errorCode(error) ?? '')
}

async function listen(
  app: ReturnType<typeof buildApp>,
  { host, port }: Pick<Config, 'host' | 'port'>,
): Promise<string> {
  try {
    return await app.listen({ host, port })
  } catch (cause) {
    const code = errorCode(cause)
    if (code === 'EADDRNOTAVAIL') {
      throw new TurnlogError(
        'TL_SETTING_INVALID',
        `TURNLOG_RECEIVER_HOST is ${host}, which is not an address of this machine.`,
        { cause },
      )
    }
    if (code !== 'EADDRINUSE') throw cause
    throw new TurnlogError(
      'TL_PORT_TAKEN',
      `Port ${port} is taken: set TURNLOG_RECEIVER_PORT to a free one.`,
      { cause },
    )
  }
}

function untilStopped(stopping: AbortSignal): Promise<'stopped'> {
  return new Promise((resolve) => {
    if (stopping.aborted) resolve('stopped')
    stopping.addEventListener('abort', () => resolve('stopped'), { once: true })
  })
}

async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  await Promise.race([promise, sleep(ms, undefined, { ref: false })])
}

/** The process, from its environment to its exit code. */
export async function main(): Promise<void> {
  // Keeps the process alive until everything is closed.
  const alive = setInterval(() => undefined, 60_000)
  const stopping = new AbortController()
  const stop = () => stopping.abort()
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  // The process that started this one has ended.
  process.on('disconnect', stop)
  try {
    await run(process.env, stopping.signal)
  } catch (error) {
    if (!stopping.signal.aborted) {
      const isExpected = error instanceof TurnlogError || error instanceof PostgresError
      console.error(isExpected ? error.message : error)
      process.exitCode = 1
    }
  }
  clearInterval(alive)
  // Does not wait for anything that did not close in time.
  process.exit()
}

if (import.meta.main) await main()
