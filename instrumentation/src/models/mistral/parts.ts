/**
 * The entries of Mistral's conversations, and the chunks of their contents → the messages and parts of OpenTelemetry's
 * GenAI conventions: pure.
 *
 * Members that a part does not define keep their own names, and an entry or a chunk without a matching part stays as it
 * is. Nothing is left out.
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
import type { Message, Part, ToolResult } from '../model-api.ts'

/** A text of the user, or a list of entries. */
export function toMessages(inputs: unknown): Message[] | undefined {
  if (typeof inputs === 'string') return [{ role: 'user', parts: toParts(inputs) }]
  return asArray(inputs)?.map(toMessage)
}

function toMessage(entry: unknown): Message {
  if (!isObject(entry)) return { role: 'unknown', parts: toParts(entry) }
  const { type, role, content, ...others } = entry
  if (isMessage(entry)) {
    const usual = type === 'message.output' ? 'assistant' : 'user'
    return { ...others, role: asString(role) ?? usual, parts: toParts(content) }
  }
  return { role: type === 'function.result' ? 'tool' : 'assistant', parts: partsOfEntry(entry) }
}

/** The type of a message may be left out. */
function isMessage({ type, content }: JsonObject): boolean {
  if (type === undefined) return content !== undefined
  return type === 'message.input' || type === 'message.output'
}

export function partsOfEntry(entry: JsonObject): Part[] {
  if (isMessage(entry)) return toParts(entry.content)
  const { type, id: entry_id, name, ...fields } = entry
  switch (type) {
    case 'function.call': {
      const { tool_call_id: id, arguments: written, ...others } = fields
      return [{ ...others, type: 'tool_call', id, name, arguments: argumentsOf(written), entry_id }]
    }
    case 'function.result': {
      const { tool_call_id: id, result, ...others } = fields
      return [{ ...others, type: 'tool_call_response', id, response: result ?? '', entry_id }]
    }
    case 'tool.execution': {
      const { arguments: written, ...others } = fields
      const server_tool_call = { type: name, arguments: argumentsOf(written) }
      return [{ ...others, type: 'server_tool_call', id: entry_id, name, server_tool_call }]
    }
    default:
      return [{ ...entry, type: asString(type) ?? 'unknown' }]
  }
}

/** Arguments are JSON in a text; a text that was cut stays one. */
function argumentsOf(written: unknown): unknown {
  return typeof written === 'string' ? (asObject(parseJson(written)) ?? written) : written
}

/** A text, a list of chunks, or nothing. */
export function toParts(content: unknown): Part[] {
  return partsOf(content, toPart)
}

function toPart(chunk: unknown): Part {
  if (!isObject(chunk)) return { type: 'unknown', value: chunk }
  const { type, ...fields } = chunk
  switch (type) {
    case 'text': {
      const { text, ...others } = fields
      return { ...others, type, content: text }
    }
    case 'thinking': {
      const { thinking, ...others } = fields
      const said = thinkingText(thinking)
      return said === undefined
        ? { ...chunk, type }
        : { ...others, type: 'reasoning', content: said }
    }
    case 'image_url': {
      const { image_url, ...others } = fields
      const { url, ...rest } = asObject(image_url) ?? { url: image_url }
      return addressPart('image', url, { ...others, ...rest }) ?? { ...chunk, type }
    }
    case 'document_url': {
      const { document_url, ...others } = fields
      return addressPart('document', document_url, others) ?? { ...chunk, type }
    }
    case 'tool_file': {
      const { file_type, ...others } = fields
      return { ...others, type: 'file', modality: modalityOf(file_type), file_type }
    }
    default:
      return { ...chunk, type: asString(type) ?? 'unknown' }
  }
}

/** `undefined`: it has more than texts in it. */
function thinkingText(thinking: unknown): string | undefined {
  if (typeof thinking === 'string') return thinking
  const texts = asArray(thinking)?.map((chunk) => {
    const { type, text } = asObject(chunk) ?? {}
    return type === 'text' ? asString(text) : undefined
  })
  return texts === undefined || texts.includes(undefined) ? undefined : texts.join('')
}

/** An address that holds its content (`data:`) is a blob. */
function addressPart(modality: string, url: unknown, others: JsonObject): Part | undefined {
  if (typeof url !== 'string') return undefined
  const comma = url.startsWith('data:') ? url.indexOf(',') : -1
  const head = url.slice('data:'.length, Math.max(comma, 0))
  if (!head.endsWith(';base64')) return { ...others, type: 'uri', modality, uri: url }
  const mime_type = head.slice(0, -';base64'.length)
  return { ...others, type: 'blob', modality, mime_type, content: url.slice(comma + 1) }
}

function modalityOf(fileType: unknown): string {
  return /^(?:image|png|jpe?g|gif|webp)/i.test(asString(fileType) ?? '') ? 'image' : 'document'
}

/** One of a request's `tools`: the app's are functions, the provider's stay as they are. */
export function toToolDefinition(tool: unknown): JsonObject {
  if (!isObject(tool)) return { type: 'unknown', value: tool }
  const { type, function: given, ...others } = tool
  const definition = asObject(given)
  return definition === undefined ? tool : { ...others, ...definition, type: 'function' }
}

export function toolResultsOf(inputs: unknown): ToolResult[] {
  return (asArray(inputs) ?? []).flatMap((entry) => {
    const { type, tool_call_id, result } = asObject(entry) ?? {}
    const callId = asString(tool_call_id)
    if (type !== 'function.result' || callId === undefined) return []
    return [
      { callId, isError: false, content: asString(result) ?? toJson(result ?? undefined) ?? '' },
    ]
  })
}
