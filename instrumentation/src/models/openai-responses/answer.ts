/**
 * The answer of OpenAI's Responses API, whole or as far as it came: pure. A JSON answer and a stream give the same value.
 *
 * A response that the server works on in the background is answered at once, as `queued` or `in_progress`: it is whole,
 * and has no output yet.
 */
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
} from '@turnlog/conventions/plain'
import type { AnswerEvent } from '../answer-events.ts'
import type { ModelAnswer } from '../map-exchange.ts'
import type { ApiError, TokenUsage, ToolCallRequest } from '../model-api.ts'
import { largerUsage } from '../token-usage.ts'
import { toItemParts } from './parts.ts'
import { type OutputItem, StreamedItems } from './stream.ts'
import { toolCallsOf } from './tools.ts'

export function readJsonAnswer(text: string): ModelAnswer | undefined {
  const response = asObject(parseJson(text))
  if (response === undefined) return undefined
  const error = errorOf(response)
  const isResponse = response.object === 'response' || Array.isArray(response.output)
  if (error === undefined && !isResponse) return undefined
  return answerOf({
    response,
    items: outputItems(response.output, memberOf(text, 'output')),
    usage: usageOf(response),
    isWhole: isResponse,
    error,
  })
}

/** The tool calls of a response, which is the JSON text `text`. */
export function toolCallsIn(response: JsonObject, text: string): ToolCallRequest[] {
  const items = outputItems(response.output, memberOf(text, 'output'))
  return items.flatMap(({ fields, json }) => toolCallsOf(fields, json))
}

function outputItems(output: unknown, text: string | undefined): OutputItem[] {
  const written = elementsOf(text ?? '')
  return (asArray(output) ?? []).map((item, index) => ({
    fields: isObject(item) ? item : { value: item },
    json: written?.[index],
  }))
}

/** The kinds of events after which a response does not change. */
const lastEvent = /^response\.(?:completed|incomplete|failed|cancelled)$/

export function readStreamedAnswer(events: readonly AnswerEvent[]): ModelAnswer {
  const items = new StreamedItems()
  let response: JsonObject = {}
  let usage: TokenUsage = {}
  let error: ApiError | undefined
  let isWhole = false

  for (const { name, data } of events) {
    const event = asObject(parseJson(data))
    if (event === undefined) continue
    const type = asString(event.type) ?? name
    const next = asObject(event.response)
    const failure = errorOf(next ?? { ...event, type })
    error = failure ?? error
    if (next !== undefined) {
      response = { ...response, ...known(next) }
      usage = largerUsage(usage, usageOf(next))
    } else if (failure === undefined) {
      items.take(type, event, data)
    }
    if (!lastEvent.test(type)) continue
    isWhole = true
    response = { ...response, status: type.replace('response.', '') }
    const output = asArray(next?.output)
    const written = memberOf(memberOf(data, 'response') ?? '', 'output')
    if (output !== undefined) items.replace(output, written ?? '')
  }
  return answerOf({ response, items: items.items(), usage, isWhole, error })
}

interface ReadResponse {
  readonly response: JsonObject
  readonly items: readonly OutputItem[]
  readonly usage: TokenUsage
  readonly isWhole: boolean
  readonly error: ApiError | undefined
}

function answerOf({ response, items, usage, isWhole, error }: ReadResponse): ModelAnswer {
  return {
    id: asString(response.id),
    model: asString(response.model),
    stopReason: isWhole ? stopReasonOf(response, items.length > 0) : undefined,
    error,
    parts: items.flatMap(({ fields }) => toItemParts(fields)),
    toolCalls: items.flatMap(({ fields, json }) => toolCallsOf(fields, json)),
    usage,
    isWhole,
  }
}

/** The API's own word: why the response is incomplete, else its status. A response that has failed has an error instead. */
function stopReasonOf(response: JsonObject, hasOutput: boolean): string | undefined {
  const { status, incomplete_details } = response
  if (status === 'failed') return undefined
  if ((status === 'queued' || status === 'in_progress') && !hasOutput) return undefined
  const reason = asString(asObject(incomplete_details)?.reason)
  return reason ?? asString(status) ?? (hasOutput ? 'completed' : undefined)
}

/** The numbers that a response gives; they include the cached and the reasoning tokens. */
function usageOf(response: JsonObject): TokenUsage {
  const usage = asObject(response.usage) ?? {}
  const input = asObject(usage.input_tokens_details)
  return defined({
    inputTokens: asNumber(usage.input_tokens),
    outputTokens: asNumber(usage.output_tokens),
    cacheReadInputTokens: asNumber(input?.cached_tokens),
    cacheWriteInputTokens: asNumber(input?.cache_write_tokens),
    reasoningOutputTokens: asNumber(asObject(usage.output_tokens_details)?.reasoning_tokens),
  })
}

/** The API's error: of a failed response, of a refused request, or an event in the middle of a stream. */
export function errorOf(body: JsonObject): ApiError | undefined {
  const { type, status, error } = body
  if (typeof error === 'string') return { message: error }
  const fields = asObject(error)
  if (fields !== undefined) {
    const kind = asString(fields.code) ?? asString(fields.type)
    return defined({ type: kind, message: asString(fields.message) })
  }
  if (type === 'error') {
    return defined({ type: asString(body.code) ?? 'error', message: asString(body.message) })
  }
  return status === 'failed' ? { type: 'failed' } : undefined
}

/** The members that have a value: a later `null` does not take back an earlier value. */
function known(response: JsonObject): JsonObject {
  const entries = Object.entries(response)
  return Object.fromEntries(entries.filter(([, value]) => value !== null && value !== undefined))
}
