/**
 * `npm run bench:reading`: the time of the receiver's answers to Jaeger's clients, on a new embedded PostgreSQL. Each
 * request is repeated six times, and the first does not count; a line has the median and the range. This is not a test.
 */
import { randomBytes } from 'node:crypto'
import { buildApp } from '@turnlog/receiver/app'
import { createToken, ensurePartitions, migrate, openDatabase } from '@turnlog/receiver/storage'
import { readConfig } from '../receiver/src/config.ts'
import { startPostgres } from '../test/support/start-postgres.ts'

const rounds = 5
const hour = 3_600_000
const batchSpans = 2_000

const postgres = await startPostgres()
const database = openDatabase(postgres.url)
await migrate(database)
await ensurePartitions(database, new Date())
const app = buildApp(readConfig({ TURNLOG_JAEGER_SECONDS_MAX: '60' }), database)
const url = await app.listen({ host: '127.0.0.1', port: 0 })
const ingest = await createToken(database, { user: 'bench', scope: 'ingest' })
const read = await createToken(database, { user: 'bench', scope: 'read' })
const now = Date.now()

function id(bytes: number): string {
  return randomBytes(bytes).toString('hex')
}

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } })

/** A typical trace of an agent: a turn with model calls and tool calls, each with content. */
function* traceOf(spans: number, start: number): Generator<object> {
  const traceId = id(16)
  const root = id(8)
  const nano = (milliseconds: number) =>
    String(BigInt(Math.round(start + milliseconds)) * 1_000_000n)
  const conversation: object[] = []
  for (let index = 0; index < spans; index += 1) {
    const isRoot = index === 0
    const isCall = index % 5 === 1
    const operation = isRoot ? 'invoke_agent' : isCall ? 'chat' : 'execute_tool'
    // From time to time a new conversation begins.
    if (conversation.length >= 40) conversation.length = 0
    if (isCall) conversation.push({ role: 'user', parts: [{ type: 'text', content: id(500) }] })
    yield {
      traceId,
      spanId: isRoot ? root : id(8),
      parentSpanId: isRoot ? '' : root,
      name: isRoot
        ? 'invoke_agent bench'
        : isCall
          ? 'chat model-1'
          : `execute_tool tool_${index % 7}`,
      kind: 1,
      startTimeUnixNano: nano(index * 5),
      endTimeUnixNano: nano(isRoot ? spans * 5 : index * 5 + 4),
      attributes: [
        text('gen_ai.operation.name', operation),
        text('session.id', 'session-1'),
        text('note', id(200)),
        ...(isCall
          ? [text('gen_ai.input.messages', JSON.stringify(conversation))]
          : [text('gen_ai.tool.call.arguments', id(50)), text('gen_ai.tool.call.result', id(500))]),
      ],
      status: index % 100 === 99 ? { code: 2 } : {},
    }
  }
}

async function land(spans: readonly object[]): Promise<void> {
  const resource = { attributes: [text('service.name', 'bench'), text('host.id', 'one')] }
  const answer = await fetch(`${url}/v1/traces`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ingest}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'bench' }, spans }] }],
    }),
  })
  if ((await answer.text()) !== '{}') throw new Error('It did not land.')
}

/** Lands one trace, with one request at a time; returns its id. */
async function landTrace(spans: number): Promise<string> {
  const all = [...traceOf(spans, now - hour)]
  for (let start = 0; start < all.length; start += batchSpans) {
    await land(all.slice(start, start + batchSpans))
  }
  const [first] = all
  return first !== undefined && 'traceId' in first ? String(first.traceId) : ''
}

async function landDay(traces: number, spansEach: number): Promise<void> {
  let batch: object[] = []
  for (let index = 0; index < traces; index += 1) {
    batch.push(...traceOf(spansEach, now - 24 * hour + (index * 24 * hour) / traces))
    if (batch.length < batchSpans && index < traces - 1) continue
    await land(batch)
    batch = []
  }
}

async function measure(name: string, question: string): Promise<void> {
  const times: number[] = []
  let bytes = 0
  for (let round = 0; round <= rounds; round += 1) {
    const start = performance.now()
    const answer = await fetch(url + question, { headers: { authorization: `Bearer ${read}` } })
    bytes = (await answer.arrayBuffer()).byteLength
    if (answer.status !== 200) throw new Error(`${question}: ${answer.status}`)
    if (round > 0) times.push(performance.now() - start)
  }
  const sorted = times.sort((left, right) => left - right)
  const milliseconds = (value = Number.NaN) => `${value.toPrecision(3)} ms`
  const range = `${milliseconds(sorted[0])}–${milliseconds(sorted.at(-1))}`
  console.log(
    `${name} | ${milliseconds(sorted[Math.floor(rounds / 2)])} (${range}) | ${(bytes / 1e6).toPrecision(3)} MB`,
  )
}

try {
  await landDay(2_000, 50)
  const traces = [
    [1_000, await landTrace(1_000)],
    [10_000, await landTrace(10_000)],
    [30_000, await landTrace(30_000)],
  ] as const
  // The server would do this automatically after a while.
  for (const table of ['spans', 'contents', 'message_links']) {
    await database.query(`vacuum analyze ${table}`)
  }
  console.log('case | median (range) | answer')
  for (const [spans, traceId] of traces) {
    await measure(`one trace of ${spans} spans, v1`, `/api/traces/${traceId}`)
    await measure('the same, v3', `/api/v3/traces/${traceId}`)
  }
  const day = `start=${now - 25 * hour}&end=${now + hour}`
  const times = `query.startTimeMin=${new Date(now - 25 * hour).toISOString()}&query.startTimeMax=${new Date(now + hour).toISOString()}`
  await measure(
    'v1 search of a day of 141 000 spans, the newest 20 traces',
    `/api/traces?service=bench&limit=20&${day}`,
  )
  await measure(
    'the same, by failed spans',
    `/api/traces?service=bench&limit=20&tag=error:true&${day}`,
  )
  await measure(
    'the same by an attribute that none has',
    `/api/traces?service=bench&limit=20&tag=a:b&${day}`,
  )
  await measure('the same, 1 500 traces', `/api/traces?service=bench&limit=1500&${day}`)
  await measure(
    'v3 summaries of the newest 20 traces',
    `/api/v3/trace-summaries?query.serviceName=bench&query.searchDepth=20&${times}`,
  )
  await measure('services', '/api/services')
  await measure('operations of a service', '/api/services/bench/operations')
  console.log(`resident memory: ${Math.round(process.memoryUsage().rss / 1e6)} MB`)
  console.log(`peak: ${Math.round(process.resourceUsage().maxRSS / 1e3)} MB`)
} finally {
  await app.close()
  await database.close()
  await postgres[Symbol.asyncDispose]()
}
