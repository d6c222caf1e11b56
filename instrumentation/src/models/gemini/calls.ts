/**
 * The function calls of a Gemini answer: pure. Most come whole in one part. On Vertex AI their arguments may come in
 * pieces: a part with the name, parts with `partialArgs`, which set one value by its path, and a part without any.
 */
import { elementsOf, memberOf } from '@turnlog/conventions/otlp/json-scan'
import {
  asArray,
  asNumber,
  asObject,
  asString,
  defined,
  isObject,
  type JsonObject,
  toJson,
} from '@turnlog/conventions/plain'
import type { ToolCallRequest } from '../model-api.ts'

/** A part with a function call that is complete, and the call. */
export interface FunctionCallPart {
  readonly part: JsonObject
  /** `undefined`: it has no name. */
  readonly request: ToolCallRequest | undefined
}

/** Puts the parts of a call together. */
export class FunctionCalls {
  #open:
    | { readonly part: JsonObject; readonly call: JsonObject; readonly args: JsonObject }
    | undefined
  /** Counts the characters of the pieces. */
  openLength = 0

  /** Takes the next part with a `functionCall`; `written`: its JSON. Returns the calls that are complete with it. */
  take(part: JsonObject, written: string): FunctionCallPart[] {
    const call = asObject(part.functionCall) ?? {}
    const { name, partialArgs } = call
    const pieces = asArray(partialArgs) ?? []
    const continues = [call, ...pieces].some((each) => asObject(each)?.willContinue === true)
    const isPiece = partialArgs !== undefined || continues
    const before = name !== undefined ? this.end() : []
    if (this.#open === undefined && !isPiece) {
      const args = memberOf(memberOf(written, 'functionCall') ?? '', 'args')
      return [...before, { part, request: requestOf(call, args) }]
    }
    const open = this.#open ?? { part, call, args: asObject(call.args) ?? {} }
    this.openLength += written.length
    const args = withPieces(open.args, pieces)
    this.#open = { part: { ...part, ...open.part }, call: open.call, args }
    return continues ? before : [...before, ...this.end()]
  }

  /** The call that is not complete, as far as it came. */
  end(): FunctionCallPart[] {
    if (this.#open === undefined) return []
    const { part, call: first, args } = this.#open
    this.#open = undefined
    this.openLength = 0
    const { partialArgs: _, willContinue: __, ...others } = first
    const call = { ...others, args }
    return [{ part: { ...part, functionCall: call }, request: requestOf(call, undefined) }]
  }
}

function requestOf({ id, name, args }: JsonObject, written: string | undefined) {
  const tool = asString(name)
  if (tool === undefined) return undefined
  return defined({
    id: asString(id) || undefined,
    name: tool,
    arguments: written ?? toJson(args ?? {}) ?? '',
  }) as ToolCallRequest
}

/** The JSON of the parts of a candidate, exactly as they were written. `position`: where it is in the answer's list. */
export function writtenParts(answer: string, position: number): readonly string[] {
  const candidate = elementsOf(memberOf(answer, 'candidates') ?? '')?.[position] ?? ''
  return elementsOf(memberOf(memberOf(candidate, 'content') ?? '', 'parts') ?? '') ?? []
}

/** A longer path is not followed. */
const stepsMax = 64

function withPieces(args: JsonObject, pieces: readonly unknown[]): JsonObject {
  return pieces.reduce<JsonObject>((all, piece) => {
    if (!isObject(piece)) return all
    const path = asString(piece.jsonPath)
    const steps = path === undefined ? [] : stepsOf(path)
    const isFollowed = steps.length > 0 && steps.length <= stepsMax
    return !isFollowed ? all : (asObject(withValue(all, steps, piece)) ?? all)
  }, args)
}

/** `$.a.b[0]['c']` → a, b, 0, c. An array that is empty or ends is written `$.a[]`. */
function stepsOf(path: string): (string | number)[] {
  const found = path.replace(/^\$/, '').matchAll(/\[(\d+)\]|\[\]|\[['"](.*?)['"]\]|\.?([^.[\]]+)/g)
  return [...found].flatMap(([, index, quoted, name]): (string | number)[] => {
    if (index !== undefined) return [Number(index)]
    const member = quoted ?? name
    return member === undefined ? [] : [member]
  })
}

function withValue(old: unknown, steps: readonly (string | number)[], piece: JsonObject): unknown {
  const [step, ...deeper] = steps
  if (step === undefined) return pieceValue(piece, old)
  if (typeof step === 'string') {
    const members = asObject(old) ?? {}
    const value = withValue(Object.hasOwn(members, step) ? members[step] : undefined, deeper, piece)
    return Object.fromEntries([...Object.entries(members), [step, value]])
  }
  const elements = [...(asArray(old) ?? [])]
  // The elements of an array come in order: a larger index would make holes.
  const at = Math.min(step, elements.length)
  elements[at] = withValue(elements[at], deeper, piece)
  return elements
}

/** A text continues the text that is there. */
function pieceValue(piece: JsonObject, old: unknown): unknown {
  const text = asString(piece.stringValue)
  if (text !== undefined) return typeof old === 'string' ? old + text : text
  const value = asNumber(piece.numberValue) ?? piece.boolValue
  if (value !== undefined && value !== null) return value
  if ('nullValue' in piece) return null
  return old ?? (String(piece.jsonPath).endsWith('[]') ? [] : {})
}
