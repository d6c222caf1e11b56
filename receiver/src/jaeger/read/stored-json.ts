/**
 * The JSON text of a stored column → values that keep what they were: every digit of an integer, and whether a number
 * without fraction is a double (it is stored as `1.0`). Pure.
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

/** A double without fraction; another one is a number, as is an integer that is safe. */
export class Double {
  readonly value: number

  constructor(value: number) {
    this.value = value
  }
}

/** A number that `JSON.parse` alone would take for another. Inside text it costs only time. */
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

/** Members in the order of their names. */
export function membersOf(object: StoredObject): readonly (readonly [string, StoredValue])[] {
  return Object.entries(object).sort(([left], [right]) => (left < right ? -1 : 1))
}

/** JSON text as other programs write it: doubles without fraction like integers, nothing rounded. */
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
