/** The answer of Mistral's conversations, whole or as far as it came: pure. A JSON answer and a stream give the same value. */
import { elementsOf, memberOf } from '@turnlog/conventions/otlp/json-scan'
import {
  asArray,
  asNumber,
  asObject,
  asString,
  defined,
  isObject,
  type JsonObject,
  parseJson,
  toJson,
} from '@turnlog/conventions/plain'
import type { AnswerEvent } from '../answer-events.ts'
import type { ModelAnswer } from '../map-exchange.ts'
import type { ApiError, TokenUsage, ToolCallRequest } from '../model-api.ts'
import { larger } from '../token-usage.ts'
import { addToEntry, typeOfEntry } from './entry.ts'
import { partsOfEntry } from './parts.ts'

export function readJsonAnswer(text: string): ModelAnswer | undefined {
  const answer = asObject(parseJson(text))
  if (answer === undefined) return undefined
  const outputs = asArray(answer.outputs)
  return {
    ...answerOf((outputs ?? []).filter(isObject), outputs !== undefined),
    toolCalls: toolCallsOf(answer, text),
    usage: usageOf({}, answer.usage),
    error: outputs === undefined ? errorOf(answer) : undefined,
  }
}

/** The tool calls of the JSON answer `text`, which has been parsed into `answer`. */
export function toolCallsOf(answer: JsonObject, text: string): ToolCallRequest[] {
  const written = elementsOf(memberOf(text, 'outputs') ?? '')
  return (asArray(answer.outputs) ?? []).flatMap((entry, index) =>
    isObject(entry) ? toToolCall(entry, memberOf(written?.[index] ?? '', 'arguments')) : [],
  )
}

/** The call of a `function.call`. Its arguments are JSON in a text, or, rarely, an object, which is `written` so. */
export function toToolCall(entry: JsonObject, written?: string): ToolCallRequest[] {
  const { type, tool_call_id: id, name, arguments: given } = entry
  if (type !== 'function.call' || typeof id !== 'string' || typeof name !== 'string') return []
  if (typeof given === 'string') return [{ id, name, arguments: given || '{}' }]
  return [{ id, name, arguments: written ?? toJson(given ?? {}) ?? '' }]
}

export function readStreamedAnswer(events: readonly AnswerEvent[]): ModelAnswer {
  const entries = new Map<string, JsonObject>()
  let usage: TokenUsage = {}
  let error: ApiError | undefined
  let isWhole = false
  for (const { data } of events) {
    const event = asObject(parseJson(data))
    if (event === undefined) continue
    if (event.type === 'conversation.response.done') isWhole = true
    else if (event.type === 'conversation.response.error') error = errorOf(event) ?? {}
    usage = usageOf(usage, event.usage)
    const key = entryKey(event)
    const entry = addToEntry(entries.get(key), event)
    if (entry !== undefined) entries.set(key, entry)
  }
  const outputs = [...entries.values()]
  return {
    ...answerOf(outputs, isWhole),
    toolCalls: outputs.flatMap((entry) => toToolCall(entry)),
    usage,
    error,
  }
}

/** Which entry of the answer an event is about. */
export function entryKey(event: JsonObject): string {
  const { output_index, id, tool_call_id } = event
  return JSON.stringify([typeOfEntry(event), asNumber(output_index), id, tool_call_id])
}

/** The API does not say why the model stopped: it waits for tools, or is done. */
function answerOf(outputs: readonly JsonObject[], isWhole: boolean) {
  const asksForTools = outputs.some(({ type }) => type === 'function.call')
  const isMessage = ({ type }: JsonObject) => type === 'message.output' || type === undefined
  return {
    id: asString(outputs.findLast(isMessage)?.id ?? outputs.at(-1)?.id),
    model: outputs.map(({ model }) => asString(model)).findLast((model) => model !== undefined),
    stopReason: isWhole ? (asksForTools ? 'tool_call' : 'stop') : undefined,
    parts: outputs.flatMap(partsOfEntry),
    isWhole,
  }
}

/** `connector_tokens` are those of Mistral's own tools: they are in neither number. */
function usageOf(earlier: TokenUsage, usage: unknown): TokenUsage {
  const { prompt_tokens, completion_tokens } = asObject(usage) ?? {}
  return defined({
    inputTokens: larger(earlier.inputTokens, asNumber(prompt_tokens)),
    outputTokens: larger(earlier.outputTokens, asNumber(completion_tokens)),
  })
}

/** The event of a stream, or the body of a failed request; a body may hold a list of what is wrong (`detail`). */
function errorOf({ type, code, message, detail }: JsonObject): ApiError | undefined {
  const text = asString(message) ?? asString(detail) ?? toJson(message ?? detail)
  if (text === undefined) return undefined
  const isEvent = asString(type)?.startsWith('conversation.') === true
  const name = isEvent ? undefined : asString(type)
  return defined({ type: name ?? asString(code) ?? asNumber(code)?.toString(), message: text })
}
