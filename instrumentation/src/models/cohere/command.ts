/**
 * Cohere's Command R, by version 1 of Cohere's chat API and at Bedrock's `invoke`: a message and the history before it, tools without ids.
 * Pure.
 */
import {
  asArray,
  asNumber,
  asObject,
  asString,
  isObject,
  type JsonObject,
  toJson,
} from '@turnlog/conventions/plain'
import type { Conversation } from '../dialect.ts'
import type { ModelRequest } from '../map-exchange.ts'
import type { Message, Part, ToolCallRequest, ToolResult } from '../model-api.ts'

const roles: ReadonlyMap<unknown, string> = new Map([
  ['USER', 'user'],
  ['CHATBOT', 'assistant'],
  ['SYSTEM', 'system'],
  ['TOOL', 'tool'],
])

export function commandRequest(request: JsonObject): ModelRequest {
  const { preamble, chat_history, message, tools, tool_results, documents } = request
  const stops = asArray(request.stop_sequences)?.filter((each) => typeof each === 'string')
  const asked: Part[] = [
    ...(documents === undefined ? [] : [{ type: 'documents', value: documents }]),
    ...(typeof message === 'string' && message !== '' ? [{ type: 'text', content: message }] : []),
  ]
  const messages = [
    ...(asArray(chat_history) ?? []).map(toMessage),
    ...(asked.length > 0 ? [{ role: 'user', parts: asked }] : []),
    ...resultMessages(tool_results),
  ]
  return {
    attributes: {
      'gen_ai.request.max_tokens': asNumber(request.max_tokens),
      'gen_ai.request.temperature': asNumber(request.temperature),
      'gen_ai.request.top_p': asNumber(request.p),
      'gen_ai.request.top_k': asNumber(request.k),
      'gen_ai.request.stop_sequences': stops?.length ? stops : undefined,
    },
    systemInstructions:
      typeof preamble === 'string' ? [{ type: 'text', content: preamble }] : undefined,
    messages: messages.length > 0 ? messages : undefined,
    toolDefinitions: asArray(tools)?.map(toToolDefinition),
    toolResults: [
      ...(asArray(chat_history) ?? []).flatMap((each) => commandResultsOf(asObject(each) ?? {})),
      ...commandResultsOf(request),
    ],
  }
}

function toMessage(entry: unknown): Message {
  if (!isObject(entry)) return { role: 'unknown', parts: [{ type: 'unknown', value: entry }] }
  const { role, message, tool_calls, tool_results, ...others } = entry
  const text =
    typeof message === 'string' && message !== '' ? [{ type: 'text', content: message }] : []
  const parts = [
    ...text,
    ...(asArray(tool_calls) ?? []).map(toToolCallPart),
    ...(asArray(tool_results) ?? []).map(toResultPart),
  ]
  return { role: roles.get(role) ?? asString(role) ?? 'unknown', parts, ...others }
}

function resultMessages(results: unknown): Message[] {
  const parts = (asArray(results) ?? []).map(toResultPart)
  return parts.length > 0 ? [{ role: 'tool', parts }] : []
}

export function toToolCallPart(call: unknown): Part {
  if (!isObject(call)) return { type: 'unknown', value: call }
  const { name, parameters, ...others } = call
  return { ...others, type: 'tool_call', name, arguments: parameters }
}

function toResultPart(result: unknown): Part {
  if (!isObject(result)) return { type: 'unknown', value: result }
  const { call, outputs, ...others } = result
  const name = asObject(call)?.name
  return { ...others, type: 'tool_call_response', name, response: outputs, call }
}

function toToolDefinition(tool: unknown): JsonObject {
  if (!isObject(tool)) return { type: 'unknown', value: tool }
  const { parameter_definitions: parameters, ...others } = tool
  return { type: 'function', ...others, parameters }
}

/** The tool calls of an answer. */
export function commandToolCalls({ tool_calls }: JsonObject): ToolCallRequest[] {
  return (asArray(tool_calls) ?? []).flatMap((each) => {
    const { name, parameters } = asObject(each) ?? {}
    if (typeof name !== 'string') return []
    return [{ name, arguments: toJson(parameters ?? {}) ?? '{}' }]
  })
}

export function commandResultsOf({ tool_results }: JsonObject): ToolResult[] {
  return (asArray(tool_results) ?? []).flatMap((each) => {
    const { call, outputs } = asObject(each) ?? {}
    const name = asString(asObject(call)?.name)
    return name === undefined
      ? []
      : [{ name, isError: false, content: toJson(outputs ?? []) ?? '' }]
  })
}

export function commandConversation(request: JsonObject): Conversation | undefined {
  const { preamble, chat_history, message } = request
  if (typeof message !== 'string') return undefined
  const messages = [...(asArray(chat_history) ?? []), { role: 'USER', message }]
  return { instructions: preamble, messages }
}
