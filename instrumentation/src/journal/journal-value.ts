/**
 * Values of attributes and log bodies in a journal's heads: pure. JSON as it is, and where JSON has no form, or where
 * a form would be taken for another, an object with one member:
 *
 *     {"n": "NaN"}  a number that is none, or infinite     {"b": "…"}  bytes, in Base64
 *     {"i": "12"}   a bigint                               {"m": {…}}  an object
 *
 * A list is a list. What is no value at all (a function) is left out; what lies deeper than `depthMax`, as a circle
 * does, or throws when it is looked at, is null.
 */

const depthMax = 64

/** For `JSON.stringify`. What already is JSON, as nearly everything is, comes back itself. */
export function toJournalValue(value: unknown, depth = 0): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'undefined':
      return value
    case 'number':
      return Number.isFinite(value) ? value : { n: String(value) }
    case 'bigint':
      return { i: value.toString() }
    case 'object':
      if (value === null || depth >= depthMax) return null
      try {
        return toJournalObject(value, depth)
      } catch {
        return null
      }
    default:
      return undefined
  }
}

function toJournalObject(value: object, depth: number): unknown {
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value
    return { b: Buffer.from(buffer, byteOffset, byteLength).toString('base64') }
  }
  if (Array.isArray(value)) return value.map((member) => toJournalValue(member, depth + 1))
  const members = Object.entries(value).map(([key, member]) => [
    key,
    toJournalValue(member, depth + 1),
  ])
  return { m: Object.fromEntries(members) }
}

/** What `toJournalValue` was given. A form that is not known stays what it is. */
export function fromJournalValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(fromJournalValue)
  const [[form, content] = [], ...others] = Object.entries(value)
  if (others.length > 0) return value
  if (form === 'm' && typeof content === 'object' && content !== null) {
    return Object.fromEntries(
      Object.entries(content).map(([key, member]) => [key, fromJournalValue(member)]),
    )
  }
  if (typeof content !== 'string') return value
  switch (form) {
    case 'n':
      return Number(content)
    case 'i':
      return BigInt(content)
    case 'b':
      return Buffer.from(content, 'base64')
    default:
      return value
  }
}
