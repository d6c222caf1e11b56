/**
 * The answer of the Messages API, whole or as far as it came: pure.
 *
 * A JSON answer and a stream give the same value. Each event of a stream adds to it: blocks by their index, texts by
 * appending; of the numbers of `usage`, which are cumulative, the larger ones count. Unknown kinds of events, deltas and blocks stay
 * in their block; those that belong to no block are skipped.
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
  toJson,
} from '@turnlog/conventions/plain'
import type { AnswerEvent } from '../answer-events.ts'
import { awsErrorOf, exceptionOf } from '../aws-error.ts'
import type { ModelAnswer, ReadHeader } from '../map-exchange.ts'
import type { ApiError, TokenUsage, ToolCallRequest } from '../model-api.ts'
import { toParts } from './parts.ts'

export function readJsonAnswer(text: string, header: ReadHeader): ModelAnswer | undefined {
  const message = asObject(parseJson(text))
  if (message === undefined) return undefined
  const isMessage = message.type === 'message' || Array.isArray(message.content)
  const error = errorOf(message) ?? (isMessage ? undefined : awsErrorOf(message, header))
  return {
    ...identityOf(message),
    stopReason: asString(message.stop_reason),
    error,
    parts: toParts((asArray(message.content) ?? []).filter(isObject)),
    toolCalls: toolCallsOf(message, text),
    usage: usageOf(asObject(message.usage) ?? {}, true),
    isWhole: message.type === 'message',
  }
}

/** The tool calls of the JSON answer `text`, which has been parsed into `message`. */
export function toolCallsOf(message: JsonObject, text: string): ToolCallRequest[] {
  const written = elementsOf(memberOf(text, 'content') ?? '')
  return (asArray(message.content) ?? []).flatMap((block, index) =>
    isObject(block) ? toToolCall(block, memberOf(written?.[index] ?? '', 'input')) : [],
  )
}

interface StreamedBlock {
  fields: Record<string, unknown>
  inputJson: string
}

export function readStreamedAnswer(events: readonly AnswerEvent[]): ModelAnswer {
  const blocks = new Map<number, StreamedBlock>()
  let message: JsonObject = {}
  let usage: JsonObject = {}
  let stopReason: string | undefined
  let error: ApiError | undefined
  let isWhole = false
  let isUsageFinal = false

  for (const each of events) {
    error = exceptionOf(each) ?? error
    const event = each.isError === true ? undefined : asObject(parseJson(each.data))
    if (event === undefined) continue
    switch (event.type) {
      case 'message_start':
        message = asObject(event.message) ?? {}
        usage = larger(usage, message.usage)
        for (const [index, block] of (asArray(message.content) ?? []).entries()) {
          blocks.set(index, openBlock(block))
        }
        break
      case 'content_block_start':
        blocks.set(indexOf(event, blocks), openBlock(event.content_block))
        break
      case 'content_block_delta': {
        const index = indexOf(event, blocks)
        const block = blocks.get(index) ?? openBlock(undefined)
        blocks.set(index, block)
        applyDelta(block, asObject(event.delta) ?? {})
        break
      }
      case 'message_delta': {
        const delta = asObject(event.delta) ?? {}
        stopReason = asString(delta.stop_reason) ?? stopReason
        usage = larger(usage, event.usage)
        if (asNumber(asObject(event.usage)?.output_tokens) !== undefined) isUsageFinal = true
        break
      }
      case 'message_stop':
        isWhole = true
        break
      case 'error':
        error = errorOf(event) ?? {}
        break
      default:
    }
  }
  const inOrder = [...blocks].sort(([a], [b]) => a - b).map(([, block]) => block)
  return {
    ...identityOf(message),
    stopReason: stopReason ?? asString(message.stop_reason),
    error,
    parts: toParts(inOrder.map(closeBlock)),
    toolCalls: inOrder.flatMap(({ fields, inputJson }) =>
      toToolCall(fields, inputJson === '' ? undefined : inputJson),
    ),
    usage: usageOf(usage, isUsageFinal),
    isWhole,
  }
}

/** Reads the usage of an event. Before the final event `output_tokens` is a placeholder, and is left out. */
function usageOf(usage: JsonObject, isFinal: boolean): TokenUsage {
  const input = asNumber(usage.input_tokens)
  const cacheRead = asNumber(usage.cache_read_input_tokens)
  const cacheWrite = asNumber(usage.cache_creation_input_tokens)
  return defined({
    inputTokens: input === undefined ? undefined : input + (cacheRead ?? 0) + (cacheWrite ?? 0),
    outputTokens: isFinal ? asNumber(usage.output_tokens) : undefined,
    cacheReadInputTokens: cacheRead,
    cacheWriteInputTokens: cacheWrite,
    reasoningOutputTokens: asNumber(asObject(usage.output_tokens_details)?.thinking_tokens),
  })
}

/** The API's error: the body of a failed request, or an event in the middle of a stream. */
export function errorOf(body: unknown): ApiError | undefined {
  const { type, error } = asObject(body) ?? {}
  if (typeof error === 'string') return { message: error }
  const fields = asObject(error)
  if (fields === undefined) return type === 'error' ? {} : undefined
  // Google has a `status`, Azure a `code`.
  const name = asString(fields.type) ?? asString(fields.status) ?? asString(fields.code)
  return defined({ type: name, message: asString(fields.message) })
}

/** The tool call of a `tool_use` block that has an id and a name; none for every other block. */
export function toToolCall(block: JsonObject, sent: string | undefined): ToolCallRequest[] {
  const { type, id, name, input } = block
  if (type !== 'tool_use' || typeof id !== 'string' || typeof name !== 'string') return []
  return [{ id, name, arguments: sent ?? toJson(input ?? {}) ?? '' }]
}

function openBlock(block: unknown): StreamedBlock {
  return { fields: { ...asObject(block) }, inputJson: '' }
}

function applyDelta(block: StreamedBlock, delta: JsonObject): void {
  const { fields } = block
  const append = (name: string, more: unknown) => {
    fields[name] = `${asString(fields[name]) ?? ''}${asString(more) ?? ''}`
  }
  switch (delta.type) {
    case 'text_delta':
      fields.type ??= 'text'
      append('text', delta.text)
      break
    case 'input_json_delta':
      block.inputJson += asString(delta.partial_json) ?? ''
      break
    case 'thinking_delta':
      fields.type ??= 'thinking'
      append('thinking', delta.thinking)
      break
    case 'signature_delta':
      append('signature', delta.signature)
      break
    case 'citations_delta':
      fields.citations = [...(asArray(fields.citations) ?? []), delta.citation]
      break
    default:
      fields.deltas = [...(asArray(fields.deltas) ?? []), delta]
  }
}

/** The input of a tool as a value; as text where it was cut and is not JSON. */
function closeBlock({ fields, inputJson }: StreamedBlock): JsonObject {
  if (inputJson === '') return fields
  return { ...fields, input: parseJson(inputJson) ?? inputJson }
}

function identityOf({ id, model }: JsonObject) {
  return { id: asString(id), model: asString(model) }
}

/** Numbers only grow, so the larger one counts; a later `null` does not take back an earlier value. */
function larger(usage: JsonObject, next: unknown): JsonObject {
  const entries = Object.entries(asObject(next) ?? {}).flatMap(([name, value]) => {
    if (value === null || value === undefined) return []
    const earlier = asNumber(usage[name])
    const isLess = earlier !== undefined && (asNumber(value) ?? 0) < earlier
    return isLess ? [] : [[name, value] as const]
  })
  return { ...usage, ...Object.fromEntries(entries) }
}

function indexOf(event: JsonObject, blocks: ReadonlyMap<number, unknown>): number {
  return asNumber(event.index) ?? Math.max(0, blocks.size - 1)
}
