/**
 * The JSON text of a stored column → values that keep every digit of an integer, and distinguish integers from doubles
 * without a fraction, which are stored as `1.0`. Pure.
 */

export type StoredValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Double
  | readonly StoredValue[]
  | { readonly [key: string]: StoredValue }
export type StoredObject = { readonly [key: string]: StoredValue }

/** A double without a fraction. A double with one is a number, and so is a safe integer. */
export class Double {
  readonly value: number

  constructor(value: number) {
    this.value = value
  }
}

/** A number that `JSON.parse` alone would read as another one. A match inside a string costs only time. */
const needsCare = /[:[,] ?-?(?:\d{16}|\d+\.0+\s*[,\]}])/

/** Throws a SyntaxError on what is not JSON. */
export function parseStored(text: string): StoredValue {
  return needsCare.test(text) ? JSON.parse(text, keepKind) : JSON.parse(text)
}

function keepKind(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || !Number.isInteger(value)) return value
  const source = context?.source ?? ''
  if (!/^-?\d+$/.test(source)) return new Double(value)
  return Number.isSafeInteger(value) ? value : BigInt(source)
}

export function isStoredObject(value: StoredValue | undefined): value is StoredObject {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Double)
  )
}

/** Members sorted by name. */
export function membersOf(object: StoredObject): readonly (readonly [string, StoredValue])[] {
  return Object.entries(object).sort(([left], [right]) => (left < right ? -1 : 1))
}

/** JSON text as other programs write it: doubles without a fraction like integers, integers with every digit. */
export function toPlainJson(value: StoredValue): string {
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Double) return JSON.stringify(value.value)
  if (Array.isArray(value)) return `[${value.map(toPlainJson).join(',')}]`
  if (!isStoredObject(value)) return JSON.stringify(value)
  const members = membersOf(value).map(
    ([key, member]) => `${JSON.stringify(key)}:${toPlainJson(member)}`,
  )
  return `{${members.join(',')}}`
}

/** The reference to a content that a row holds in the place of an attribute. */
export interface StoredReference {
  /** One content, or a list that is stored message by message and known by its last link. */
  readonly kind: 'content' | 'messages'
  /** 64 hex digits. */
  readonly sha256: string
  /** Bytes of the whole; undefined when only the content, which travels apart, has it. */
  readonly size: number | undefined
  /** The attribute's type; the content of a list or map is its JSON text. Undefined when only the content has it. */
  readonly type: 'string' | 'bytes' | 'json' | undefined
  /** The content is JSON of which large members are contents themselves, with references in their places. */
  readonly hasReferences: boolean
}

/** Undefined for any other value. */
export function referenceOf(value: StoredValue | undefined): StoredReference | undefined {
  if (!isStoredObject(value)) return undefined
  const kind = 'turnlog.content' in value ? 'content' : 'messages'
  const hash = kind === 'content' ? value['turnlog.content'] : value['turnlog.messages']
  if (typeof hash !== 'string' || !/^sha256:[0-9a-f]{64}$/.test(hash)) return undefined
  return {
    kind,
    sha256: hash.slice('sha256:'.length),
    size: typeof value.size === 'number' ? value.size : undefined,
    type: typeOf(value),
    hasReferences: value.refs === true,
  }
}

function typeOf({ type, ref }: StoredObject): StoredReference['type'] {
  if (type === 'bytes' || type === 'json') return type
  return ref === true ? undefined : 'string'
}
