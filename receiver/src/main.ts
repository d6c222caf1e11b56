/** The process: settings, database, schema, then listening; and all of it closed in reverse order. */

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
import { createSignInLink } from './storage/sign-in.ts'

/** A database that is just starting gets this long. */
const databaseWithinMs = 30_000
/** What is being landed gets this long to be answered; the rest comes again. */
const requestsWithinMs = 2_000
const lastSampleWithinMs = 1_000
const maintenanceEndsWithinMs = 1_000
const databaseClosesWithinMs = 1_000
const postgresStopsWithinMs = 6_000

function log(message: string): void {
  console.log(message)
}

/** By somebody at a terminal. A file or a service's journal keeps what is said, and others read it. */
function isRead(): boolean {
  return process.stdout.isTTY === true
}

/** What somebody should look at goes to standard error. */
function warn(message: string): void {
  console.error(message)
}

/** Runs until told to stop. Throws a `TurnlogError` or `PostgresError` when it cannot start, or cannot go on; what was begun is undone. */
export async function run(environment: NodeJS.ProcessEnv, told: AbortSignal): Promise<void> {
  const config = readConfig(environment)
  await using closing = new AsyncDisposableStack()
  const own =
    config.databaseUrl === undefined ? await openOwnPostgres(config, { told, closing }) : undefined
  const url = config.databaseUrl ?? own?.url ?? ''
  const database = openDatabase(url, { connectionsMax: config.connectionsMax, log: warn })
  closing.defer(() => within(databaseClosesWithinMs, database.close()))
  await untilAnswers(database, told)
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
  if (!isLoopback(config.host)) {
    log(`Listens on ${config.host} (TURNLOG_RECEIVER_HOST): other machines may reach it.`)
  }
  // Whoever started us prints a link of its own, and a service has `turnlog-receiver link`: here it would lie in a log.
  const isForPeople = !process.connected && isRead() && isLoopback(config.host)
  const publicUrl = config.publicUrl ?? baseUrl
  log(
    `Receiver  ${isForPeople ? await createSignInLink(database, { baseUrl: publicUrl }) : baseUrl}`,
  )
  const ended = await Promise.race([untilTold(told), own?.exited ?? untilTold(told)])
  if (ended !== 'told') {
    throw new TurnlogError('TL_PART_ENDED', 'The embedded PostgreSQL ended by itself.')
  }
}

/** The embedded one, imported only when it is needed. At a terminal its address is printed as `psql` takes it. */
async function openOwnPostgres(
  config: Config,
  { told, closing }: { readonly told: AbortSignal; readonly closing: AsyncDisposableStack },
): Promise<EmbeddedPostgres> {
  const { openEmbeddedPostgres } = await import('@turnlog/embedded-postgres')
  const postgres = await openEmbeddedPostgres({
    dataDirectory: config.dataFolder,
    port: config.postgresPort,
    log,
    signal: told,
  })
  closing.defer(() => postgres.close({ withinMs: postgresStopsWithinMs }))
  log(`Database  ${isRead() ? postgres.url : connectionUrl({ ...postgres, password: '…' })}`)
  return postgres
}

async function untilAnswers(database: Database, told: AbortSignal): Promise<void> {
  const deadline = performance.now() + databaseWithinMs
  for (;;) {
    try {
      await database.query('select 1')
      return
    } catch (cause) {
      told.throwIfAborted()
      if (performance.now() < deadline && isStarting(cause)) {
        await sleep(250, undefined, { signal: told })
        continue
      }
      const reason = errorMessage(cause)
      throw new TurnlogError(
        'TL_DATABASE_UNREACHABLE',
        `The database does not answer: ${reason}.`,
        {
          cause,
        },
      )
    }
  }
}

/** Not there yet, or starting up; a wrong password stays wrong. */
function isStarting(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return !/^(28|3D|0A|ENOTFOUND)/.test(errorCode(error) ?? '')
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
        `TURNLOG_RECEIVER_HOST is ${host}, which is no address of this machine.`,
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

function untilTold(told: AbortSignal): Promise<'told'> {
  return new Promise((resolve) => {
    if (told.aborted) resolve('told')
    told.addEventListener('abort', () => resolve('told'), { once: true })
  })
}

async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  await Promise.race([promise, sleep(ms, undefined, { ref: false })])
}

/** The process, from its environment to its exit code. */
export async function main(): Promise<void> {
  // Keeps the process until all is closed, whatever else has let go of it by then.
  const alive = setInterval(() => undefined, 60_000)
  const told = new AbortController()
  const stop = () => told.abort()
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  // Whoever started it is gone.
  process.on('disconnect', stop)
  try {
    await run(process.env, told.signal)
  } catch (error) {
    if (!told.signal.aborted) {
      const isExpected = error instanceof TurnlogError || error instanceof PostgresError
      console.error(isExpected ? error.message : error)
      process.exitCode = 1
    }
  }
  clearInterval(alive)
  // Nothing is left to wait for but what would not end in time.
  process.exit()
}

if (import.meta.main) await main()
