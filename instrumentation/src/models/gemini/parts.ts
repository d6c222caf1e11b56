/**
 * Gemini's contents and parts → the parts of OpenTelemetry's GenAI messages: pure.
 *
 * Members that a part does not define keep their own names, and a part of an unknown kind stays as it is. A request may
 * write its members in camel case or in snake case: the API accepts both.
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

/** The member `name`, which is written in camel case, also if the object writes it in snake case. */
export function memberOf(object: JsonObject | undefined, name: string): unknown {
  return object?.[name] ?? object?.[snakeCase(name)]
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** Without a role a content is the user's. */
export function toMessage(content: unknown): Message {
  if (!isObject(content)) return { role: 'user', parts: toParts(content) }
  const { role, parts, ...others } = content
  return { role: roleOf(asString(role)), parts: toParts(parts), ...others }
}

function roleOf(role: string | undefined): string {
  if (role === 'model') return 'assistant'
  return role === 'function' ? 'tool' : (role ?? 'user')
}

/** The parts of a content, of one part, or of a text: system instructions may be any of them. */
export function instructionParts(instruction: unknown): Part[] | undefined {
  if (instruction === undefined || instruction === null) return undefined
  const content = asObject(instruction)
  return toParts(content?.parts ?? instruction)
}

function toParts(parts: unknown): Part[] {
  if (parts === undefined || parts === null) return []
  return (asArray(parts) ?? [parts]).map(toPart)
}

/** The members of which a part has one: each is a kind of part. */
const kinds: Readonly<Record<string, (value: JsonObject, others: JsonObject) => Part>> = {
  inlineData({ mimeType, mime_type = mimeType, data, ...rest }, others) {
    const modality = modalityOf(mime_type)
    return { type: 'blob', modality, ...defined({ mime_type }), content: data, ...rest, ...others }
  },
  fileData({ mimeType, mime_type = mimeType, fileUri, file_uri = fileUri, ...rest }, others) {
    const modality = modalityOf(mime_type)
    return { type: 'uri', modality, ...defined({ mime_type }), uri: file_uri, ...rest, ...others }
  },
  functionCall({ id, name, args, ...rest }, others) {
    return { type: 'tool_call', ...defined({ id }), name, arguments: args, ...rest, ...others }
  },
  functionResponse({ id, name, response, ...rest }, others) {
    return {
      type: 'tool_call_response',
      ...defined({ id }),
      name,
      response: response ?? '',
      ...rest,
      ...others,
    }
  },
  executableCode: ({ id, ...code }, others) => serverCall('code_execution', id, code, others),
  codeExecutionResult: ({ id, ...result }, others) =>
    serverResponse('code_execution', id, result, others),
  toolCall: ({ id, toolType, ...call }, others) => serverCall(toolType, id, call, others),
  toolResponse: ({ id, toolType, ...response }, others) =>
    serverResponse(toolType, id, response, others),
}

export function toPart(part: unknown): Part {
  if (typeof part === 'string') return { type: 'text', content: part }
  if (!isObject(part)) return { type: 'unknown', value: part }
  if (typeof part.text === 'string') {
    const { text, thought, ...others } = part
    return { type: thought === true ? 'reasoning' : 'text', content: text, ...others }
  }
  for (const [kind, convert] of Object.entries(kinds)) {
    const name = part[kind] === undefined ? snakeCase(kind) : kind
    const { [name]: value, ...others } = part
    if (isObject(value)) return convert(value, others)
  }
  return { ...part, type: asString(part.type) ?? 'unknown' }
}

function serverCall(tool: unknown, id: unknown, call: JsonObject, others: JsonObject): Part {
  return {
    type: 'server_tool_call',
    ...defined({ id }),
    name: tool,
    server_tool_call: { type: tool, ...call },
    ...others,
  }
}

function serverResponse(tool: unknown, id: unknown, result: JsonObject, others: JsonObject): Part {
  return {
    type: 'server_tool_call_response',
    ...defined({ id }),
    server_tool_call_response: { type: tool, ...result },
    ...others,
  }
}

function modalityOf(mimeType: unknown): string {
  const [kind = ''] = (asString(mimeType) ?? '').split('/')
  return ['image', 'audio', 'video'].includes(kind) ? kind : 'document'
}

/** One of a request's `tools` holds several functions of the app, or tools of the provider, which stay as they are. */
export function toToolDefinitions(tool: unknown): JsonObject[] {
  if (!isObject(tool)) return [{ type: 'unknown', value: tool }]
  const { functionDeclarations, function_declarations = functionDeclarations, ...others } = tool
  const functions = (asArray(function_declarations) ?? []).map(toFunction)
  const builtIn = Object.entries(others).map(([type, settings]) => ({ type, [type]: settings }))
  return [...functions, ...builtIn]
}

function toFunction(declaration: unknown): JsonObject {
  if (!isObject(declaration)) return { type: 'unknown', value: declaration }
  const { name, description, parameters, parametersJsonSchema, ...others } = declaration
  const schema = parameters ?? parametersJsonSchema
  return { type: 'function', name, ...defined({ description, parameters: schema }), ...others }
}

export function toolResultsOf(contents: readonly unknown[]): ToolResult[] {
  return contents.flatMap((content) => partsOf(content).flatMap(toToolResult))
}

/** The results that the request brings, after the model's last content; others may be beside them. */
export function newResultsOf(contents: readonly unknown[]): ToolResult[] {
  const last = contents.findLastIndex((content) => asObject(content)?.role === 'model')
  return toolResultsOf(contents.slice(last + 1))
}

/** The results with which the contents end; none if they end with anything else. */
export function lastResultsOf(contents: readonly unknown[]): ToolResult[] {
  const last = contents.at(-1)
  const results = toolResultsOf([last])
  return results.length === partsOf(last).length ? results : []
}

function partsOf(content: unknown): readonly unknown[] {
  const parts = asObject(content)?.parts
  return asArray(parts) ?? (isObject(parts) ? [parts] : [])
}

function toToolResult(part: unknown): ToolResult[] {
  const result = asObject(memberOf(asObject(part), 'functionResponse'))
  if (result === undefined) return []
  const { id, name, response } = result
  const isError = asObject(response)?.error !== undefined
  const ids = defined({ callId: asString(id), name: asString(name) })
  return [{ ...ids, isError, content: resultContent(response) }]
}

/** Clients put a text under one of these names, some beside the name of the tool. */
const textNames = ['output', 'result', 'content', 'error']

function resultContent(response: unknown): string {
  if (response === undefined || response === null) return ''
  const { name: _, ...others } = asObject(response) ?? {}
  const [[name = '', value] = [], ...more] = Object.entries(others)
  const isText = more.length === 0 && textNames.includes(name) && typeof value === 'string'
  return isText ? value : (toJson(response) ?? '')
}
