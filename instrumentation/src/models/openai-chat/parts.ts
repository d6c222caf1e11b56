/**
 * OpenAI's chat messages → OpenTelemetry's GenAI messages, as OpenAI and those that speak like it write them: pure.
 *
 * Members that a part does not define keep their own names, and what has no matching part stays as it is. Nothing is left out.
 */
import {
  asArray,
  asObject,
  asString,
  isObject,
  type JsonObject,
  parseJson,
  toJson,
} from '@turnlog/conventions/plain'
import { partsOf } from '../content-parts.ts'
import type { Message, Part, ToolCallRequest, ToolResult } from '../model-api.ts'

export function toMessage(message: unknown): Message {
  if (!isObject(message)) return { role: 'unknown', parts: contentParts(message) }
  const { role, ...body } = message
  if (role === 'tool' || role === 'function') {
    const { tool_call_id: id, content, name, ...others } = body
    const response = { type: 'tool_call_response', id, name, response: content ?? '' }
    return { role: 'tool', parts: [withoutUndefined(response)], ...others }
  }
  const { parts, others } = readBody(body)
  return { role: asString(role) ?? 'unknown', parts, ...others }
}

/** Messages of these roles, at the beginning of a conversation, are its instructions. */
export function isInstruction(message: unknown): boolean {
  const role = asObject(message)?.role
  return role === 'system' || role === 'developer'
}

/** The parts of a message or an answer, and the members that are none. */
export function readBody(body: JsonObject): {
  readonly parts: Part[]
  readonly others: JsonObject
} {
  const {
    content,
    refusal,
    reasoning_content,
    reasoning,
    tool_calls,
    function_call,
    audio,
    images,
    ...others
  } = body
  const thought = [reasoning_content, reasoning, thoughtIn(others.reasoning_details)].find(isText)
  const shown = asArray(images)?.every(isObject) === true ? asArray(images) : undefined
  const parts: Part[] = [
    ...(thought === undefined ? [] : [{ type: 'reasoning', content: thought }]),
    ...contentParts(content),
    ...(shown ?? []).map(contentPart),
    ...(isText(refusal) ? [{ type: 'text', content: refusal, is_refusal: true }] : []),
    ...(isObject(audio) ? [audioPart(audio)] : []),
    ...(asArray(tool_calls) ?? []).map(toolCallPart),
    ...(isObject(function_call) ? [toolCallPart({ function: function_call })] : []),
  ]
  const isKept = images !== undefined && shown === undefined
  return { parts, others: isKept ? { ...others, images } : others }
}

/** The reasoning, if a server tells it only in detail. */
function thoughtIn(details: unknown): string {
  return (asArray(details) ?? [])
    .map((each) => asString(asObject(each)?.text) ?? asString(asObject(each)?.summary) ?? '')
    .join('')
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

/** A text, a list of parts, or nothing. */
export function contentParts(content: unknown): Part[] {
  return content === '' ? [] : partsOf(content, contentPart)
}

function contentPart(part: unknown): Part {
  if (typeof part === 'string') return { type: 'text', content: part }
  if (!isObject(part)) return { type: 'unknown', value: part }
  const { type, ...members } = part
  switch (type) {
    case 'text': {
      const { text, ...others } = members
      return { type: 'text', content: text, ...others }
    }
    case 'refusal': {
      const { refusal, ...others } = members
      return { type: 'text', content: refusal, is_refusal: true, ...others }
    }
    case 'thinking': {
      const { thinking, ...others } = members
      return { type: 'reasoning', content: textOfParts(thinking) ?? thinking, ...others }
    }
    case 'image_url':
    case 'video_url':
    case 'audio_url':
    case 'document_url': {
      const { [type]: address, ...others } = members
      const { url, ...rest } = asObject(address) ?? { url: address }
      return { ...mediaOf(type.replace('_url', ''), url), ...rest, ...others }
    }
    case 'input_audio': {
      const { input_audio, ...others } = members
      const { data, format, ...rest } = asObject(input_audio) ?? {}
      const mime_type = typeof format === 'string' ? `audio/${format}` : undefined
      const blob = { type: 'blob', modality: 'audio', mime_type, content: data }
      return { ...withoutUndefined(blob), ...rest, ...others }
    }
    case 'file': {
      const { file, ...others } = members
      const { file_data, ...rest } = asObject(file) ?? {}
      const media = file_data === undefined ? { type: 'file' } : mediaOf('document', file_data)
      return { ...media, ...rest, ...others }
    }
    default:
      return { ...part, type: asString(type) ?? 'unknown' }
  }
}

/** Data in a URL is a content of its own. */
function mediaOf(modality: string, url: unknown): Part {
  const [, mime_type, content] = /^data:([^;,]*)(?:;[^,]*)?,(.*)$/s.exec(asString(url) ?? '') ?? []
  if (content !== undefined) return { type: 'blob', modality, mime_type, content }
  return { type: 'uri', modality, uri: url }
}

function audioPart(audio: JsonObject): Part {
  const { data, ...others } = audio
  if (data === undefined) return { type: 'file', modality: 'audio', ...others }
  return { type: 'blob', modality: 'audio', content: data, ...others }
}

function textOfParts(parts: unknown): string | undefined {
  const texts = asArray(parts)?.map((each) => asString(asObject(each)?.text))
  return texts?.every((text) => text !== undefined) === true ? texts.join('') : undefined
}

/** Arguments are JSON in a text; where they were cut they stay one. */
export function toolCallPart(call: unknown): Part {
  if (!isObject(call)) return { type: 'unknown', value: call }
  const { id, type, function: asked, custom, index: _, ...others } = call
  const isCustom = isObject(custom)
  const { name, arguments: given, input, ...rest } = asObject(isCustom ? custom : asked) ?? {}
  const written = isCustom ? input : given
  const kind = type === 'function' || type === undefined ? {} : { tool_type: type }
  return withoutUndefined({
    type: 'tool_call',
    id,
    name,
    arguments: isCustom || typeof written !== 'string' ? written : (parseJson(written) ?? written),
    ...kind,
    ...rest,
    ...others,
  })
}

/** The tool calls of a message or an answer, with arguments as they were written. */
export function toolCallsOf({ tool_calls, function_call }: JsonObject): ToolCallRequest[] {
  const calls = (asArray(tool_calls) ?? []).flatMap((each) => {
    const call = asObject(each)
    const {
      name,
      arguments: given,
      input,
    } = asObject(call?.function) ?? asObject(call?.custom) ?? {}
    return toRequest(call?.id, name, given ?? input)
  })
  const { name, arguments: given } = asObject(function_call) ?? {}
  return [...calls, ...toRequest(undefined, name, given)]
}

function toRequest(id: unknown, name: unknown, given: unknown): ToolCallRequest[] {
  if (typeof name !== 'string' || name === '') return []
  const written = typeof given === 'string' ? given : (toJson(given ?? {}) ?? '')
  // A tool without parameters may have nothing as its arguments.
  const known = typeof id === 'string' && id !== '' ? { id } : {}
  return [{ ...known, name, arguments: written || '{}' }]
}

/** One of a request's `tools`: functions without their wrapper; the provider's own stay as they are. */
export function toToolDefinition(tool: unknown): JsonObject {
  if (!isObject(tool)) return { type: 'unknown', value: tool }
  const { type, function: definition, custom, ...others } = tool
  if (isObject(definition)) return { type: 'function', ...definition, ...others }
  if (isObject(custom)) return { type: 'custom', ...custom, ...others }
  return tool
}

export function toolResultsOf(messages: readonly unknown[]): ToolResult[] {
  return messages.flatMap((message): ToolResult[] => {
    const { role, tool_call_id: callId, name, content } = asObject(message) ?? {}
    if (role !== 'tool' && role !== 'function') return []
    const text = textOfContent(content)
    if (typeof callId === 'string') return [{ callId, isError: false, content: text }]
    return typeof name === 'string' ? [{ name, isError: false, content: text }] : []
  })
}

/** The messages of tools with which the conversation ends. */
export function lastToolMessages(messages: readonly unknown[]): readonly unknown[] {
  const isResult = (message: unknown): boolean => {
    const role = asObject(message)?.role
    return role === 'tool' || role === 'function'
  }
  return messages.slice(messages.findLastIndex((message) => !isResult(message)) + 1)
}

function textOfContent(content: unknown): string {
  if (content === undefined || content === null) return ''
  if (typeof content === 'string') return content
  return textOfParts(content) ?? toJson(content) ?? ''
}

function withoutUndefined(part: { readonly type: string; readonly [name: string]: unknown }): Part {
  const { type, ...members } = part
  const known = Object.entries(members).filter(([, value]) => value !== undefined)
  return { type, ...Object.fromEntries(known) }
}
