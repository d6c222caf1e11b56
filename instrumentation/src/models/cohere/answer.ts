/**
 * The answer of Cohere's `v2/chat`, whole or as far as it came: pure.
 *
 * A JSON answer and a stream give the same value. The events of a stream add to a message: blocks of content and tool
 * calls by their index, the plan and the citations by appending.
 */
import {
  asArray,
  asNumber,
  asObject,
  asString,
  defined,
  type JsonObject,
  parseJson,
} from '@turnlog/conventions/plain'
import type { AnswerEvent } from '../answer-events.ts'
import type { ModelAnswer } from '../map-exchange.ts'
import type { ApiError, TokenUsage } from '../model-api.ts'
import { messageParts, toToolCalls } from './parts.ts'

export function readJsonAnswer(text: string): ModelAnswer | undefined {
  const answer = asObject(parseJson(text))
  if (answer === undefined) return undefined
  const message = asObject(answer.message)
  const error = errorOf(answer)
  if (message === undefined && error === undefined) return undefined
  return { ...toAnswer(answer, message ?? {}), isWhole: message !== undefined && !error }
}

/** `answer` has the members beside the message; those of `message-end` are the same. */
function toAnswer(answer: JsonObject, message: JsonObject): ModelAnswer {
  const { role: _, content, tool_plan, tool_calls, ...members } = message
  return {
    id: asString(answer.id),
    stopReason: asString(answer.finish_reason),
    error: errorOf(answer),
    parts: messageParts({ content, tool_plan, tool_calls }),
    members: { ...members, ...defined({ logprobs: answer.logprobs ?? undefined }) },
    toolCalls: (asArray(tool_calls) ?? []).flatMap(toToolCalls),
    usage: usageOf(asObject(answer.usage) ?? {}),
    isWhole: false,
  }
}

/** The message that the events of a stream add up to. */
interface StreamedMessage {
  readonly content: Map<number, JsonObject>
  readonly calls: Map<number, JsonObject>
  readonly citations: unknown[]
  readonly logprobs: unknown[]
  plan: string
}

export function readStreamedAnswer(events: readonly AnswerEvent[]): ModelAnswer {
  const message: StreamedMessage = {
    content: new Map(),
    calls: new Map(),
    citations: [],
    logprobs: [],
    plan: '',
  }
  let answer: JsonObject = {}
  let isWhole = false
  for (const { data } of events) {
    const event = asObject(parseJson(data))
    if (event === undefined) continue
    if (event.type === 'message-start') answer = { ...answer, id: event.id }
    else if (event.type === 'message-end') {
      answer = { ...answer, ...asObject(event.delta) }
      isWhole = true
    } else if (event.type === undefined && errorOf(event) !== undefined) {
      answer = { ...answer, error: errorOf(event)?.message ?? '' }
    } else takeEvent(message, event)
  }
  const read = toAnswer(answer, {
    tool_plan: message.plan,
    content: inOrder(message.content),
    tool_calls: inOrder(message.calls),
    ...(message.citations.length > 0 ? { citations: message.citations } : {}),
    ...(message.logprobs.length > 0 ? { logprobs: message.logprobs } : {}),
  })
  return { ...read, isWhole: isWhole && read.error === undefined }
}

function takeEvent(message: StreamedMessage, event: JsonObject): void {
  const delta = asObject(asObject(event.delta)?.message) ?? {}
  if (event.logprobs !== undefined) message.logprobs.push(event.logprobs)
  switch (event.type) {
    case 'content-start':
    case 'content-delta':
      addBlock(message.content, event, asObject(delta.content) ?? {})
      break
    case 'tool-plan-delta':
      message.plan += asString(delta.tool_plan) ?? ''
      break
    case 'tool-call-start':
    case 'tool-call-delta':
      addCall(message.calls, event, asObject(delta.tool_calls) ?? {})
      break
    case 'citation-start':
      message.citations.push(delta.citations)
      break
    default:
  }
}

/** A block whose start did not say what it is, is what its first delta is. */
function addBlock(blocks: Map<number, JsonObject>, event: JsonObject, more: JsonObject): void {
  const index = indexOf(event, blocks)
  const block = blocks.get(index) ?? {}
  const type = block.type ?? more.type ?? ('thinking' in more ? 'thinking' : 'text')
  const joined = Object.entries(more).map(([name, value]) => [
    name,
    name !== 'type' && typeof value === 'string' ? (asString(block[name]) ?? '') + value : value,
  ])
  blocks.set(index, { ...block, ...Object.fromEntries(joined), type })
}

/** Takes the start of a tool call, or more of its arguments. */
export function addCall(calls: Map<number, JsonObject>, event: JsonObject, more: JsonObject): void {
  const index = indexOf(event, calls)
  const call = calls.get(index)
  const [before, added] = [asObject(call?.function), asObject(more.function)]
  const given = (asString(before?.arguments) ?? '') + (asString(added?.arguments) ?? '')
  calls.set(index, { ...call, ...more, function: { ...before, ...added, arguments: given } })
}

export function indexOf(event: JsonObject, entries: ReadonlyMap<number, unknown>): number {
  return asNumber(event.index) ?? Math.max(0, entries.size - 1)
}

function inOrder(entries: ReadonlyMap<number, JsonObject>): JsonObject[] {
  return [...entries].sort(([a], [b]) => a - b).map(([, entry]) => entry)
}

/** `tokens` are those that the model read and wrote; `billed_units` leave some of them out. */
function usageOf({ tokens, billed_units, cached_tokens }: JsonObject): TokenUsage {
  const count = (name: string) =>
    asNumber(asObject(tokens)?.[name]) ?? asNumber(asObject(billed_units)?.[name])
  return defined({
    inputTokens: count('input_tokens'),
    outputTokens: count('output_tokens'),
    cacheReadInputTokens: asNumber(cached_tokens),
  })
}

/** The body of a failed request, or the end of an answer that failed. */
export function errorOf({ message, error, finish_reason }: JsonObject): ApiError | undefined {
  const text = asString(error) ?? asString(asObject(error)?.message) ?? asString(message)
  if (text === undefined) return finish_reason === 'ERROR' ? { type: 'ERROR' } : undefined
  const type = asString(finish_reason)
  return defined({ type, message: text })
}
