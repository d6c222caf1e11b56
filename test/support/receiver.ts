/** A receiver to send to: in this process, or as the process it is in earnest, which can be killed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type AppConfig, buildApp } from '@turnlog/receiver/app'
import {
  createToken,
  type Database,
  openDatabase,
  type TokenScope,
} from '@turnlog/receiver/storage'
import { readConfig } from '../../receiver/src/config.ts'
import { afterTestOrFile, cloneDatabase, type TestDatabase } from './postgres.ts'

export interface TestReceiver extends AsyncDisposable {
  /** Without a trailing slash, as `TELEMETRY_ENDPOINT` has it. */
  readonly url: string
  /** An ingest token of the user `mara`. */
  readonly token: string
  readonly database: Database
  newToken(options?: { user?: string; scope?: TokenScope; team?: string }): Promise<string>
  close(): Promise<void>
}

export const testUser = 'mara'

/** What `buildApp` is given in tests. */
export const receiverLimits: AppConfig = {
  ...readConfig({}),
  memoryBytesMax: 128 * 1024 ** 2,
  pageHosts: [],
  jaegerReadSecondsMax: 60,
}

export interface ReceiverOptions {
  readonly database: TestDatabase
  /** The port it had before, after a restart; any free one without. */
  readonly port?: number
  readonly limits?: Partial<AppConfig>
  readonly now?: () => Date
}

/** In this process, on its own connections to the database. */
export async function startReceiver(options: ReceiverOptions): Promise<TestReceiver> {
  const database = openDatabase(options.database.url)
  const app = buildApp({ ...receiverLimits, ...options.limits }, database, {
    ...(options.now ? { now: options.now } : {}),
  })
  const url = await app.listen({ host: '127.0.0.1', port: options.port ?? 0 })
  const newToken: TestReceiver['newToken'] = ({
    user = testUser,
    scope = 'ingest',
    ...rest
  } = {}) => createToken(options.database, { user, scope, ...rest })
  async function close(): Promise<void> {
    const closed = app.close()
    // As the process does it: a connection that becomes idle after this would be waited for, 72 s long.
    const late = setTimeout(() => app.server.closeAllConnections(), 1_000)
    await closed
    clearTimeout(late)
    await database.close()
  }
  return { url, token: await newToken(), database, newToken, close, [Symbol.asyncDispose]: close }
}

export interface Stage {
  readonly database: TestDatabase
  readonly receiver: TestReceiver
}

/**
 * A receiver, by default on a database of its own. Called in a test, both are closed after it; called at the top of a file
 * (`const { database, receiver } = await withReceiver()`), after the file's last test.
 */
export async function withReceiver(options: Partial<ReceiverOptions> = {}): Promise<Stage> {
  const stack = new AsyncDisposableStack()
  afterTestOrFile(() => stack.disposeAsync())
  const database = options.database ?? stack.use(await cloneDatabase())
  const receiver = stack.use(await startReceiver({ ...options, database }))
  return { database, receiver }
}

export interface ReceiverProcess extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly token: string
  readonly child: ChildProcess
  /** Sends the signal and waits for the end; resolves with the exit code, null after a kill. */
  kill(signal?: NodeJS.Signals): Promise<number | null>
}

const program = fileURLToPath(import.meta.resolve('@turnlog/receiver'))

/** The real program, from its settings on; resolves once it listens. */
export async function startReceiverProcess({
  database,
  port = 0,
}: Pick<ReceiverOptions, 'database' | 'port'>): Promise<ReceiverProcess> {
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, DATABASE_URL: database.url, TURNLOG_RECEIVER_PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const url = await Promise.race([listeningUrl(child), ended.then(() => undefined)])
  if (url === undefined) throw new Error('The receiver ended before it listened.')
  async function kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    child.kill(signal)
    await ended
    return child.exitCode
  }
  return {
    url: url.origin,
    port: Number(url.port),
    token: await createToken(database, { user: testUser, scope: 'ingest' }),
    child,
    kill,
    async [Symbol.asyncDispose]() {
      await kill()
    },
  }
}

async function listeningUrl(child: ChildProcess): Promise<URL | undefined> {
  if (child.stdout === null) return undefined
  const lines = createInterface({ input: child.stdout })
  for await (const line of lines) {
    const address = /^Receiver +(http\S+)/.exec(line)?.[1]
    if (address === undefined) continue
    child.stdout.resume()
    return new URL(address)
  }
  return undefined
}
