/**
 * The heads of spans and logs in a journal: their types, the values they hold, and how they are read back. Pure. Times are
 * nanoseconds since 1970, as decimal strings. Long texts and bytes are contents beside the head.
 *
 * Values of attributes and log bodies are JSON, and where JSON has no form for a value, or its form would be mistaken for
 * another, an object with one member:
 *
 *     {"n": "NaN"}  NaN or an infinite number     {"b": "…"}  bytes, in Base64
 *     {"i": "12"}   a bigint                      {"m": {…}}  an object
 *
 * A list is a list. A value that has no form at all, such as a function, is left out. Values nested deeper than `depthMax`,
 * as circles are, and values that throw when they are read become null.
 */
import { isObject } from '@turnlog/conventions/plain'
import { contentText, type StoredContent } from './journal-record.ts'

type Attributes = Readonly<Record<string, unknown>>

/** Prefix of the slot of a content that was a long attribute; the attribute's name follows. */
export const attributeSlot = 'a:'
/** The slot of a log's long body. */
export const bodySlot = 'b'

/** Whether time `a` is before time `b`. */
export function isBefore(a: string, b: string): boolean {
  return a.length === b.length ? a < b : a.length < b.length
}

/** A span as it started, or, with `end`, as it ended. Long texts and bytes are contents, not attributes. */
export interface JournaledSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string | undefined
  readonly name: string
  /** As in OpenTelemetry JS's API: 0 internal … 4 consumer; OTLP's is one more. */
  readonly kind: number
  readonly start: string
  readonly end?: string
  readonly attributes: Readonly<Record<string, unknown>>
  readonly status?: { readonly code: number; readonly message?: string }
  readonly events?: readonly JournaledEvent[]
  readonly links?: readonly JournaledLink[]
  readonly scope: JournaledScope
  /** OTLP's `SpanFlags`. */
  readonly flags?: number
  readonly traceState?: string | undefined
}
export interface JournaledEvent {
  readonly name: string
  readonly time: string
  readonly attributes?: Readonly<Record<string, unknown>>
}
export interface JournaledLink {
  readonly traceId: string
  readonly spanId: string
  readonly flags?: number
  readonly traceState?: string | undefined
  readonly attributes?: Readonly<Record<string, unknown>>
}
export interface JournaledScope {
  readonly name: string
  readonly version?: string | undefined
  readonly schemaUrl?: string | undefined
}
export interface JournaledLog {
  readonly time: string
  readonly observed: string
  readonly severity?: number | undefined
  readonly severityText?: string | undefined
  readonly eventName?: string | undefined
  readonly body?: unknown
  readonly attributes: Readonly<Record<string, unknown>>
  readonly traceId?: string | undefined
  readonly spanId?: string | undefined
  readonly flags?: number | undefined
  readonly scope: JournaledScope
}

/** `described` was written by `span-writer.ts`, and the checksum of its record was right. */
export function readSpan(described: unknown, contents: readonly StoredContent[]): JournaledSpan {
  const span = described as JournaledSpan
  return {
    ...span,
    scope: readScope(span.scope),
    attributes: readAttributes(span.attributes, contents),
    ...(span.events === undefined ? {} : { events: span.events.map(withOwnValues) }),
    ...(span.links === undefined ? {} : { links: span.links.map(withOwnValues) }),
  }
}

export function readLog(described: unknown, contents: readonly StoredContent[]): JournaledLog {
  const log = described as JournaledLog
  const body = contents.find(({ slot }) => slot === bodySlot)
  return {
    ...log,
    scope: readScope(log.scope),
    attributes: readAttributes(log.attributes, contents),
    body: body === undefined ? fromJournalValue(log.body) : storedValue(body),
  }
}

function readAttributes(attributes: Attributes, contents: readonly StoredContent[]): Attributes {
  const long = contents
    .filter(({ slot }) => slot.startsWith(attributeSlot))
    .map((content) => [content.slot.slice(attributeSlot.length), storedValue(content)])
  const small = Object.entries(attributes).map(([name, value]) => [name, fromJournalValue(value)])
  // Not by assignment, because an app may call an attribute `__proto__`.
  return Object.fromEntries([...small, ...long])
}

/** A library may call itself anything, and a receiver refuses a whole request for a scope that is not text. */
function readScope(scope: unknown): JournaledScope {
  const { name, version, schemaUrl } = isObject(scope) ? scope : {}
  return {
    name: typeof name === 'string' ? name : '',
    ...(typeof version === 'string' ? { version } : {}),
    ...(typeof schemaUrl === 'string' ? { schemaUrl } : {}),
  }
}

function withOwnValues<T extends { readonly attributes?: Attributes }>(described: T): T {
  return { ...described, attributes: readAttributes(described.attributes ?? {}, []) }
}

function storedValue({ encoding, bytes }: StoredContent): string | Uint8Array {
  return contentText(encoding, bytes) ?? bytes
}

const depthMax = 64

/** The value for `JSON.stringify`: itself where JSON has a form for it, as it nearly always has. */
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

/** The inverse of `toJournalValue`. An unknown form is returned as it is. */
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
