/** A message of the Chat Completions API, put together from the pieces of a stream: pure. */
import {
  asArray,
  asNumber,
  asObject,
  asString,
  defined,
  isObject,
  type JsonObject,
  parseJson,
  toJson,
} from '@turnlog/conventions/plain'

/** The members of one streamed message. */
export class StreamedBody {
  readonly members: Record<string, unknown> = {}
  #calls: StreamedCall[] = []

  add({ tool_calls, function_call, ...delta }: JsonObject): void {
    for (const [name, value] of Object.entries(delta)) {
      const before = this.members[name]
      if (value === null || value === undefined) continue
      if (name === 'role') this.members[name] = value
      else if (name === 'content') this.members[name] = joinedContent(before, value)
      else if (name === 'reasoning_details') this.members[name] = joinedDetails(before, value)
      else if (typeof value === 'string' && typeof before === 'string') {
        this.members[name] = before + value
      } else if (Array.isArray(value) && Array.isArray(before)) {
        this.members[name] = [...before, ...value]
      } else if (isObject(value) && isObject(before)) this.members[name] = { ...before, ...value }
      else this.members[name] = value
    }
    for (const call of (asArray(tool_calls) ?? []).filter(isObject)) this.#addCall(call)
    if (isObject(function_call)) this.#addFunctionCall(function_call)
  }

  /** A later piece of a call has its index; servers that send whole calls may give all the same index, or none. */
  #addCall(delta: JsonObject): void {
    const index = asNumber(delta.index)
    const id = asString(delta.id) ?? ''
    const last = this.#calls.findLast(
      (call) =>
        (index === undefined || call.index === index) &&
        (id === '' || call.members.id === undefined || call.members.id === id),
    )
    const known = last !== undefined && isNext(last, id, delta) ? undefined : last
    const call = known ?? { index, members: {}, text: '' }
    if (known === undefined) this.#calls.push(call)
    const { index: _, id: __, function: asked, custom, ...others } = delta
    const { name, arguments: given, input, ...rest } = asObject(asked) ?? asObject(custom) ?? {}
    const piece = given ?? input
    call.text +=
      typeof piece === 'string' ? piece : piece === undefined ? '' : (toJson(piece) ?? '')
    call.members = { ...call.members, ...defined({ id: id === '' ? undefined : id }), ...others }
    call.name ||= asString(name)
    const isCustom = custom !== undefined || call.members.custom !== undefined
    const written = isCustom ? { input: call.text } : { arguments: call.text }
    const body = { ...defined({ name: call.name }), ...written, ...rest }
    call.members = { ...call.members, [isCustom ? 'custom' : 'function']: body }
    this.members.tool_calls = this.#calls.map((each) => each.members)
  }

  #addFunctionCall({ name, arguments: given }: JsonObject): void {
    const before = asObject(this.members.function_call)
    this.members.function_call = {
      name: asString(before?.name) ?? name,
      arguments: `${asString(before?.arguments) ?? ''}${asString(given) ?? ''}`,
    }
  }
}

interface StreamedCall {
  readonly index: number | undefined
  members: JsonObject
  name?: string | undefined
  text: string
}

/** Some servers give whole calls neither an id nor an index of their own: a name after a whole call begins another one. */
function isNext(
  { name, text }: StreamedCall,
  id: string,
  { function: asked }: JsonObject,
): boolean {
  if (id !== '' || name === undefined || !asString(asObject(asked)?.name)) return false
  return asObject(parseJson(text)) !== undefined
}

/** A content is a text, or a list of blocks; a stream may change from one to the other. */
function joinedContent(before: unknown, value: unknown): unknown {
  if (before === undefined) return value
  if (typeof before === 'string' && typeof value === 'string') return before + value
  return [...blocksOf(before), ...blocksOf(value)]
}

function blocksOf(content: unknown): readonly unknown[] {
  if (content === '') return []
  return (
    asArray(content) ?? [typeof content === 'string' ? { type: 'text', text: content } : content]
  )
}

/** OpenRouter's details of a reasoning: pieces of one kind and one index are one. */
function joinedDetails(before: unknown, value: unknown): unknown {
  const list = [...(asArray(before) ?? [])]
  for (const piece of asArray(value) ?? [value]) {
    const { text, summary, data, ...others } = asObject(piece) ?? {}
    const last = asObject(list.at(-1))
    const isSame = last !== undefined && last.type === others.type && last.index === others.index
    if (!isSame || others.index === undefined) {
      list.push(piece)
      continue
    }
    const grown = Object.entries({ text, summary, data }).flatMap(([name, more]) =>
      typeof more === 'string' ? [[name, (asString(last[name]) ?? '') + more] as const] : [],
    )
    const known = Object.entries(others).filter(([, member]) => member !== null)
    list[list.length - 1] = { ...last, ...Object.fromEntries(known), ...Object.fromEntries(grown) }
  }
  return list
}
