/**
 * Fills a database with some days of three people's work, by sending OTLP to a receiver: sessions; turns that
 * completed, failed, were aborted or abandoned; model calls with and without cache; tool calls; file operations with
 * every kind of decision and with none; exceptions, declared drops, rejected records, gaps, repeats, and unseen work.
 */
import { randomUUID } from 'node:crypto'
import {
  type Attributes,
  type Json,
  log,
  logsRequest,
  nanoseconds,
  newSpanId,
  newTraceId,
  post,
  span,
  type Target,
  traceRequest,
} from '../../../test/support/otlp.ts'

export interface Filled {
  readonly users: readonly string[]
  readonly models: readonly string[]
  /** A session with something of everything. */
  readonly session: string
  /** A range that contains all records. */
  readonly range: { readonly from: Date; readonly to: Date }
}

const users = ["o'hara", 'mara', 'tomás']
const models = ['claude-opus-5', 'gpt-6']
const outcomes = ['completed', 'completed', 'completed', 'failed', 'aborted', 'abandoned']
const decisions = [
  { type: 'accept', source: 'user', outcome: 'kept' },
  undefined,
  { type: 'revert', source: 'user', outcome: 'restored' },
  { type: 'accept', source: 'auto', outcome: 'kept' },
  { type: 'reject', source: 'policy', outcome: 'conflict' },
  undefined,
]
const unseenKinds: readonly Attributes[] = [
  {
    'turnlog.unseen.reason': 'model_traffic',
    'turnlog.unseen.why': 'event_stream',
    'server.address': 'api.new-model.example',
    'server.port': 443,
    'url.template': '/v1/agents/{id}/run',
  },
  { 'turnlog.unseen.reason': 'workspace_change', 'turnlog.unseen.why': 'outside_turn' },
]
const hourMs = 3_600_000
const sessionCount = 9
const turnsPerSession = 6

/** The token `gateway` may name any user; times are compared with the machine's clock. */
export async function fill(gateway: Target): Promise<Filled> {
  const now = Date.now()
  const sessions: string[] = []
  for (let number = 0; number < sessionCount; number += 1) {
    // The last one is now, the first one days ago.
    const startedAt = now - (sessionCount - 1 - number) * 11 * hourMs - hourMs
    sessions.push(await landSession(gateway, { number, startedAt }))
  }
  return {
    users,
    models,
    session: sessions.at(-1) ?? '',
    range: { from: new Date(now - sessionCount * 11 * hourMs), to: new Date(now + 60_000) },
  }
}

interface SessionOptions {
  readonly number: number
  readonly startedAt: number
}

async function landSession(
  gateway: Target,
  { number, startedAt }: SessionOptions,
): Promise<string> {
  const sessionId = `${number}-${randomUUID()}`
  let sequence = 0
  const numbered = (attributes: Attributes): Attributes => {
    sequence += 1
    return { ...attributes, 'turnlog.sequence': sequence }
  }
  const at = (offsetMs: number) => nanoseconds(new Date(startedAt + offsetMs))
  const logs: Json[] = [
    log(
      numbered({
        'turnlog.self_check.bound': ['fs', 'http_servers', 'undici'],
        'turnlog.self_check.not_bound': '{"child_processes":"switched_off"}',
        'turnlog.self_check.versions': '{"node":"24.21.0","turnlog":"0.1.0"}',
      }),
      { timeUnixNano: at(0), eventName: 'session.start', severityNumber: 9 },
    ),
    ...unseenKinds.map((kind, index) =>
      log(numbered({ ...kind, 'turnlog.unseen.count': 1 + number }), {
        timeUnixNano: at(1_000 + index),
        eventName: 'turnlog.unseen',
        severityNumber: 13,
      }),
    ),
  ]
  const spans: Json[] = []
  for (let turn = 0; turn < turnsPerSession; turn += 1) {
    addTurn({ turn: number + turn, offsetMs: turn * 400_000, at, numbered, spans, logs })
  }
  // Every third session loses records, by a declared drop and by a gap.
  if (number % 3 === 2) {
    sequence += 3
    logs.push(
      log(
        numbered({
          'turnlog.drop.first_sequence': sequence - 2,
          'turnlog.drop.last_sequence': sequence - 1,
          'turnlog.drop.reason': 'journal_corrupt',
        }),
        { timeUnixNano: at(2_500_000), eventName: 'turnlog.records.dropped', severityNumber: 13 },
      ),
    )
    // The receiver refuses this one, since it has no id, and counts it.
    spans.push(span(numbered({}), { spanId: '', startTimeUnixNano: at(2_600_000) }))
  }
  // Every fourth session never reports its end.
  if (number % 4 !== 3) {
    logs.push(
      log(
        numbered({
          'turnlog.exit_code': number % 2,
          'turnlog.recorder.last_sequence': sequence + 1,
        }),
        { timeUnixNano: at(3_000_000), eventName: 'session.end', severityNumber: 9 },
      ),
    )
  }
  const resource = {
    'service.name': number % 2 === 0 ? 'chat' : 'notebook',
    'service.version': '1.2.3',
    'service.instance.id': `recorder-${sessionId}`,
    'session.id': sessionId,
    'user.id': users[number % users.length] ?? '',
    'os.type': 'linux',
    'process.runtime.version': '24.21.0',
    'vcs.ref.head.revision': '0123456789abcdef0123456789abcdef01234567',
    'vcs.ref.head.name': 'main',
    'turnlog.capture.mode': 'full',
    'turnlog.recorder.recorded_through': sequence,
  }
  await landed(post(gateway, 'logs', logsRequest(logs, resource)))
  await landed(post(gateway, 'traces', traceRequest(spans, resource)))
  // A repeat.
  if (number % 2 === 0) await landed(post(gateway, 'traces', traceRequest(spans, resource)))
  return sessionId
}

async function landed(answer: Promise<Response>): Promise<void> {
  const { status } = await answer
  if (status !== 200) throw new Error(`The receiver answers ${status}.`)
}

function addTurn(options: {
  readonly turn: number
  readonly offsetMs: number
  readonly at: (offsetMs: number) => string
  readonly numbered: (attributes: Attributes) => Attributes
  readonly spans: Json[]
  readonly logs: Json[]
}): void {
  const { turn, offsetMs, at, numbered, spans, logs } = options
  const traceId = newTraceId()
  const [root, call, tool] = [newSpanId(), newSpanId(), newSpanId()]
  const outcome = outcomes[turn % outcomes.length] ?? 'completed'
  const model = models[turn % models.length] ?? ''
  const isFailed = outcome === 'failed'
  const from = (startMs: number, endMs: number) => ({
    traceId,
    startTimeUnixNano: at(offsetMs + startMs),
    endTimeUnixNano: at(offsetMs + endMs),
  })
  const failed = isFailed ? { 'error.type': 'overloaded_error' } : {}
  const text = (role: string, content: string) =>
    JSON.stringify([{ role, parts: [{ type: 'text', content }] }])

  spans.push(
    span(
      numbered({
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': turn % models.length === 0 ? 'anthropic' : 'openai',
        'gen_ai.request.model': model,
        'gen_ai.input.messages': text('user', `please, turn ${turn}`),
        'gen_ai.output.messages': text('assistant', 'done'),
        'gen_ai.usage.input_tokens': 1_000 + 300 * turn,
        'gen_ai.usage.output_tokens': 120 + turn,
        // The other provider does not report cached tokens.
        ...(turn % models.length === 0
          ? {
              'gen_ai.usage.cache_read.input_tokens': 700 + 100 * turn,
              'gen_ai.usage.cache_write.input_tokens': 90,
              'gen_ai.response.time_to_first_chunk': 0.4 + turn / 10,
            }
          : {}),
        ...failed,
      }),
      {
        ...from(500, 4_000 + 250 * turn),
        name: `chat ${model}`,
        kind: 3,
        spanId: call,
        parentSpanId: root,
        status: isFailed ? { code: 2, message: 'overloaded' } : {},
      },
    ),
    span(
      numbered({
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': turn % 2 === 0 ? 'write_file' : 'run_command',
        'gen_ai.tool.call.id': `call-${traceId.slice(0, 8)}`,
        'gen_ai.tool.call.arguments': '{"path":"src/a.ts"}',
        'gen_ai.tool.call.result': 'ok',
        ...(turn % 3 === 0 ? { 'turnlog.tool_call.inferred': true } : {}),
        ...(turn % 5 === 4 ? { 'turnlog.tool_call.unfinished': true } : {}),
        ...(turn % 4 === 3 ? { 'error.type': 'ENOENT' } : {}),
      }),
      { ...from(4_200, 5_000 + 90 * turn), name: 'execute_tool', spanId: tool, parentSpanId: root },
    ),
  )
  addFileOperation({ ...options, traceId, tool, from })
  spans.push(
    span(
      numbered({
        'gen_ai.operation.name': 'invoke_agent',
        'gen_ai.agent.name': 'helper',
        'gen_ai.request.model': model,
        'gen_ai.input.messages': text('user', `please, turn ${turn}`),
        'gen_ai.output.messages': text('assistant', 'done'),
        'turnlog.turn.transport': turn % 2 === 0 ? 'rest' : 'websocket',
        'turnlog.turn.outcome': outcome,
        ...(outcome === 'abandoned' ? { 'turnlog.abandoned': true } : {}),
        ...failed,
      }),
      {
        ...from(0, 6_000 + 700 * turn),
        name: 'invoke_agent helper',
        spanId: root,
        status: isFailed ? { code: 2 } : {},
      },
    ),
  )
  if (turn % 4 !== 1) return
  logs.push(
    log(
      numbered({
        'exception.type': 'TypeError',
        'exception.message': 'x is not a function',
        'exception.stacktrace': 'TypeError: x is not a function\n    at a.js:1',
        'turnlog.error.origin': 'unhandled_rejection',
      }),
      { timeUnixNano: at(offsetMs + 5_500), eventName: 'exception', severityNumber: 17, traceId },
    ),
  )
}

function addFileOperation(options: {
  readonly turn: number
  readonly offsetMs: number
  readonly at: (offsetMs: number) => string
  readonly numbered: (attributes: Attributes) => Attributes
  readonly spans: Json[]
  readonly logs: Json[]
  readonly traceId: string
  readonly tool: string
  readonly from: (startMs: number, endMs: number) => Json
}): void {
  const { turn, offsetMs, at, numbered, spans, logs, traceId, tool, from } = options
  const operationId = randomUUID()
  const file = newSpanId()
  const path = `src/file-${turn % 4}.ts`
  spans.push(
    span(
      numbered({
        'turnlog.file_operation.id': operationId,
        'turnlog.file_operation.type': turn % 3 === 0 ? 'create' : 'edit',
        'file.path': path,
        'turnlog.file_operation.after': `line ${turn}\n`,
        'turnlog.file_operation.diff': `+line ${turn}\n`,
        'turnlog.file_operation.lines_added': 3 + turn,
        'turnlog.file_operation.lines_removed': turn,
      }),
      { ...from(4_400, 4_420), name: 'file.edit', spanId: file, parentSpanId: tool },
    ),
  )
  const decision = decisions[turn % decisions.length]
  if (decision === undefined) return
  logs.push(
    log(
      numbered({
        'turnlog.file_operation.id': operationId,
        'turnlog.decision.type': decision.type,
        'turnlog.decision.source': decision.source,
        'turnlog.decision.outcome': decision.outcome,
        'turnlog.decision.elapsed': 12.5 + turn,
        'file.path': path,
      }),
      {
        timeUnixNano: at(offsetMs + 20_000),
        eventName: 'turnlog.change.decision',
        severityNumber: 9,
        traceId,
        spanId: file,
      },
    ),
  )
}
