/** `TELEMETRY_EXPORTER=otlp`: OpenTelemetry's exporters send the same records, and lost records are accounted for. */

import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { originalFs } from '../instrumentation/src/file-system.ts'
import { readState } from '../instrumentation/src/seal/state.ts'
import { startChat } from '../instrumentation/test/support/chat.ts'
import {
  type ApiAnswer,
  type ApiRequest,
  lastText,
} from '../instrumentation/test/support/messages-api.ts'
import { accounts, recorderFolders } from './support/account.ts'
import { startExample, temporaryFolder } from './support/example.ts'
import type { TestDatabase } from './support/postgres.ts'
import { withReceiver } from './support/receiver.ts'

const patience = { timeout: 60_000, interval: 100 }

const secret = `sk-ant-api03-${'aB3'.repeat(31)}AA`
const large = 'A line of a large file, 40 characters.\n'.repeat(8_000)

/** Each message asks for its own tool, and is answered after the tool has run. */
const answer = (request: ApiRequest): ApiAnswer => {
  const tool = (name: string, input: object): ApiAnswer => ({
    tools: [{ id: `tool_${request.messages.length}_${name}`, name, input }],
  })
  switch (lastText(request)) {
    case 'write':
      return tool('write_file', { path: 'key.txt', content: `key = ${secret}\n` })
    case 'edit':
      return tool('write_file', { path: 'kept.txt', content: 'two\n' })
    case 'large':
      return tool('write_file', { path: 'large.txt', content: large })
    case 'delete':
      return tool('delete_file', { path: 'kept.txt' })
    case 'fail':
      return { status: 529 }
    default:
      return { text: 'Done: “ü” \u0000 \ud83d\ude00.', gzip: true }
  }
}

test('one conversation makes the same rows through segments and through exporters', async () => {
  const [segments, exporters] = [await rowsOf('spool'), await rowsOf('otlp')]
  expect(exporters.spans.length).toBeGreaterThan(15)
  expect(exporters.log_records.length).toBeGreaterThan(0)
  expect(exporters).toEqual(segments)
})

/** All landed rows of one conversation, without ids and times. */
async function rowsOf(exporter: 'spool' | 'otlp') {
  const { database, receiver } = await withReceiver()
  await using chat = await startChat({
    files: { 'kept.txt': 'one\n' },
    answer,
    env: {
      TELEMETRY_EXPORTER: exporter,
      TELEMETRY_ENDPOINT: receiver.url,
      TELEMETRY_TOKEN: receiver.token,
      RETRIES: '0',
    },
  })
  const messages = ['write', 'edit', 'large', 'delete', 'fail', 'hello']
  for (const message of messages) await chat.post(message)
  await chat.post('streamed', { stream: true, client: 'sdk-stream' })
  await expect
    .poll(() => database.query('select * from turns'), patience)
    .toHaveLength(messages.length + 1)
  const { stderr } = await chat.host.stop()
  expect(stderr).toBe('')
  return {
    spans: await plainRows(database, 'select * from spans order by sequence'),
    // These records may be written at the exit; whether they are sent before the process ends is random.
    log_records: await plainRows(
      database,
      `select * from log_records where event_name not in ('session.end', 'turnlog.self_check')
        order by sequence`,
    ),
    contents: await plainRows(database, 'select * from contents order by sha256, part'),
    turns: await plainRows(database, 'select * from turns order by started_at'),
    file_operations: await plainRows(database, 'select * from file_operations order by started_at'),
  }
}

/** Values that differ between any two runs: times, process ids, random ids, and sequences, in which the records that are left out count. */
const volatile =
  /(^|[_.])sequence$|(^|_)(at|time|day|duration|first_chunk)$|nano|^time$|elapsed|^server\.port$|^process\.pid$|recorded_through/

async function plainRows(database: TestDatabase, query: string): Promise<unknown[]> {
  const rows = await database.query(query)
  const ids = new Map<string, string>()
  const text = JSON.stringify(rows, (name, value) => (volatile.test(name) ? undefined : value))
  const drawn =
    /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?<![0-9a-f:])(?:[0-9a-f]{32}|[0-9a-f]{16})(?![0-9a-f])/g
  const plain = text.replaceAll(/127\.0\.0\.1:\d+/g, 'host').replaceAll(drawn, (id) => {
    const name = ids.get(id) ?? `id-${ids.size}`
    ids.set(id, name)
    return name
  })
  return JSON.parse(plain)
}

/** A Collector on one port that can be stopped or refuse requests; it forwards accepted requests to the receiver. */
async function startFlakyCollector(receiver: string) {
  const state: { mode: 'pass' | 'hang' | 'refuse' } = { mode: 'pass' }
  let requests = 0
  const server = http.createServer((request, response) => {
    requests += 1
    if (state.mode === 'hang') return
    if (state.mode === 'refuse') {
      response.writeHead(400).end()
      return
    }
    const { host: _, ...headers } = request.headers
    const onward = http.request(`${receiver}${request.url}`, { method: 'POST', headers })
    onward.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  })
  const listen = (port: number) =>
    new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const close = () => {
    server.closeAllConnections()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  }
  await listen(0)
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests: () => requests,
    become(mode: typeof state.mode): void {
      state.mode = mode
    },
    leave: close,
    comeBack: () => listen(port),
    [Symbol.asyncDispose]: async () => {
      if (server.listening) await close()
    },
  }
}

async function openStage() {
  const stack = new AsyncDisposableStack()
  const { database, receiver } = await withReceiver()
  const collector = stack.use(await startFlakyCollector(receiver.url))
  const spool = stack.use(temporaryFolder()).path
  const workspace = stack.use(temporaryFolder()).path
  const settings = {
    TELEMETRY_EXPORTER: 'otlp',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${receiver.token}`,
    OTEL_EXPORTER_OTLP_TIMEOUT: '400',
    OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
  }
  return {
    database,
    collector,
    spool,
    start: async () => stack.use(await startExample({ spool, workspace, settings })),
    /** Whether an exporter has given up records that are not yet declared. */
    givenUp: () =>
      [...recorderFolders(spool).values()].some(
        (folder) => readState(originalFs, folder).undeclared.length > 0,
      ),
    /** For every recorder, nothing is missing, and nothing is counted twice. */
    balanced: async () =>
      (await accounts(spool, database)).map(({ unaccounted, waiting }) => [unaccounted, waiting]),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

test.each(['is away', 'refuses'])(
  'what an exporter gives up while its Collector %s is declared as lost, and the next turn lands',
  async (how) => {
    await using stage = await openStage()
    const { collector, database } = stage
    if (how === 'is away') await collector.leave()
    else collector.become('refuse')
    const app = await stage.start()
    await app.chat('create lost.txt with this')
    await expect.poll(stage.givenUp, patience).toBe(true)
    if (how === 'is away') await collector.comeBack()
    else collector.become('pass')
    await app.chat('create landed.txt with that')
    await expect
      .poll(() => database.query('select path from file_operations'), patience)
      .toContainEqual({ path: 'landed.txt' })
    const completeness = 'select dropped, missing from session_completeness'
    await expect
      .poll(async () => {
        const [row] = await database.query(completeness)
        return [Number(row?.dropped) > 0, Number(row?.missing)]
      }, patience)
      .toEqual([true, 0])
    const reasons = `select distinct attributes ->> 'turnlog.drop.reason' as reason from log_records
                      where event_name = 'turnlog.records.dropped'`
    expect(await database.query(reasons)).toEqual([{ reason: 'export_failed' }])
    await expect.poll(stage.balanced, patience).toEqual([[0, 0]])
    expect(app.output()).not.toMatch(/otel|otlp|export/i)
  },
)

test('records in transit when the app is killed with -9 land after the next start', async () => {
  await using stage = await openStage()
  const { collector, database } = stage
  collector.become('hang')
  const app = await stage.start()
  await app.chat('create kept.txt with this')
  await expect.poll(collector.requests, patience).toBeGreaterThan(0)
  // The Changes list does not wait for sending.
  const listed = async (): Promise<unknown> => {
    const { changes } = await (await fetch(`${app.url}/api/changes/recent`)).json()
    return changes.map(({ path }: { path: string }) => path)
  }
  await expect.poll(listed, patience).toEqual(['kept.txt'])
  await app.stop('SIGKILL')
  collector.become('pass')
  await stage.start()
  await expect
    .poll(() => database.query('select path from file_operations'), patience)
    .toEqual([{ path: 'kept.txt' }])
  await expect.poll(stage.balanced, patience).toEqual([
    [0, 0],
    [0, 0],
  ])
})
