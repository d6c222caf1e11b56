/** The whole path of a record: app, preload, spool, Collector, receiver, PostgreSQL, all real. */
import { readFileSync } from 'node:fs'
import * as path from 'node:path'
import { expect } from 'vitest'
import { accounts } from '../../../test/support/account.ts'
import { type Example, startExample, temporaryFolder } from '../../../test/support/example.ts'
import { freePort } from '../../../test/support/ports.ts'
import { cloneDatabase, type TestDatabase } from '../../../test/support/postgres.ts'
import { startReceiver, type TestReceiver } from '../../../test/support/receiver.ts'
import { type CollectorOptions, prepareCollector } from './collector.ts'

export interface StageOptions {
  readonly overlays?: CollectorOptions['overlays']
  readonly environment?: CollectorOptions['environment']
  /** The queue's folder; a temporary one by default. */
  readonly queue?: string
  /** The token for the receiver; the user's by default. */
  readonly collectorToken?: (receiver: TestReceiver) => Promise<string>
}

export type Stage = Awaited<ReturnType<typeof openStage>>

/** Does not start the Collector yet. Disposing the stage ends everything. */
export async function openStage(options: StageOptions = {}) {
  const stack = new AsyncDisposableStack()
  const database = stack.use(await cloneDatabase())
  const port = await freePort()
  const receiver = await startReceiver({ database, port })
  let listening = receiver
  stack.defer(() => listening.close())
  const spool = stack.use(temporaryFolder()).path
  const queue = options.queue ?? stack.use(temporaryFolder()).path
  const workspace = stack.use(temporaryFolder()).path
  const collector = stack.use(
    await prepareCollector({
      receiver: receiver.url,
      token: (await options.collectorToken?.(receiver)) ?? receiver.token,
      queue,
      ...(options.overlays ? { overlays: options.overlays } : {}),
      ...(options.environment ? { environment: options.environment } : {}),
    }),
  )

  return {
    database,
    receiver,
    collector,
    spool,
    workspace,
    defer: (end: () => Promise<void> | void) => stack.defer(end),
    /** An app under the preload, that sends to the Collector and asks the receiver what has landed. */
    startApp: async (
      more: { token?: string; settings?: Record<string, string> } = {},
    ): Promise<Example> =>
      stack.use(
        await startExample({
          spool,
          workspace,
          endpoint: collector.url,
          token: more.token ?? receiver.token,
          settings: {
            TELEMETRY_RECEIVER: receiver.url,
            TELEMETRY_RESEND_AFTER_SECONDS: '1',
            ...more.settings,
          },
        }),
      ),
    /** Whether the Collector has acknowledged the turn that made this file, but has not forwarded it yet. */
    async untilQueued(file: string): Promise<void> {
      const holds = () => {
        const text = readFileSync(path.join(queue, 'exporter_otlp_http_receiver_traces'), 'latin1')
        return text.includes('invoke_agent') && text.includes(file)
      }
      await expect.poll(holds).toBe(true)
    },
    /** Closes the receiver's port until `receiverBack`. */
    receiverAway: () => listening.close(),
    async receiverBack(): Promise<void> {
      listening = await startReceiver({ database, port })
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** Expects that each of these files was created once, each in one turn, and that no record is waiting or missing. */
export async function expectAllOnce(
  { database, spool }: { readonly database: TestDatabase; readonly spool: string },
  files: readonly string[],
): Promise<void> {
  const paths = () => database.query('select path from file_operations order by path')
  const expected = files.toSorted().map((path) => ({ path }))
  await expect.poll(paths, { timeout: 120_000 }).toEqual(expected)
  await expect
    .poll(
      async () =>
        (await accounts(spool, database)).filter(
          ({ recorded, landed, unaccounted, waiting }) =>
            recorded !== landed || unaccounted !== 0 || waiting !== 0,
        ),
      { timeout: 120_000 },
    )
    .toEqual([])
  expect(await paths()).toEqual(expected)
  expect(
    await database.query('select path from turns join file_operations using (trace_id)'),
  ).toHaveLength(files.length)
}
