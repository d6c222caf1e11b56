/**
 * Ollama's messages → OpenTelemetry's GenAI messages: pure. Members that a message or a part does not define keep their
 * own names.
 */
import {
  asArray,
  asObject,
  asString,
  defined,
  isObject,
  type JsonObject,
  toJson,
} from '@turnlog/conventions/plain'
import type { Message, Part, ToolResult } from '../model-api.ts'

/** `message` is at `index` of `messages`. */
export function toMessage(message: unknown, index: number, messages: readonly unknown[]): Message {
  if (!isObject(message)) return { role: 'unknown', parts: textParts(message) }
  if (message.role === 'tool') return toToolMessage(message, index, messages)
  const { role, content, thinking, images, tool_calls, ...others } = message
  const parts = messageParts({ content, thinking, images, tool_calls })
  return { role: asString(role) ?? 'unknown', parts, ...others }
}

function toToolMessage(message: JsonObject, index: number, messages: readonly unknown[]): Message {
  const { content, images, tool_name: _, name: __, tool_call_id: id, ...others } = message
  const name = toolNameOf(message, index, messages)
  const response = { type: 'tool_call_response', ...defined({ id, name }), response: content ?? '' }
  return { ...others, role: 'tool', parts: [response, ...imageParts(images)] }
}

/** The parts of a message, or of an answer of which a piece came. */
export function messageParts({ thinking, content, images, tool_calls }: JsonObject): Part[] {
  return [
    ...(typeof thinking === 'string' && thinking !== ''
      ? [{ type: 'reasoning', content: thinking }]
      : []),
    ...textParts(content),
    ...imageParts(images),
    ...(asArray(tool_calls) ?? []).map(toToolCallPart),
  ]
}

function textParts(content: unknown): Part[] {
  if (content === undefined || content === null || content === '') return []
  if (typeof content === 'string') return [{ type: 'text', content }]
  return (asArray(content) ?? [content]).map((each) =>
    isObject(each)
      ? { ...each, type: asString(each.type) ?? 'unknown' }
      : { type: 'unknown', value: each },
  )
}

/** Base64, without a type. */
export function imageParts(images: unknown): Part[] {
  return (asArray(images) ?? []).map((content) => ({ type: 'blob', modality: 'image', content }))
}

function toToolCallPart(call: unknown): Part {
  if (!isObject(call)) return { type: 'unknown', value: call }
  const { id, function: called, ...others } = call
  if (!isObject(called)) return { ...call, type: asString(call.type) ?? 'unknown' }
  const { name, arguments: given, ...more } = called
  return { ...others, ...more, type: 'tool_call', ...defined({ id }), name, arguments: given }
}

export function toolResultsOf(messages: readonly unknown[]): ToolResult[] {
  return messages.flatMap((message, index) => {
    const result = asObject(message)
    if (result?.role !== 'tool') return []
    const { content } = result
    const text = typeof content === 'string' ? content : (toJson(content ?? '') ?? '')
    const callId = asString(result.tool_call_id)
    const name = toolNameOf(result, index, messages)
    return [{ ...defined({ callId, name }), isError: false, content: content ? text : '' }]
  })
}

/** A result that names no tool is that of the call at the same position of the message before the results. */
function toolNameOf(
  { tool_name, name }: JsonObject,
  index: number,
  messages: readonly unknown[],
): string | undefined {
  const given = asString(tool_name) ?? asString(name)
  if (given !== undefined) return given
  let first = index
  while (asObject(messages[first - 1])?.role === 'tool') first -= 1
  const calls = asArray(asObject(messages[first - 1])?.tool_calls) ?? []
  return asString(asObject(asObject(calls[index - first])?.function)?.name)
}
