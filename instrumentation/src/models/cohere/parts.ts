/**
 * Cohere's messages → OpenTelemetry's GenAI messages: pure. Members that a message or a part does not define keep their
 * own names, and a block without a matching part stays as it is.
 */
import {
  asArray,
  asObject,
  asString,
  defined,
  isObject,
  type JsonObject,
  parseJson,
  toJson,
} from '@turnlog/conventions/plain'
import { partsOf } from '../content-parts.ts'
import type { Message, Part, ToolCallRequest, ToolResult } from '../model-api.ts'

export function toMessage(message: unknown): Message {
  if (!isObject(message)) return { role: 'unknown', parts: contentParts(message) }
  if (message.role === 'tool') {
    const { tool_call_id: id, content, ...others } = message
    const response = { type: 'tool_call_response', ...defined({ id }), response: content ?? '' }
    return { ...others, role: 'tool', parts: [response] }
  }
  const { role, content, tool_plan, tool_calls, ...others } = message
  const parts = messageParts({ content, tool_plan, tool_calls })
  return { role: asString(role) ?? 'unknown', parts, ...others }
}

/** The plan is what the model thinks before it calls tools. */
export function messageParts({ content, tool_plan, tool_calls }: JsonObject): Part[] {
  return [
    ...(typeof tool_plan === 'string' && tool_plan !== ''
      ? [{ type: 'reasoning', content: tool_plan }]
      : []),
    ...contentParts(content),
    ...(asArray(tool_calls) ?? []).map(toToolCallPart),
  ]
}

export function contentParts(content: unknown): Part[] {
  return content === '' ? [] : partsOf(content, toPart)
}

function toPart(block: unknown): Part {
  if (typeof block === 'string') return { type: 'text', content: block }
  if (!isObject(block)) return { type: 'unknown', value: block }
  const { type, ...fields } = block
  switch (type) {
    case 'text': {
      const { text, ...others } = fields
      return { type: 'text', content: text, ...others }
    }
    case 'thinking': {
      const { thinking, ...others } = fields
      return { type: 'reasoning', content: thinking, ...others }
    }
    case 'image_url':
      return imagePart(fields)
    default:
      return { ...block, type: asString(type) ?? 'unknown' }
  }
}

function imagePart({ image_url, ...others }: JsonObject): Part {
  const { url, ...rest } = asObject(image_url) ?? { url: image_url }
  const [, mimeType, data] = /^data:([^;,]*);base64,(.*)$/s.exec(asString(url) ?? '') ?? []
  const content =
    data === undefined
      ? { type: 'uri', modality: 'image', uri: url }
      : { type: 'blob', modality: 'image', mime_type: mimeType, content: data }
  return { ...content, ...rest, ...others }
}

/** Arguments that were cut, or are not JSON, stay text. */
function toToolCallPart(call: unknown): Part {
  if (!isObject(call)) return { type: 'unknown', value: call }
  const { id, type: _, function: called, ...others } = call
  if (!isObject(called)) return { ...call, type: asString(call.type) ?? 'unknown' }
  const { name, arguments: given, ...more } = called
  const value = typeof given === 'string' ? (parseJson(given) ?? given) : given
  return { ...others, ...more, type: 'tool_call', ...defined({ id }), name, arguments: value }
}

/** A tool without parameters has `{}`, or nothing, as its arguments. */
export function toToolCalls(call: unknown): ToolCallRequest[] {
  const { id, function: called } = asObject(call) ?? {}
  const { name, arguments: given } = asObject(called) ?? {}
  if (typeof name !== 'string') return []
  const written = typeof given === 'string' ? given : toJson(given ?? {})
  return [{ ...defined({ id: asString(id) || undefined }), name, arguments: written || '{}' }]
}

export function toolResultsOf(messages: readonly unknown[]): ToolResult[] {
  return messages.flatMap((message) => {
    const { role, tool_call_id, content } = asObject(message) ?? {}
    if (role !== 'tool') return []
    const callId = asString(tool_call_id)
    return [{ ...defined({ callId }), isError: false, content: resultContent(content) }]
  })
}

function resultContent(content: unknown): string {
  if (content === undefined || content === null) return ''
  if (typeof content === 'string') return content
  const blocks = asArray(content)
  const only = blocks?.length === 1 ? asObject(blocks[0]) : undefined
  if (only?.type === 'text' && typeof only.text === 'string') return only.text
  return toJson(content) ?? ''
}
