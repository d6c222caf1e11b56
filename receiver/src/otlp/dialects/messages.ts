/**
 * Reads the values of other conventions, *dialects*, and makes messages in the form of the GenAI convention from them. Pure.
 */
import { fromJson, parseJson, toJsonText } from '../wire/json.ts'
import type { AnyValue, AttributeMap } from '../wire/request.ts'

/** Values by their names in the GenAI convention. */
export type Derived = Readonly<Record<string, AnyValue | undefined>>

/** In characters. A longer text could hold millions of values, for which no memory was reserved. */
const jsonLengthMax = 4 * 1024 ** 2
const jsonDepthMax = 200

/** The JSON inside an attribute; undefined when it is too long. Throws when it is not JSON, or nested too deeply. */
export function readJson(text: string): AnyValue | undefined {
  return text.length > jsonLengthMax ? undefined : fromJson(parseJson(text), jsonDepthMax)
}

/** An array with more elements is not a conversation; it is stored whole. */
export const messagesMax = 10_000

export interface Part {
  readonly type: string
  readonly [member: string]: AnyValue | undefined
}

export interface Message {
  readonly role: string
  readonly parts: readonly Part[]
  readonly finish_reason?: string | undefined
}

/** Undefined for an empty list. */
export function toMessages(messages: readonly Message[]): string | undefined {
  if (messages.length === 0) return undefined
  return toJsonText(
    messages.map(({ role, parts, finish_reason }) =>
      mapOf({ role, parts: parts.map(mapOf), finish_reason }),
    ),
  )
}

/** One message of one text; undefined without a text. */
export function textMessage(role: string, text: AnyValue | undefined): string | undefined {
  const part = textPart(text)
  return part && toMessages([{ role, parts: [part] }])
}

export function textPart(text: AnyValue | undefined): Part | undefined {
  const content = asText(text)
  return content === undefined || content === '' ? undefined : { type: 'text', content }
}

export function present<Value>(values: readonly (Value | undefined)[]): readonly Value[] {
  return values.filter((value) => value !== undefined)
}

/** A text itself, another value as JSON. */
export function asText(value: AnyValue | undefined): string | undefined {
  if (value === undefined || value === null) return undefined
  return typeof value === 'string' ? value : toJsonText(value)
}

function mapOf(members: Readonly<Record<string, AnyValue | undefined>>): AttributeMap {
  return new Map(
    Object.entries(members).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    ),
  )
}

/** The structure that was flattened into the attributes `prefix.0.role`, `prefix.0.content` … */
export type Tree = ReadonlyMap<string, Tree | AnyValue>

/** The elements of a list that was flattened into attributes, in their order. */
export function listAt(attributes: AttributeMap, prefix: string): readonly Tree[] {
  const root: MutableTree = new Map()
  for (const [key, value] of attributes) {
    if (key.startsWith(prefix)) put(root, key.slice(prefix.length).split('.'), value)
  }
  return elementsOf(root)
}

/** The elements of a tree whose keys are numbers. */
export function elementsOf(tree: Tree | AnyValue | undefined): readonly Tree[] {
  if (!isTree(tree)) return []
  return [...tree]
    .filter(([key]) => /^\d{1,6}$/.test(key))
    .sort(([left], [right]) => Number(left) - Number(right))
    .flatMap(([, one]) => (isTree(one) ? [one] : []))
    .slice(0, messagesMax)
}

/** One message of such a list. `memberOf` reads a tool call's `id`, `name` or `arguments`, which dialects call differently. */
export function toMessage(
  message: Tree | AnyValue | undefined,
  memberOf: (call: Tree, name: string) => AnyValue | undefined,
  contents: readonly (Part | undefined)[] = [],
): Message {
  const at = (name: string) => leafOf(message, name)
  const role = asText(at('role')) ?? ''
  const [id, content] = [at('tool_call_id'), at('content')]
  if (id !== undefined) {
    return { role, parts: [{ type: 'tool_call_response', id, response: content }] }
  }
  const calls = elementsOf(isTree(message) ? message.get('tool_calls') : undefined).map((call) => {
    const [callId, name] = [memberOf(call, 'id'), memberOf(call, 'name')]
    return { type: 'tool_call', id: callId, name, arguments: memberOf(call, 'arguments') }
  })
  return { role, parts: present([textPart(content), ...contents, ...calls]) }
}

export function leafOf(
  tree: Tree | AnyValue | undefined,
  ...path: readonly string[]
): AnyValue | undefined {
  const [name, ...rest] = path
  if (!isTree(tree) || name === undefined) return undefined
  const inner = tree.get(name)
  if (rest.length > 0) return leafOf(inner, ...rest)
  return isTree(inner) ? undefined : inner
}

type MutableTree = Map<string, MutableTree | AnyValue>

/** Iterative, because a key may have many dots. Of a value and values below it the first one is used. */
function put(root: MutableTree, path: readonly string[], value: AnyValue): void {
  let tree = root
  for (const name of path.slice(0, -1)) {
    const inner = tree.get(name) ?? new Map()
    if (!(inner instanceof Map)) return
    tree.set(name, inner)
    tree = inner as MutableTree
  }
  const last = path.at(-1) ?? ''
  if (!tree.has(last)) tree.set(last, value)
}

function isTree(value: unknown): value is Tree {
  return value instanceof Map
}
