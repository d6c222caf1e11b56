/**
 * The content blocks of Bedrock's Converse → the parts of OpenTelemetry's GenAI messages: pure.
 *
 * A block is an object with one member, which is named for its kind. Members that a part does not define keep their own
 * names; a block without a matching part stays as it is, its kind as the part's type. Nothing is left out.
 */
import {
  asArray,
  asObject,
  asString,
  isObject,
  type JsonObject,
  toJson,
} from '@turnlog/conventions/plain'
import { messageOf, partsOf } from '../content-parts.ts'
import type { Message, Part, ToolResult } from '../model-api.ts'

export function toMessage(message: unknown): Message {
  return messageOf(message, toParts)
}

export function toParts(content: unknown): Part[] {
  return partsOf(content, toPart)
}

export function toPart(block: unknown): Part {
  if (!isObject(block)) return { type: 'unknown', value: block }
  const { type, text, ...besides } = block
  if (type !== undefined && type !== 'text') {
    return typeof type === 'string' ? { ...block, type } : { type: 'unknown', value: block }
  }
  if (text !== undefined) return { ...besides, type: 'text', content: text }
  const kind = Object.keys(block)[0] ?? 'unknown'
  const { [kind]: fields, ...others } = block
  const part = isObject(fields) ? partOf(kind, fields) : undefined
  return part === undefined ? { ...block, type: kind } : { ...others, ...part }
}

/** `undefined`: the conventions have no part of this kind. */
function partOf(kind: string, fields: JsonObject): Part | undefined {
  switch (kind) {
    case 'toolUse':
      return toolCallPart(fields)
    case 'toolResult':
      return toolResultPart(fields)
    case 'image':
    case 'document':
    case 'video':
    case 'audio':
      return mediaPart(kind, fields)
    case 'reasoningContent':
      return reasoningPart(fields)
    case 'guardContent':
      return guardedPart(fields)
    case 'citationsContent':
      return citedPart(fields)
    default:
      return undefined
  }
}

/** A tool that Bedrock itself runs has a `type`: `server_tool_use`, or perhaps a more exact one. */
function toolCallPart({ type, toolUseId: id, name, input, ...others }: JsonObject): Part {
  if (type === undefined || type === null) {
    return { ...others, type: 'tool_call', id, name, arguments: input }
  }
  const server_tool_call = { type: type === 'server_tool_use' ? name : type, input }
  return { ...others, type: 'server_tool_call', id, name, server_tool_call }
}

function toolResultPart({ type, toolUseId: id, content, ...others }: JsonObject): Part {
  if (type === undefined || type === null) {
    const response = onlyText(content) ?? content ?? ''
    return { ...others, type: 'tool_call_response', id, response }
  }
  const server_tool_call_response = { type, content }
  return { ...others, type: 'server_tool_call_response', id, server_tool_call_response }
}

/** A picture's format is the end of its media type. */
const mediaTypes: Readonly<Record<string, string>> = {
  csv: 'text/csv',
  doc: 'application/msword',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  html: 'text/html',
  md: 'text/markdown',
  pdf: 'application/pdf',
  txt: 'text/plain',
  xls: 'application/vnd.ms-excel',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
}

function mediaPart(modality: string, fields: JsonObject): Part | undefined {
  const { source, ...others } = fields
  const { bytes, s3Location, ...rest } = asObject(source) ?? {}
  const format = asString(others.format)
  const type =
    modality === 'document' ? mediaTypes[format ?? ''] : format && `${modality}/${format}`
  const described = { ...others, ...rest, modality, mime_type: type }
  if (typeof bytes === 'string') return { ...described, type: 'blob', content: bytes }
  const { uri, ...location } = asObject(s3Location) ?? {}
  return typeof uri === 'string' ? { ...described, ...location, type: 'uri', uri } : undefined
}

/** Redacted reasoning has no text, and stays as it is. */
function reasoningPart({ reasoningText, ...others }: JsonObject): Part | undefined {
  const { text, ...rest } = asObject(reasoningText) ?? {}
  if (reasoningText === undefined) return undefined
  return { ...others, ...rest, type: 'reasoning', content: text }
}

/** A text of the user for a guardrail to look at. */
function guardedPart({ text, ...others }: JsonObject): Part | undefined {
  const { text: content, ...rest } = asObject(text) ?? {}
  if (typeof content !== 'string') return undefined
  return { ...rest, type: 'text', content, guardContent: others }
}

function citedPart({ content, ...others }: JsonObject): Part | undefined {
  const texts = (asArray(content) ?? []).map(textOnly)
  return texts.includes(undefined)
    ? undefined
    : { ...others, type: 'text', content: texts.join('') }
}

/** One of `toolConfig.tools`. */
export function toToolDefinition(tool: unknown): JsonObject {
  const spec = asObject(asObject(tool)?.toolSpec)
  if (spec === undefined) return toPart(tool)
  const { name, description, inputSchema, ...others } = spec
  const parameters = asObject(inputSchema)?.json ?? inputSchema
  return { ...others, type: 'function', name, description, parameters }
}

export function toolResultsOf(messages: readonly unknown[]): ToolResult[] {
  return messages.flatMap((message) =>
    (asArray(asObject(message)?.content) ?? []).flatMap((block) => {
      const result = asObject(asObject(block)?.toolResult)
      const callId = asString(result?.toolUseId)
      if (result === undefined || callId === undefined) return []
      const content = onlyText(result.content) ?? toJson(result.content ?? undefined) ?? ''
      return [{ callId, isError: result.status === 'error', content }]
    }),
  )
}

/** The text of a content that is one text. */
function onlyText(content: unknown): string | undefined {
  if (typeof content === 'string') return content
  const blocks = asArray(content)
  if (blocks?.length === 0) return ''
  return blocks?.length === 1 ? textOnly(blocks[0]) : undefined
}

function textOnly(block: unknown): string | undefined {
  const { text, ...others } = asObject(block) ?? {}
  return Object.keys(others).length === 0 ? asString(text) : undefined
}
