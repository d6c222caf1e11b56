/**
 * The items of OpenAI's Responses API that are about tools of the app: the calls that it is asked to run, and the results
 * that it sends back. Tools that the provider runs itself are none of these. Pure.
 */
import { memberOf } from '@turnlog/conventions/otlp/json-scan'
import {
  asArray,
  asObject,
  asString,
  defined,
  type JsonObject,
  parseJson,
  toJson,
} from '@turnlog/conventions/plain'
import type { Part, ToolCallRequest, ToolResult } from '../model-api.ts'

/** The kinds of calls that an app can be asked to run, and the member that has the arguments; the first that is there. */
const argumentMembers: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['function_call', ['arguments']],
  ['custom_tool_call', ['input']],
  ['computer_call', ['action', 'actions']],
  ['local_shell_call', ['action']],
  ['shell_call', ['action']],
  ['apply_patch_call', ['operation']],
  ['tool_search_call', ['arguments']],
])

/** The kinds of results, and the member that has the content. */
const contentMembers: ReadonlyMap<unknown, string> = new Map([
  ['function_call_output', 'output'],
  ['custom_tool_call_output', 'output'],
  ['computer_call_output', 'output'],
  ['local_shell_call_output', 'output'],
  ['shell_call_output', 'output'],
  ['apply_patch_call_output', 'output'],
  ['tool_search_output', 'tools'],
])

interface AppCall {
  readonly id: string | undefined
  readonly name: string
  /** The member of the item that has the arguments. */
  readonly member: string
}

/** `undefined`: the item is not a call, or the provider runs it. */
function appCallOf(item: JsonObject): AppCall | undefined {
  const members = argumentMembers.get(item.type)
  if (members === undefined || isHosted(item)) return undefined
  const hasOwnName = item.type === 'function_call' || item.type === 'custom_tool_call'
  // The other kinds are tools of the API: their calls are named after them.
  const name = hasOwnName ? asString(item.name) : String(item.type).replace(/_call$/, '')
  if (name === undefined) return undefined
  const member = members.find((each) => item[each] !== undefined) ?? members[0] ?? ''
  return { id: asString(item.call_id) ?? asString(item.id), name, member }
}

/** Whether the provider runs the call: a shell in its own container, or a search among tools it has been given. */
function isHosted({ type, environment, execution }: JsonObject): boolean {
  if (type === 'tool_search_call') return execution !== 'client'
  return type === 'shell_call' && /^container_/.test(String(asObject(environment)?.type))
}

/** `json`: the item as it was written, if it is known. */
export function toolCallsOf(item: JsonObject, json?: string): ToolCallRequest[] {
  const call = appCallOf(item)
  if (call === undefined) return []
  const { id, name, member } = call
  const value = item[member]
  // A function's arguments are JSON inside a string; a custom tool's input is any text.
  const written =
    typeof value === 'string' && item.type !== 'custom_tool_call'
      ? value
      : (memberOf(json ?? '', member) ?? toJson(value ?? {}) ?? '')
  // A function without parameters may have nothing as its arguments.
  const given = written === '' && item.type !== 'custom_tool_call' ? '{}' : written
  return [{ ...defined({ id }), name, arguments: given }]
}

/** `undefined`: not a call that the app runs. Arguments that were cut stay text. */
export function toolCallPart(item: JsonObject): Part | undefined {
  const call = appCallOf(item)
  if (call === undefined) return undefined
  const { type, id: itemId, call_id: _, name: __, [call.member]: value, ...others } = item
  const isText = type === 'custom_tool_call' || typeof value !== 'string'
  return {
    type: 'tool_call',
    id: call.id,
    name: call.name,
    arguments: isText ? value : (parseJson(value) ?? value),
    ...itemMembers(type === 'function_call' ? undefined : type, itemId),
    ...others,
  }
}

/** `undefined`: not a result. */
export function toolResultPart(item: JsonObject): Part | undefined {
  const member = contentMembers.get(item.type)
  if (member === undefined) return undefined
  const { type, id: itemId, call_id: _, [member]: content, ...others } = item
  return {
    type: 'tool_call_response',
    id: callIdOf(item),
    response: content ?? '',
    ...itemMembers(type === 'function_call_output' ? undefined : type, itemId),
    ...others,
  }
}

function itemMembers(item_type: unknown, item_id: unknown): JsonObject {
  return defined({ item_type, item_id })
}

/** The results among the items of a request. */
export function toolResultsOf(items: readonly unknown[]): ToolResult[] {
  return items.flatMap((each) => {
    const item = asObject(each)
    const member = contentMembers.get(item?.type)
    if (item === undefined || member === undefined) return []
    const callId = callIdOf(item)
    const name = callId === undefined ? asString(item.name) : undefined
    if (callId === undefined && name === undefined) return []
    const content = resultContent(item[member])
    return [{ ...defined({ callId, name }), isError: item.status === 'failed', content }]
  })
}

/** The result of a local shell has no `call_id`: its own id is that of the call. */
function callIdOf({ type, call_id, id }: JsonObject): string | undefined {
  return asString(call_id) ?? (type === 'local_shell_call_output' ? asString(id) : undefined)
}

function resultContent(content: unknown): string {
  if (content === undefined || content === null) return ''
  if (typeof content === 'string') return content
  const contents = asArray(content)
  const only = contents?.length === 1 ? asObject(contents[0]) : undefined
  if (only?.type === 'input_text' && typeof only.text === 'string') return only.text
  return toJson(content) ?? ''
}
