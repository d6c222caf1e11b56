/**
 * What the requests of Ollama and Cohere have in common: `messages` with `tool_calls`, functions in `tools`. Both APIs are
 * at addresses at which other applications have endpoints of their own, so their requests are recognised by their members.
 */
import {
  asArray,
  asObject,
  asString,
  defined,
  isObject,
  type JsonObject,
} from '@turnlog/conventions/plain'
import type { ToolResult } from './model-api.ts'

const roles: readonly unknown[] = ['system', 'developer', 'user', 'assistant', 'tool', 'control']

/**
 * Whether these are messages for a model. Those that a page sends to its own server have ids, or `parts` in place of a
 * content.
 */
export function areModelMessages(messages: unknown): boolean {
  const list = asArray(messages)
  return list !== undefined && list.length > 0 && list.every(isModelMessage)
}

function isModelMessage(message: unknown): boolean {
  if (!isObject(message)) return false
  const { role, content, tool_calls } = message
  if (!roles.includes(role) || 'id' in message || 'parts' in message) return false
  return typeof content === 'string' || Array.isArray(content) || Array.isArray(tool_calls)
}

/** Whether the request has no other members than these. */
export function hasOnly(request: JsonObject, names: ReadonlySet<string>): boolean {
  return Object.keys(request).every((name) => names.has(name))
}

/** One of a request's `tools`. */
export function toToolDefinition(tool: unknown): JsonObject {
  if (!isObject(tool)) return { type: 'unknown', value: tool }
  const { function: declared, ...others } = tool
  if (!isObject(declared)) return tool
  const { name, description, parameters, ...more } = declared
  return {
    ...others,
    type: asString(tool.type) ?? 'function',
    name,
    ...defined({ description, parameters }),
    ...more,
  }
}

/** The results that `messages` bring after the model's last message. */
export function newResults(
  messages: readonly unknown[],
  toResults: (messages: readonly unknown[]) => ToolResult[],
): ToolResult[] {
  const last = messages.findLastIndex((message) => asObject(message)?.role === 'assistant')
  // The last message of the model names the tools.
  return toResults(messages.slice(Math.max(last, 0)))
}

/** The results with which `messages` end; none if they end with anything else. */
export function lastResults(
  messages: readonly unknown[],
  toResults: (messages: readonly unknown[]) => ToolResult[],
): ToolResult[] {
  return asObject(messages.at(-1))?.role === 'tool' ? newResults(messages, toResults) : []
}
