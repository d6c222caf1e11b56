/** Compares what an app has recorded with the scenario: its turn, the two model calls, the tool call and the file. */
import { isObject, parseJson } from '@turnlog/conventions/plain'
import type { ChangeStore } from '../../src/changes/store.ts'
import { isTurn, textOf } from '../support/chat.ts'
import type { Recorded, RecordedSpan } from '../support/recorded.ts'
import { scenario } from './scenario.ts'

/** What is compared: the behaviour of the app, and the kinds of records. */
export const aspects = ['host', 'turn', 'model call', 'tokens', 'tool call', 'files'] as const
export type Aspect = (typeof aspects)[number]

export type RecordFaults = Partial<Record<Exclude<Aspect, 'host'>, string>>

/** By aspect, the first thing that is not as the scenario has it. */
export function faultsOf(recorded: Recorded, store: ChangeStore): RecordFaults {
  const found = {
    turn: turnFault(recorded),
    'model call': modelCallFault(recorded),
    tokens: tokensFault(recorded),
    'tool call': toolCallFault(recorded),
    files: fileFault(recorded, store),
  }
  return Object.fromEntries(Object.entries(found).filter(([, fault]) => fault !== undefined))
}

function turnFault({ spans, logs }: Recorded): string | undefined {
  const turns = spans.filter(isTurn)
  const [turn] = turns
  if (turn === undefined || turns.length > 1) return `${turns.length} turns instead of 1`
  return (
    difference('prompt', textOf(turn, 'gen_ai.input.messages'), scenario.prompt) ??
    difference('answer', textOf(turn, 'gen_ai.output.messages'), scenario.answer) ??
    difference('spans with an error', spans.filter(hasFailed).map(nameOf), []) ??
    difference('exceptions', logs.filter(({ event }) => event.includes('exception')).length, 0)
  )
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
    difference('answer', textOf(second, 'gen_ai.output.messages'), scenario.answer)
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

function modelCallsOf({ spans }: Recorded): readonly RecordedSpan[] {
  return spans
    .filter(({ attributes }) => modelOperations.includes(attributes['gen_ai.operation.name']))
    .toSorted((a, b) => a.startMs - b.startMs)
}

function isToolCall({ attributes }: RecordedSpan): boolean {
  return attributes['gen_ai.operation.name'] === 'execute_tool'
}

function isInTurn({ traceId }: RecordedSpan, { spans }: Recorded): boolean {
  return spans.some((span) => isTurn(span) && span.traceId === traceId)
}

function hasFailed({ status }: RecordedSpan): boolean {
  return status === 2
}

function nameOf({ name }: RecordedSpan): string {
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

function parsed(value: unknown): unknown {
  return typeof value === 'string' ? parseJson(value) : value
}

function difference(name: string, given: unknown, expected: unknown): string | undefined {
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
