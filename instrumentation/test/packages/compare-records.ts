/** Compares what an app has recorded with the scenario: its turn, the two model calls, the tool call and the file. */
import { instrumentationScope } from '@turnlog/conventions'
import { toldBy } from '@turnlog/conventions/dialects/dialects'
import type { SpanRole } from '@turnlog/conventions/dialects/span-role'
import { isObject, parseJson } from '@turnlog/conventions/plain'
import type { ChangeStore } from '../../src/changes/store.ts'
import { textOf } from '../support/chat.ts'
import type { Recorded, RecordedSpan } from '../support/recorded.ts'
import type { Tracing } from './packages.ts'
import { scenario } from './scenario.ts'

/** What is compared: the behaviour of the app, and the kinds of records. */
export const aspects = ['host', 'turn', 'model call', 'tokens', 'tool call', 'files'] as const
/** `errors`: only where something fails. */
export type Aspect = (typeof aspects)[number] | 'errors'

export type RecordFaults = Partial<Record<Exclude<Aspect, 'host'>, string>>

/** By aspect, the first thing that is not as the scenario has it. */
export function faultsOf(recorded: Recorded, store: ChangeStore, tracing?: Tracing): RecordFaults {
  const found = {
    turn: turnFault(recorded) ?? nativeFault(recorded, tracing),
    'model call': modelCallFault(recorded),
    tokens: tokensFault(recorded),
    'tool call': toolCallFault(recorded),
    files: fileFault(recorded, store),
  }
  return Object.fromEntries(Object.entries(found).filter(([, fault]) => fault !== undefined))
}

function turnFault({ spans, logs }: Recorded): string | undefined {
  const turns = spans.filter((span) => isTurn(span, spans))
  const [turn] = turns
  if (turn === undefined || turns.length > 1) return `${turns.length} turns instead of 1`
  return (
    difference('prompt', textOf(turn, 'gen_ai.input.messages'), scenario.prompt) ??
    difference('answer', textOf(turn, 'gen_ai.output.messages'), scenario.answer) ??
    difference('spans with an error', spans.filter(hasFailed).map(nameOf), []) ??
    difference('exceptions', logs.filter(({ event }) => event.includes('exception')).length, 0)
  )
}

/** The app's own spans are in its turn, unless they go to an SDK of its own. */
function nativeFault({ spans }: Recorded, tracing: Tracing | undefined): string | undefined {
  if (tracing === undefined) return undefined
  const native = spans.filter(({ scope }) => scope !== instrumentationScope)
  if (tracing.hasSdk) return difference('spans of the app', native.map(nameOf), [])
  if (native.length === 0) return 'no spans of the app'
  const turn = spans.find((span) => isTurn(span, spans))
  const outside = native.filter(({ traceId }) => traceId !== turn?.traceId)
  return difference('spans outside the turn', outside.map(nameOf), [])
}

function modelCallFault(recorded: Recorded): string | undefined {
  const calls = modelCallsOf(recorded)
  const [first, second] = calls
  if (first === undefined || second === undefined || calls.length > 2) {
    return `${calls.length} model calls instead of 2: ${calls.map(nameOf).join(', ')}`
  }
  for (const call of calls) {
    const { attributes } = call
    const fault =
      difference('requested model', attributes['gen_ai.request.model'], scenario.model) ??
      (Array.isArray(attributes['gen_ai.response.finish_reasons'])
        ? undefined
        : 'no finish reason') ??
      (attributes['gen_ai.provider.name'] === undefined ? 'no provider' : undefined) ??
      difference('tools', toolNamesOf(attributes['gen_ai.tool.definitions']), [
        scenario.tool.name,
      ]) ??
      (isInTurn(call, recorded) ? undefined : 'the model call is outside the turn')
    if (fault !== undefined) return fault
  }
  const asked = partsOf(first, 'gen_ai.output.messages').find(({ type }) => type === 'tool_call')
  const given = partsOf(second, 'gen_ai.input.messages').find(
    ({ type }) => type === 'tool_call_response',
  )
  return (
    difference(
      'prompt',
      partsOf(first, 'gen_ai.input.messages').at(-1)?.content,
      scenario.prompt,
    ) ??
    difference('called tool', asked?.name, scenario.tool.name) ??
    difference('arguments', parsed(asked?.arguments), scenario.input) ??
    (JSON.stringify(given?.response ?? null).includes(scenario.result)
      ? undefined
      : `tool result: ${JSON.stringify(given)}`) ??
    difference('answer', textOf(second, 'gen_ai.output.messages'), scenario.answer) ??
    difference('what was not seen', unseenIn(recorded), [])
  )
}

function unseenIn({ logs }: Recorded): string[] {
  return logs
    .filter(({ event }) => event === 'turnlog.unseen')
    .map(({ attributes }) =>
      [attributes['turnlog.unseen.reason'], attributes['turnlog.unseen.why']].join(' '),
    )
}

function tokensFault(recorded: Recorded): string | undefined {
  const given = modelCallsOf(recorded).map(({ attributes }) => ({
    input: attributes['gen_ai.usage.input_tokens'],
    output: attributes['gen_ai.usage.output_tokens'],
  }))
  return difference('tokens of the calls', given, [scenario.usage, scenario.usage])
}

function toolCallFault(recorded: Recorded): string | undefined {
  const calls = recorded.spans.filter(isToolCall)
  const [call] = calls
  if (call === undefined || calls.length > 1) return `${calls.length} tool calls instead of 1`
  const { attributes } = call
  const result = String(attributes['gen_ai.tool.call.result'])
  return (
    difference('tool', attributes['gen_ai.tool.name'], scenario.tool.name) ??
    difference('arguments', parsed(attributes['gen_ai.tool.call.arguments']), scenario.input) ??
    (result.includes(scenario.result) ? undefined : `result: ${result}`) ??
    (isInTurn(call, recorded) ? undefined : 'the tool call is outside the turn')
  )
}

function fileFault(recorded: Recorded, store: ChangeStore): string | undefined {
  const changes = store.recent({ limit: 100 }).map(({ change }) => change)
  const [change] = changes
  if (change === undefined || changes.length > 1) {
    return `${changes.length} file operations instead of 1`
  }
  const parent = recorded.spans.find(({ spanId }) => spanId === spanOf(change.opId)?.parentSpanId)
  return (
    difference('path', change.path, scenario.input.path) ??
    difference('operation', change.opType, 'create') ??
    difference('content', store.content(change.after ?? '')?.toString(), scenario.input.text) ??
    (parent !== undefined && isToolCall(parent)
      ? undefined
      : `the file operation is below ${parent?.name ?? 'nothing'} instead of the tool call`)
  )

  function spanOf(id: string): RecordedSpan | undefined {
    return recorded.spans.find(({ attributes }) => attributes['turnlog.file_operation.id'] === id)
  }
}

const modelOperations: readonly unknown[] = ['chat', 'generate_content', 'text_completion']

export function modelCallsOf({ spans }: Recorded): readonly RecordedSpan[] {
  return spans
    .filter((span) => modelOperations.includes(operationOf(span)))
    .toSorted((a, b) => a.startMs - b.startMs)
}

export function isToolCall(span: RecordedSpan): boolean {
  return operationOf(span) === 'execute_tool'
}

/** As the view `turns` has it. */
export function isTurn(span: RecordedSpan, spans: readonly RecordedSpan[]): boolean {
  if (operationOf(span) !== 'invoke_agent') return false
  if (span.attributes['turnlog.agent.in_turn'] === true) return false
  const parent = spans.find(({ spanId }) => spanId === span.parentSpanId)
  return parent === undefined || operationOf(parent) === undefined
}

/** As the receiver has it, which gives spans of other dialects the names of GenAI's. */
function operationOf({ name, scope, attributes }: RecordedSpan): unknown {
  if (attributes['turnlog.repeated_operation'] !== undefined) return undefined
  const told = toldBy({ name, scope, get: (attribute) => attributes[attribute] })
  return attributes['gen_ai.operation.name'] ?? operationsOfRoles[told?.role ?? 'step']
}

const operationsOfRoles: Readonly<Record<SpanRole, string | undefined>> = {
  agent: 'invoke_agent',
  model_call: 'chat',
  tool_call: 'execute_tool',
  step: undefined,
}

export function isInTurn({ traceId }: RecordedSpan, { spans }: Recorded): boolean {
  return spans.some((span) => isTurn(span, spans) && span.traceId === traceId)
}

export function hasFailed({ status }: RecordedSpan): boolean {
  return status === 2
}

export function nameOf({ name }: RecordedSpan): string {
  return name
}

function toolNamesOf(definitions: unknown): unknown {
  const tools = parsed(definitions)
  return Array.isArray(tools) ? tools.filter(isObject).map(({ name }) => name) : tools
}

function partsOf(span: RecordedSpan, name: string): readonly Readonly<Record<string, unknown>>[] {
  const messages = parseJson(String(span.attributes[name]))
  if (!Array.isArray(messages)) return []
  return messages.flatMap((message) => (isObject(message) ? message.parts : [])).filter(isObject)
}

export function parsed(value: unknown): unknown {
  return typeof value === 'string' ? parseJson(value) : value
}

export function difference(name: string, given: unknown, expected: unknown): string | undefined {
  const [one, other] = [sortedJson(given), sortedJson(expected)]
  return one === other ? undefined : `${name}: ${one} instead of ${other}`
}

/** Members in the order of their names: parsers may keep another. */
function sortedJson(value: unknown): string {
  if (value === undefined) return 'nothing'
  return JSON.stringify(value, (_, member) =>
    isObject(member) ? Object.fromEntries(Object.entries(member).toSorted()) : member,
  )
}
