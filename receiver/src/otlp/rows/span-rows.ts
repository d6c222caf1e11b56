/** One span → its row, or why it is rejected. Pure. */
import { type AttributeName, parseSpanId, parseTraceId } from '@turnlog/conventions'
import { lastSaid } from '@turnlog/conventions/content/last-said'
import { toldFailure } from '@turnlog/conventions/dialects/failure'
import type { Period } from '../../period.ts'
import { withGenAiNames } from '../dialects/with-genai-names.ts'
import { toJsonText, tryParseJson } from '../wire/json.ts'
import type { AnyValue, AttributeMap, SpanRecord } from '../wire/request.ts'
import { clean } from '../wire/text.ts'
import {
  columnTextOf,
  identifierOf,
  integerOf,
  isTrue,
  sequenceOf,
  textOf,
} from './attribute-values.ts'
import { referenceOf, storeAttributes, storeValue } from './attributes.ts'
import { type RowResult, rejected, type SpanRow } from './batch.ts'
import type { BatchContents, ContentSink } from './contents.ts'
import { claimedUserOf, type Origin, sessionIdOf } from './origin.ts'
import { dayOf, problemOfTime, timestampOf } from './time.ts'

export interface RowOptions {
  readonly origin: Origin
  readonly period: Period
  /** The token's user, who takes precedence over the client's claim. */
  readonly userId: string | undefined
  readonly contents: BatchContents
}

export function toSpanRow(span: SpanRecord, options: RowOptions): RowResult<SpanRow> {
  const traceId = parseTraceId(span.traceId)
  const spanId = parseSpanId(span.spanId)
  if (span.problem !== undefined) return rejected(span.problem)
  if (traceId === undefined) return rejected('trace id is not 16 bytes, or zero')
  if (spanId === undefined) return rejected('span id is not 8 bytes, or zero')
  const problem = problemOfSpan(span, options.period)
  if (problem !== undefined) return rejected(problem)
  const startTime = timestampOf(span.startTime)
  if (startTime === null) return rejected('span has no time')

  const named = withGenAiNames(span.attributes, span.name)
  const failure = failureOf(span, named)
  const attributes = failure?.isAborted === true ? asAborted(named) : named
  const { origin } = options
  const sink = options.contents.open(dayOf(span.startTime))
  const operation = columnTextOf(attributes.get('gen_ai.operation.name'))
  const stored = operation === 'invoke_agent' ? withPromptAndAnswer(attributes, sink) : undefined
  const row: SpanRow = {
    trace_id: traceId,
    span_id: spanId,
    start_time: startTime,
    end_time: timestampOf(span.endTime),
    start_unix_nano: span.startTime,
    end_unix_nano: span.endTime === 0n ? null : span.endTime,
    parent_span_id: parseSpanId(span.parentSpanId) ?? null,
    trace_state: textOf(span.traceState),
    flags: span.flags,
    name: clean(span.name),
    kind: span.kind,
    status_code: span.statusCode,
    status_message: textOf(span.statusMessage),
    service_name: origin.serviceName,
    session_id: sessionIdOf(attributes, origin),
    user_id: options.userId ?? claimedUserOf(attributes, origin),
    recorder_id: origin.recorderId,
    sequence: sequenceOf(attributes.get('turnlog.sequence')),
    operation: operation === null ? null : identifierOf(operation),
    ...columnsOf(attributes),
    error_type: failure?.isAborted === true ? null : columnTextOf(failure?.type),
    attributes: stored ?? storeAttributes(attributes, sink),
    events: storeEvents(span, sink),
    links: storeLinks(span, sink),
    resource: origin.resource(sink),
    scope: origin.scope(sink),
    dropped_counts: droppedCounts(span),
  }
  const key = `${traceId} ${spanId} ${startTime}`
  const isWaiting = isTrue(attributes.get('turnlog.waiting'))
  return {
    status: 'row',
    item: {
      key,
      row,
      time: startTime,
      contentKeys: sink.keys,
      origin,
      claim: span.claim,
      isWaiting,
    },
  }
}

/** The columns that hold one attribute each. */
function columnsOf(attributes: AttributeMap) {
  return {
    conversation_id: identifierOf(attributes.get('gen_ai.conversation.id')),
    agent_name: columnTextOf(attributes.get('gen_ai.agent.name')),
    tool_name: columnTextOf(attributes.get('gen_ai.tool.name')),
    tool_call_id: columnTextOf(attributes.get('gen_ai.tool.call.id')),
    request_model: columnTextOf(attributes.get('gen_ai.request.model')),
    response_model: columnTextOf(attributes.get('gen_ai.response.model')),
    input_tokens: tokensOf(attributes, ['gen_ai.usage.input_tokens', 'gen_ai.usage.prompt_tokens']),
    output_tokens: tokensOf(attributes, [
      'gen_ai.usage.output_tokens',
      'gen_ai.usage.completion_tokens',
    ]),
    cache_read_tokens: tokensOf(attributes, [
      'gen_ai.usage.cache_read.input_tokens',
      'gen_ai.usage.cache_read_input_tokens',
    ]),
    cache_write_tokens: tokensOf(attributes, [
      'gen_ai.usage.cache_write.input_tokens',
      'gen_ai.usage.cache_creation.input_tokens',
      'gen_ai.usage.cache_creation_input_tokens',
    ]),
    reasoning_tokens: tokensOf(attributes, ['gen_ai.usage.reasoning.output_tokens']),
    file_path: columnTextOf(attributes.get('file.path')),
    file_operation_id: identifierOf(attributes.get('turnlog.file_operation.id')),
    file_operation_type: columnTextOf(attributes.get('turnlog.file_operation.type')),
    abandoned: isTrue(attributes.get('turnlog.abandoned')),
  } satisfies Partial<SpanRow>
}

/**
 * The type of a failed span in whatever dialect it is. What only says that it failed has the type `_OTHER` if it is known what it is;
 * what was closed after a crash has none.
 */
function failureOf(span: SpanRecord, attributes: AttributeMap) {
  const told = toldFailure({
    get: (name) => attributes.get(name),
    status: { code: span.statusCode, message: span.statusMessage },
    events: span.events.map((event) => ({
      name: event.name,
      get: (name) => event.attributes.get(name),
    })),
  })
  if (told?.type !== '_OTHER' || attributes.has('error.type')) return told
  const isKnown =
    attributes.has('gen_ai.operation.name') && !isTrue(attributes.get('turnlog.abandoned'))
  return isKnown ? told : undefined
}

function asAborted(attributes: AttributeMap): AttributeMap {
  return new Map([...attributes, ['turnlog.aborted' satisfies AttributeName, true]])
}

function problemOfSpan(span: SpanRecord, period: Period): string | undefined {
  if (!isAbsent(span.parentSpanId) && parseSpanId(span.parentSpanId) === undefined) {
    return 'parent span id is not 8 bytes'
  }
  const problemOfStart = problemOfTime(span.startTime, period)
  if (problemOfStart !== undefined) return `span ${problemOfStart}`
  const problemOfEnd = span.endTime === 0n ? undefined : problemOfTime(span.endTime, period)
  return problemOfEnd === undefined ? undefined : `span’s end ${problemOfEnd}`
}

/** Some clients send zeros as the parent of a root. */
function isAbsent(id: string): boolean {
  return id === '' || /^0{16}$/.test(id)
}

/** The number under the first name that has a value: older conventions had other names for the same meaning. */
function tokensOf(attributes: AttributeMap, names: readonly string[]): bigint | null {
  for (const name of names) {
    const value = attributes.get(name)
    if (value !== undefined && value !== null) return integerOf(value)
  }
  return null
}

/**
 * Adds a turn's prompt and answer as plain text to the messages that they are part of: SQL reads them without parsing
 * JSON, and a list shows their beginnings without reading contents.
 */
function withPromptAndAnswer(attributes: AttributeMap, sink: ContentSink): string {
  const members = [storeAttributes(attributes, sink).slice(1, -1)]
  for (const [name, from, role] of [
    ['turnlog.turn.prompt', 'gen_ai.input.messages', 'user'],
    ['turnlog.turn.answer', 'gen_ai.output.messages', 'assistant'],
  ] as const) {
    const stored = storeSaid(attributes, { from, role, sink })
    if (stored !== undefined) members.push(`"${name}":${stored}`)
  }
  return `{${members.filter((member) => member !== '').join(',')}}`
}

/** The last text of `role` in the messages `from`; to be read later when parts of the messages travel apart. */
function storeSaid(
  attributes: AttributeMap,
  options: { readonly from: string; readonly role: string; readonly sink: ContentSink },
): string | undefined {
  const { from, role, sink } = options
  const later = (messages: string) => `{"turnlog.said":${messages},"role":"${role}"}`
  const messages = attributes.get(from)
  if (messages === undefined) {
    const reference = referenceOf(attributes, from)
    return reference && later(sink.referTo(reference))
  }
  const said = lastSaid(tryParseJson(textForm(messages)), role)
  switch (said?.kind) {
    case 'text':
      return sink.addTextWithPreview(said.text)
    case 'content':
      return sink.referTo(said.reference)
    case 'in parts':
      return later(storeValue(messages, sink, from))
    case undefined:
      return undefined
  }
}

function textForm(value: AnyValue): string {
  return typeof value === 'string' ? value : toJsonText(value)
}

function storeEvents(span: SpanRecord, sink: ContentSink): string | null {
  if (span.events.length === 0) return null
  const events = span.events.map(({ time, name, attributes, droppedAttributes }) => {
    const own = `"time_unix_nano":${time},"name":${JSON.stringify(clean(name))}`
    const dropped = droppedAttributes === 0 ? '' : `,"dropped_attributes":${droppedAttributes}`
    return `{${own},"attributes":${storeAttributes(attributes, sink)}${dropped}}`
  })
  return `[${events.join(',')}]`
}

function storeLinks(span: SpanRecord, sink: ContentSink): string | null {
  if (span.links.length === 0) return null
  const links = span.links.map((link) => {
    const own = JSON.stringify({
      trace_id: clean(link.traceId),
      span_id: clean(link.spanId),
      trace_state: link.traceState === '' ? undefined : clean(link.traceState),
      flags: link.flags || undefined,
      dropped_attributes: link.droppedAttributes || undefined,
    })
    return `${own.slice(0, -1)},"attributes":${storeAttributes(link.attributes, sink)}}`
  })
  return `[${links.join(',')}]`
}

function droppedCounts(span: SpanRecord): string | null {
  const { droppedAttributes, droppedEvents, droppedLinks } = span
  if (droppedAttributes + droppedEvents + droppedLinks === 0) return null
  return JSON.stringify({
    attributes: droppedAttributes || undefined,
    events: droppedEvents || undefined,
    links: droppedLinks || undefined,
  })
}
