/**
 * The answer of the Messages API, whole or as far as it came: pure.
 *
 * A JSON answer and a stream give the same value. Of a stream, each event adds to it: blocks by their
 * index, texts by appending, numbers of `usage` by *replacing* (they are cumulative). Kinds of events,
 * deltas and blocks that are not known are kept in their block, or passed over where they have none.
 */

import { elementsOf, memberOf } from '@turnlog/conventions/otlp/json-scan'
import {
  asArray,
  asNumber,
  asObject,
  asString,
  isObject,
  type JsonObject,
  parseJson,
  toJson,
} from '@turnlog/conventions/plain'
import { parseSse } from './sse.ts'

export interface ToolUse {
  readonly id: string
  readonly name: string
  /** The arguments: JSON, exactly as it was sent. Half a JSON where the answer was cut inside. */
  readonly arguments: string
}

export interface ApiError {
  readonly type?: string
  readonly message?: string
}

export interface AnthropicAnswer {
  readonly id?: string
  readonly model?: string
  readonly stopReason?: string
  /** Content blocks in the API's own form. */
  readonly blocks: readonly JsonObject[]
  readonly toolUses: readonly ToolUse[]
  /** Those of them whose block came to its end. */
  readonly closedToolUses: readonly ToolUse[]
  /** The last word on each number. */
  readonly usage: JsonObject
  /** The answer said itself that it is over. */
  readonly isWhole: boolean
  /** `usage.output_tokens` is the final count, not the first event's placeholder. */
  readonly isUsageFinal: boolean
  readonly error?: ApiError
}

export function readJsonAnswer(text: string): AnthropicAnswer | undefined {
  const message = asObject(parseJson(text))
  if (message === undefined) return undefined
  const blocks = (asArray(message.content) ?? []).filter(isObject)
  const written = elementsOf(memberOf(text, 'content') ?? '')
  const toolUses = (asArray(message.content) ?? []).flatMap((block, index) => {
    const sent = memberOf(written?.[index] ?? '', 'input')
    return isObject(block) ? (toToolUse(block, sent) ?? []) : []
  })
  return {
    ...identityOf(message),
    ...optional('stopReason', asString(message.stop_reason)),
    ...optional('error', errorOf(message)),
    blocks,
    toolUses,
    closedToolUses: toolUses,
    usage: asObject(message.usage) ?? {},
    isWhole: message.type === 'message',
    isUsageFinal: true,
  }
}

interface OpenBlock {
  fields: Record<string, unknown>
  inputJson: string
  isClosed: boolean
}

export function readStreamedAnswer(text: string): AnthropicAnswer {
  const blocks = new Map<number, OpenBlock>()
  let message: JsonObject = {}
  let usage: JsonObject = {}
  let stopReason: string | undefined
  let error: ApiError | undefined
  let isWhole = false
  let isUsageFinal = false

  for (const { data } of parseSse(text)) {
    const event = asObject(parseJson(data))
    if (event === undefined) continue
    switch (event.type) {
      case 'message_start':
        message = asObject(event.message) ?? {}
        usage = { ...usage, ...known(message.usage) }
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
      case 'content_block_stop': {
        const block = blocks.get(indexOf(event, blocks))
        if (block !== undefined) block.isClosed = true
        break
      }
      case 'message_delta': {
        const delta = asObject(event.delta) ?? {}
        stopReason = asString(delta.stop_reason) ?? stopReason
        usage = { ...usage, ...known(event.usage) }
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
  const toolUsesOf = (some: readonly OpenBlock[]) =>
    some.flatMap(
      ({ fields, inputJson }) => toToolUse(fields, inputJson === '' ? undefined : inputJson) ?? [],
    )
  return {
    ...identityOf(message),
    ...optional('stopReason', stopReason ?? asString(message.stop_reason)),
    ...optional('error', error),
    blocks: inOrder.map(closeBlock),
    toolUses: toolUsesOf(inOrder),
    closedToolUses: toolUsesOf(inOrder.filter((block) => block.isClosed)),
    usage,
    isWhole,
    isUsageFinal,
  }
}

/** The API's error: the body of a failed request, or an event in the middle of a stream. */
export function errorOf(body: unknown): ApiError | undefined {
  const { type, error } = asObject(body) ?? {}
  if (typeof error === 'string') return { message: error }
  const fields = asObject(error)
  if (fields === undefined) return type === 'error' ? {} : undefined
  return {
    ...optional('type', asString(fields.type)),
    ...optional('message', asString(fields.message)),
  }
}

/** A block of kind `tool_use` with an id and a name; undefined for every other. */
export function toToolUse(block: JsonObject, sent: string | undefined): ToolUse | undefined {
  const { type, id, name, input } = block
  if (type !== 'tool_use' || typeof id !== 'string' || typeof name !== 'string') return undefined
  return { id, name, arguments: sent ?? toJson(input ?? {}) ?? '' }
}

function openBlock(block: unknown): OpenBlock {
  return { fields: { ...asObject(block) }, inputJson: '', isClosed: false }
}

function applyDelta(block: OpenBlock, delta: JsonObject): void {
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

/** The input of a tool as a value; as text where it is no JSON, for it was cut. */
function closeBlock({ fields, inputJson }: OpenBlock): JsonObject {
  if (inputJson === '') return fields
  return { ...fields, input: parseJson(inputJson) ?? inputJson }
}

function identityOf(message: JsonObject): { id?: string; model?: string } {
  return {
    ...optional('id', asString(message.id)),
    ...optional('model', asString(message.model)),
  }
}

/** The members that say something: later `null`s do not take back earlier numbers. */
function known(usage: unknown): JsonObject {
  const entries = Object.entries(asObject(usage) ?? {})
  return Object.fromEntries(entries.filter(([, value]) => value !== null && value !== undefined))
}

function indexOf(event: JsonObject, blocks: ReadonlyMap<number, unknown>): number {
  return asNumber(event.index) ?? Math.max(0, blocks.size - 1)
}

function optional<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { [Key in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [Key in Name]?: Value })
}
