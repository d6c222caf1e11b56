/**
 * The items of OpenAI's Responses API, and the contents of its messages → the parts of OpenTelemetry's GenAI messages: pure.
 *
 * Members that a part does not define keep their own names, but for the id of an item, which becomes `item_id`: the id of a
 * part is that of a call. An item without a matching part stays as it is. Nothing is left out.
 */
import { asArray, asString, defined, isObject, type JsonObject } from '@turnlog/conventions/plain'
import type { Message, Part } from '../model-api.ts'
import { toolCallPart, toolResultPart } from './tools.ts'

/** The tools that the provider runs, and those members of their items that are results. */
const serverTools: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['web_search_call', []],
  ['file_search_call', ['results']],
  ['code_interpreter_call', ['outputs']],
  ['image_generation_call', []],
  ['mcp_call', ['output', 'error']],
  ['shell_call', []],
  ['tool_search_call', []],
])

/** Items that only the model's side can have written. */
const modelItemTypes = /^(?:reasoning|compaction|program|mcp_list_tools|mcp_approval_request)$/

/** The `input` of a request: a text, or items; each item becomes a message. */
export function toMessages(input: string | readonly unknown[]): Message[] {
  if (typeof input === 'string') return [{ role: 'user', parts: toParts(input) }]
  return input.map(toMessage)
}

function toMessage(item: unknown): Message {
  if (!isObject(item)) return { role: 'unknown', parts: toItemParts(item) }
  if (!isMessage(item)) return { role: roleOf(item), parts: toItemParts(item) }
  const { type: _, role, content, ...others } = item
  return { role: asString(role) ?? 'unknown', parts: toParts(content), ...others }
}

function isMessage({ type, role, content }: JsonObject): boolean {
  return type === 'message' || (type === undefined && (role !== undefined || content !== undefined))
}

function roleOf({ type, role }: JsonObject): string {
  const kind = asString(type) ?? ''
  if (typeof role === 'string') return role
  if (kind.endsWith('_output')) return 'tool'
  if (kind.endsWith('_call') || modelItemTypes.test(kind)) return 'assistant'
  return kind === 'mcp_approval_response' ? 'user' : 'unknown'
}

/** The parts of one item. A message's are those of its content. */
export function toItemParts(item: unknown): Part[] {
  if (!isObject(item)) return [toContentPart(item)]
  if (isMessage(item)) {
    const { type: _, id, role: __, content, ...others } = item
    return withItem(toParts(content), id, others)
  }
  if (item.type === 'reasoning') return reasoningParts(item)
  const part = toolCallPart(item) ?? toolResultPart(item)
  if (part !== undefined) return [part]
  const results = serverTools.get(item.type)
  if (results !== undefined) return serverToolParts(item, results)
  const isReference = item.type === undefined || item.type === null
  return [{ ...item, type: asString(item.type) ?? (isReference ? 'item_reference' : 'unknown') }]
}

/** Each part names its item; what else the item says is in the first. */
function withItem(parts: readonly Part[], id: unknown, others: JsonObject): Part[] {
  const [first, ...rest] = parts.map((part) => ({ ...part, ...defined({ item_id: id }) }))
  return first === undefined ? [] : [{ ...first, ...others, ...first }, ...rest]
}

/** The reasoning itself, or its summary: a part for each of its texts. There may be none, beside what is encrypted. */
function reasoningParts({ type: _, id, content, summary, ...others }: JsonObject): Part[] {
  const parts = [...listOf(content), ...listOf(summary)].map((each): Part => {
    if (!isObject(each)) return { type: 'reasoning', content: each }
    const { type, text, ...rest } = each
    return { type: 'reasoning', content: text, ...defined({ text_type: type }), ...rest }
  })
  return withItem(parts.length > 0 ? parts : [{ type: 'reasoning' }], id, others)
}

function serverToolParts(item: JsonObject, resultMembers: readonly string[]): Part[] {
  const { type, id: itemId, call_id, name, result, ...others } = item
  const kind = String(type).replace(/_call$/, '')
  const isImage = type === 'image_generation_call' && typeof result === 'string'
  const isResult = ([member, value]: readonly [string, unknown]) =>
    resultMembers.includes(member) && value !== null
  const results = Object.entries(others).filter(isResult)
  const rest = Object.entries(others).filter((entry) => !isResult(entry))
  if (result !== undefined && !isImage) rest.push(['result', result])
  const id = call_id ?? itemId
  const call = {
    type: 'server_tool_call',
    id,
    name: name ?? kind,
    ...(id === itemId ? {} : defined({ item_id: itemId })),
    server_tool_call: { type: kind, ...Object.fromEntries(rest) },
  }
  const response = {
    type: 'server_tool_call_response',
    id,
    server_tool_call_response: { type: kind, ...Object.fromEntries(results) },
  }
  return [
    call,
    ...(results.length > 0 ? [response] : []),
    ...(isImage ? [generatedImage(item)] : []),
  ]
}

function generatedImage({ id, result, output_format }: JsonObject): Part {
  const format = asString(output_format) ?? 'png'
  const mime_type = `image/${format === 'svg' ? 'svg+xml' : format}`
  return {
    type: 'blob',
    modality: 'image',
    mime_type,
    content: result,
    ...defined({ item_id: id }),
  }
}

/** A text, a list of contents, or nothing. */
export function toParts(content: unknown): Part[] {
  return listOf(content).map(toContentPart)
}

function listOf(value: unknown): readonly unknown[] {
  return value === undefined || value === null ? [] : (asArray(value) ?? [value])
}

function toContentPart(content: unknown): Part {
  if (typeof content === 'string') return { type: 'text', content }
  if (!isObject(content)) return { type: 'unknown', value: content }
  const { type } = content
  switch (type) {
    case 'input_text':
    case 'output_text':
    case 'text': {
      const { type: _, text, ...others } = content
      return { type: 'text', content: text, ...others }
    }
    case 'refusal': {
      const { type: _, refusal, ...others } = content
      return { type: 'text', content: refusal, is_refusal: true, ...others }
    }
    case 'reasoning_text': {
      const { type: _, text, ...others } = content
      return { type: 'reasoning', content: text, ...others }
    }
    case 'input_image':
      return mediaPart('image', content, ['image_url'])
    case 'input_file':
      return mediaPart('document', content, ['file_data', 'file_url'])
    case 'input_audio':
      return audioPart(content)
    default:
      return { ...content, type: asString(type) ?? 'unknown' }
  }
}

/** `sources`: the members that have the bytes, or the address of them. */
function mediaPart(
  modality: 'image' | 'document',
  content: JsonObject,
  sources: readonly string[],
): Part {
  const source = sources.find((member) => typeof content[member] === 'string')
  if (source !== undefined) {
    const { type: _, [source]: value, ...others } = content
    const data = dataIn(String(value), source === 'file_data')
    return data === undefined
      ? { type: 'uri', modality, uri: value, ...others }
      : { type: 'blob', modality, ...data, ...others }
  }
  if (typeof content.file_id !== 'string') return { ...content, type: modality }
  const { type: _, ...others } = content
  return { ...others, type: 'file', modality }
}

/** `isData`: without the head of a data URL it is all data. */
function dataIn(value: string, isData: boolean): JsonObject | undefined {
  const head = /^data:([^;,]{0,200})(?:;[^;,]{0,200}){0,8};base64,/i.exec(value)
  if (head === null) return isData ? { content: value } : undefined
  return { ...defined({ mime_type: head[1] || undefined }), content: value.slice(head[0].length) }
}

function audioPart(content: JsonObject): Part {
  const { type: _, input_audio, ...others } = content
  if (!isObject(input_audio)) return { ...content, type: 'input_audio' }
  const { data, format, ...rest } = input_audio
  const mime_type = typeof format === 'string' ? `audio/${format}` : format
  return {
    type: 'blob',
    modality: 'audio',
    ...defined({ mime_type }),
    content: data,
    ...rest,
    ...others,
  }
}
