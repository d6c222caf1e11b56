/**
 * Anthropic's content blocks → the parts of OpenTelemetry's GenAI messages: pure.
 *
 * Members that a part does not define keep their own names (unknown members are legal), and a block without a
 * matching part stays as it is. Nothing is left out.
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
  if (typeof block === 'string') return { type: 'text', content: block }
  if (!isObject(block)) return { type: 'unknown', value: block }
  const { type } = block
  switch (type) {
    case 'text': {
      const { type: _, text, ...others } = block
      return { type: 'text', content: text, ...others }
    }
    case 'thinking': {
      const { type: _, thinking, ...others } = block
      return { type: 'reasoning', content: thinking, ...others }
    }
    case 'tool_use': {
      const { type: _, id, name, input, ...others } = block
      return { type: 'tool_call', id, name, arguments: input, ...others }
    }
    case 'tool_result': {
      const { type: _, tool_use_id: id, content, ...others } = block
      return { type: 'tool_call_response', id, response: content ?? '', ...others }
    }
    case 'server_tool_use':
    case 'mcp_tool_use': {
      const { type: _, id, name, input, ...others } = block
      const kind = type === 'mcp_tool_use' ? 'mcp' : name
      return {
        type: 'server_tool_call',
        id,
        name,
        server_tool_call: { type: kind, input },
        ...others,
      }
    }
    case 'image':
    case 'document':
      return mediaPart(type, block)
    default:
      return otherPart(block)
  }
}

function mediaPart(modality: 'image' | 'document', block: JsonObject): Part {
  const { type: _, source, ...others } = block
  const { type, ...fields } = asObject(source) ?? {}
  switch (type) {
    case 'base64': {
      const { media_type, data, ...rest } = fields
      return { type: 'blob', modality, mime_type: media_type, content: data, ...rest, ...others }
    }
    case 'url': {
      const { url, ...rest } = fields
      return { type: 'uri', modality, uri: url, ...rest, ...others }
    }
    case 'file': {
      const { file_id, ...rest } = fields
      return { type: 'file', modality, file_id, ...rest, ...others }
    }
    default:
      return { ...block, type: modality }
  }
}

function otherPart(block: JsonObject): Part {
  const type = asString(block.type) ?? 'unknown'
  const id = block.tool_use_id
  if (!type.endsWith('_tool_result') || id === undefined) return { ...block, type }
  const { type: _, tool_use_id, content, ...others } = block
  return {
    type: 'server_tool_call_response',
    id,
    server_tool_call_response: { type, content },
    ...others,
  }
}

/** One of a request's `tools`: the app's are functions, the provider's stay as they are. */
export function toToolDefinition(tool: unknown): JsonObject {
  if (!isObject(tool)) return { type: 'unknown', value: tool }
  const { type, name, description, input_schema, ...others } = tool
  if (input_schema === undefined && type !== undefined && type !== 'custom') return tool
  return { type: 'function', name, description, parameters: input_schema, ...others }
}

export function toolResultsOf(messages: readonly unknown[]): ToolResult[] {
  return messages.flatMap((message) =>
    (asArray(asObject(message)?.content) ?? []).flatMap((block) => {
      const result = asObject(block)
      const callId = asString(result?.tool_use_id)
      if (result?.type !== 'tool_result' || callId === undefined) return []
      const content = toolResultContent(result.content)
      return [{ callId, isError: result.is_error === true, content }]
    }),
  )
}

function toolResultContent(content: unknown): string {
  if (content === undefined || content === null) return ''
  if (typeof content === 'string') return content
  const blocks = asArray(content)
  const only = blocks?.length === 1 ? asObject(blocks[0]) : undefined
  if (only?.type === 'text' && typeof only.text === 'string') return only.text
  return toJson(content) ?? ''
}
