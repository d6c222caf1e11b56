/**
 * One ended span with its raw contents → what is sent of it. Turns, model calls, tool calls and file operations get
 * their content here; every other span goes on as it came, redacted.
 */
import { type AttributeName, instrumentationScope } from '@turnlog/conventions'
import type { RecordedChange } from '../changes/change.ts'
import { type ModelCallRecord, mapAnthropicExchange } from '../record/anthropic.ts'
import { unifiedDiff } from '../record/diff.ts'
import { chatRequestOf, conversationIdOf } from '../record/prompt.ts'
import { redactText } from '../record/redact.ts'
import type { HeldContents } from './held-contents.ts'
import type { SealedAttributes } from './otlp-json.ts'
import type { JournaledSpan } from './processor.ts'
import { type FileSide, put, putFileSide, putText, sealFileBytes } from './seal-content.ts'
import { addModelCall, emptySums, type TurnSums } from './turn-sums.ts'

export type Notes = Readonly<Record<string, unknown>>

export interface SealContext {
  readonly held: HeldContents
  /** Sums of open turns, by trace. */
  readonly sums: Map<string, TurnSums>
  /** Whether the trace has a turn that will want sums. */
  readonly hasOpenTurn: (traceId: string) => boolean
  readonly contentBytesMax: number
  readonly sessionId: string
}

export interface SealedSpan {
  readonly span: JournaledSpan
  readonly attributes: SealedAttributes
  /** For the local Changes store; raw. */
  readonly change?: {
    readonly operation: RecordedChange
    readonly contents: { before?: Uint8Array; after?: Uint8Array; overwritten?: Uint8Array }
  }
}

export function sealSpan(span: JournaledSpan, notes: Notes, context: SealContext): SealedSpan {
  const attributes = redactAttributes(span.attributes)
  if (context.held.wire(span.spanId).size > 0) return sealModelCall(span, attributes, context)
  // What other libraries emit under the same names goes on as it came.
  if (span.scope.name !== instrumentationScope) return { span, attributes }
  if (typeof attributes['turnlog.file_operation.id' satisfies AttributeName] === 'string') {
    return sealFileOperation(span, attributes, notes, context)
  }
  switch (attributes['gen_ai.operation.name' satisfies AttributeName]) {
    case 'invoke_agent':
      return sealTurn(span, attributes, notes, context)
    case 'execute_tool':
      return sealToolCall(span, attributes, notes, context)
    default:
      return { span, attributes }
  }
}

/** Whatever an app puts on its spans passes the same rules. */
export function redactAttributes(attributes: Readonly<Record<string, unknown>>): SealedAttributes {
  const clean: SealedAttributes = {}
  for (const [name, value] of Object.entries(attributes)) clean[name] = redactValue(value, 0)
  return clean
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactText(value).text
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  if (depth > 32) return value
  if (Array.isArray(value)) return value.map((member) => redactValue(member, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, redactValue(member, depth + 1)]),
  )
}

function sealModelCall(
  span: JournaledSpan,
  attributes: SealedAttributes,
  context: SealContext,
): SealedSpan {
  const { held, sums } = context
  const exchange = Math.max(...held.wire(span.spanId).keys())
  const call = readExchange(held, span.spanId, exchange)
  for (const [name, value] of Object.entries(call.attributes)) {
    attributes[name] = typeof value === 'string' ? redactText(value).text : value
  }
  putText(attributes, 'gen_ai.system_instructions', call.systemInstructions, context)
  putText(attributes, 'gen_ai.tool.definitions', call.toolDefinitions, context)
  putText(
    attributes,
    'gen_ai.input.messages',
    call.inputMessages ?? textMessages('user', call.requestText),
    context,
  )
  putText(attributes, 'gen_ai.output.messages', call.outputMessages, context)
  if (exchange > 1) put(attributes, 'turnlog.model_call.attempt', exchange)
  const seconds = held.wire(span.spanId).get(exchange)?.['timeToFirstChunk']
  if (attributes['gen_ai.request.stream' satisfies AttributeName] === true) {
    put(attributes, 'gen_ai.response.time_to_first_chunk', seconds)
  }
  if (context.hasOpenTurn(span.traceId)) {
    sums.set(span.traceId, addModelCall(sums.get(span.traceId) ?? emptySums, call))
  }
  const model = call.attributes['gen_ai.request.model']
  const isOwn = span.scope.name === instrumentationScope
  return {
    span: {
      ...span,
      ...(isOwn && typeof model === 'string' ? { name: `chat ${model}` } : {}),
      ...(call.errorType === undefined
        ? {}
        : {
            status: {
              code: 2,
              ...(call.errorMessage === undefined
                ? {}
                : { message: redactText(call.errorMessage).text }),
            },
          }),
    },
    attributes,
  }
}

function readExchange(held: HeldContents, id: string, exchange: number): ModelCallRecord {
  const facts = held.wire(id).get(exchange) ?? {}
  return mapAnthropicExchange({
    url: String(facts['url'] ?? ''),
    requestBody: held.bytes(id, 'wire.request', exchange) ?? new Uint8Array(),
    responseBody: held.bytes(id, 'wire.response', exchange) ?? new Uint8Array(),
    isComplete: facts['isComplete'] === true,
    ...(typeof facts['status'] === 'number' ? { status: facts['status'] } : {}),
    ...(Array.isArray(facts['headers']) ? { responseHeaders: facts['headers'] } : {}),
    ...(typeof facts['error'] === 'string' ? { error: facts['error'] } : {}),
  })
}

function sealTurn(
  span: JournaledSpan,
  attributes: SealedAttributes,
  notes: Notes,
  context: SealContext,
): SealedSpan {
  const { held, sums } = context
  const own = sums.get(span.traceId) ?? emptySums
  sums.delete(span.traceId)
  const body = held.bytes(span.spanId, 'turn.request')
  const contentType = typeof notes['contentType'] === 'string' ? notes['contentType'] : undefined
  const request = body === undefined ? {} : chatRequestOf(body, contentType)
  const prompt = request.prompt ?? own.prompt
  putText(attributes, 'gen_ai.input.messages', textMessages('user', prompt), context)
  putText(
    attributes,
    'gen_ai.output.messages',
    textMessages('assistant', own.answer, own.finishReason ?? 'stop'),
    context,
  )
  const conversation = request.conversationId ?? answeredConversation(held, span.spanId)
  if (conversation !== undefined) {
    attributes['gen_ai.conversation.id' satisfies AttributeName] ??= redactText(conversation).text
  }
  put(attributes, 'gen_ai.request.model', own.model)
  for (const [name, value] of Object.entries(own.usage)) attributes[name] = value
  if (Object.keys(own.usage).length > 0) put(attributes, 'turnlog.usage.is_sum', true)
  return { span, attributes }
}

/** The app's JSON answer, or one of its frames, may name the conversation it has opened. */
function answeredConversation(held: HeldContents, id: string): string | undefined {
  const pieces = held.pieces(id, 'turn.response')
  const whole = pieces.length > 1 ? [Buffer.concat(pieces)] : []
  for (const text of [...pieces, ...whole]) {
    try {
      const found = conversationIdOf(JSON.parse(text.toString()))
      if (found !== undefined) return found
    } catch {
      // A piece of a larger answer.
    }
  }
  return undefined
}

function textMessages(
  role: string,
  content: string | undefined,
  finishReason?: string,
): string | undefined {
  if (content === undefined) return undefined
  const message = { role, parts: [{ type: 'text', content }] }
  return JSON.stringify([
    finishReason === undefined ? message : { ...message, finish_reason: finishReason },
  ])
}

function sealToolCall(
  span: JournaledSpan,
  attributes: SealedAttributes,
  notes: Notes,
  context: SealContext,
): SealedSpan {
  const { held } = context
  const call = held.bytes(span.spanId, 'tool.arguments')
  putText(attributes, 'gen_ai.tool.call.arguments', call?.toString(), context)
  const result = resultOf(attributes, notes, held)
  if (result === undefined) return { span, attributes }
  putText(attributes, 'gen_ai.tool.call.result', result.content, context)
  if (!result.isError) return { span, attributes }
  put(attributes, 'error.type', 'tool_error')
  return { span: { ...span, status: { code: 2 } }, attributes }
}

/** The result lies in the request that told the model, whose model call is still open at this point. */
function resultOf(
  attributes: SealedAttributes,
  notes: Notes,
  held: HeldContents,
): { readonly content: string; readonly isError: boolean } | undefined {
  const at = notes['result']
  if (typeof at !== 'object' || at === null || !('id' in at) || !('x' in at)) return undefined
  const id = attributes['gen_ai.tool.call.id' satisfies AttributeName]
  const { toolResults } = readExchange(held, String(at.id), Number(at.x))
  return toolResults.find(({ toolUseId }) => toolUseId === id)
}

function sealFileOperation(
  span: JournaledSpan,
  attributes: SealedAttributes,
  notes: Notes,
  context: SealContext,
): SealedSpan {
  const { held } = context
  const isOutside =
    attributes['turnlog.file_operation.outside_workspace' satisfies AttributeName] === true
  const before = readSide(held, span.spanId, 'before', notes)
  const overwritten =
    notes['overwritten'] === undefined ? undefined : readSide(held, span.spanId, 'overwritten', notes)
  const after =
    notes['operation'] === 'write'
      ? readSide(held, span.spanId, 'after', notes)
      : notes['operation'] === 'rename'
        ? before
        : ({ state: 'absent' } as const)
  const type = typeOf(notes['operation'], before, after)
  put(attributes, 'turnlog.file_operation.type', type)
  putFileSide(attributes, 'turnlog.file_operation.before', before, { isOutside })
  putFileSide(attributes, 'turnlog.file_operation.after', after, { isOutside })
  if (overwritten !== undefined) {
    putFileSide(attributes, 'turnlog.file_operation.overwritten', overwritten, { isOutside })
  }
  const isBinary = [before, after].some(
    (side) => side.state === 'content' && side.rawText === undefined,
  )
  put(attributes, 'turnlog.file_operation.binary', isBinary)
  const path = String(attributes['file.path' satisfies AttributeName])
  const previous = attributes['turnlog.file_operation.previous_path' satisfies AttributeName]
  const names = { path, ...(typeof previous === 'string' ? { previousPath: previous } : {}) }
  const raw = isOutside ? undefined : diffSides(names, before, after, 'rawText')
  if (raw !== undefined) {
    put(attributes, 'turnlog.file_operation.lines_added', raw.linesAdded)
    put(attributes, 'turnlog.file_operation.lines_removed', raw.linesRemoved)
    const isRedacted = [before, after].some((side) => side.state === 'content' && side.redactions > 0)
    const sealed = isRedacted ? diffSides(names, before, after, 'text') : raw
    putText(attributes, 'turnlog.file_operation.diff', sealed?.diff, {
      contentBytesMax: context.contentBytesMax,
    })
    if (sealed?.isWholeFile === true) put(attributes, 'turnlog.file_operation.diff.whole_file', true)
  }
  return {
    span: { ...span, name: `file.${type}` },
    attributes,
    change: {
      operation: toChange({ span, attributes, notes, context, before, after, overwritten, type, raw, isBinary }),
      contents: {
        ...(before.state === 'content' ? { before: before.bytes } : {}),
        ...(after.state === 'content' ? { after: after.bytes } : {}),
        ...(overwritten?.state === 'content' ? { overwritten: overwritten.bytes } : {}),
      },
    },
  }
}

type FileOperationType = RecordedChange['opType']

/** The kind is told by the disk, not by the call. */
function typeOf(operation: unknown, before: FileSide, after: FileSide): FileOperationType {
  if (operation === 'delete' || operation === 'rename') return operation
  if (before.state === 'absent') return 'create'
  if (before.state === 'omitted' || after.state !== 'content') return 'write'
  return before.rawHash === after.rawHash ? 'write' : 'edit'
}

function readSide(
  held: HeldContents,
  id: string,
  side: 'before' | 'after' | 'overwritten',
  notes: Notes,
): FileSide {
  const noted = notes[side]
  const state = memberOf(noted, 'state')
  if (state === 'content') {
    return sealFileBytes(held.bytes(id, `file.${side}`) ?? new Uint8Array())
  }
  if (state === 'omitted') {
    const size = memberOf(noted, 'size')
    return {
      state: 'omitted',
      reason: String(memberOf(noted, 'reason')),
      size: typeof size === 'number' ? size : undefined,
    }
  }
  return { state: 'absent' }
}

function diffSides(
  names: { readonly path: string; readonly previousPath?: string },
  before: FileSide,
  after: FileSide,
  of: 'rawText' | 'text',
): ReturnType<typeof unifiedDiff> | undefined {
  const textOf = (side: FileSide): string | undefined | false => {
    if (side.state === 'absent') return undefined
    return side.state === 'content' ? (side[of] ?? false) : false
  }
  const [old, now] = [textOf(before), textOf(after)]
  if (old === false || now === false) return undefined
  return unifiedDiff({ ...names, before: old, after: now })
}

function toChange(facts: {
  readonly span: JournaledSpan
  readonly attributes: SealedAttributes
  readonly notes: Notes
  readonly context: SealContext
  readonly before: FileSide
  readonly after: FileSide
  readonly overwritten: FileSide | undefined
  readonly type: FileOperationType
  readonly raw: ReturnType<typeof unifiedDiff> | undefined
  readonly isBinary: boolean
}): RecordedChange {
  const { span, attributes, notes, before, after, overwritten, raw } = facts
  const named = (name: AttributeName): string | undefined => {
    const value = attributes[name]
    return typeof value === 'string' ? value : undefined
  }
  const noted = (name: string): string | undefined => {
    const value = notes[name]
    return typeof value === 'string' ? value : undefined
  }
  const mode = memberOf(notes['before'], 'mode')
  const overwrittenMode = memberOf(notes['overwritten'], 'mode')
  return {
    opId: named('turnlog.file_operation.id') ?? '',
    path: String(span.attributes['file.path' satisfies AttributeName]),
    absolutePath: noted('absolutePath') ?? '',
    workspace: noted('workspace') ?? '',
    opType: facts.type,
    startedAt: new Date(Number(BigInt(span.start) / 1_000_000n)).toISOString(),
    traceId: span.traceId,
    spanId: span.spanId,
    sessionId: facts.context.sessionId,
    toolName: noted('toolName'),
    toolCallId: noted('toolCallId'),
    previousPath: named('turnlog.file_operation.previous_path'),
    previousAbsolutePath: noted('previousAbsolutePath'),
    before: stateOf(before),
    after: stateOf(after),
    overwritten: overwritten === undefined ? undefined : stateOf(overwritten),
    mode: typeof mode === 'number' ? mode : undefined,
    overwrittenMode: typeof overwrittenMode === 'number' ? overwrittenMode : undefined,
    uploaded: uploadedHashes(before, after),
    diff: raw?.diff,
    linesAdded: raw?.linesAdded,
    linesRemoved: raw?.linesRemoved,
    binary: facts.isBinary,
  }
}

function stateOf(side: FileSide): RecordedChange['before'] {
  switch (side.state) {
    case 'absent':
      return 'absent'
    case 'omitted':
      return 'unknown'
    case 'content':
      return side.rawHash as RecordedChange['before']
  }
}

function uploadedHashes(before: FileSide, after: FileSide): RecordedChange['uploaded'] {
  const changed = (side: FileSide): string | undefined =>
    side.state === 'content' && side.redactions > 0 ? side.hash : undefined
  if (changed(before) === undefined && changed(after) === undefined) return undefined
  return { before: changed(before), after: changed(after) }
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
