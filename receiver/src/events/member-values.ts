/** The values of an event's members, each read by its kind. */

import { Buffer } from 'node:buffer'
import { type ContentHash, parseContentHash } from '@turnlog/conventions'
import { isObject, type JsonObject } from '@turnlog/conventions/plain'
import { fromJson, toJsonText } from '../otlp/wire/json.ts'
import type { Kind, Member } from './definitions.ts'
import { parseMilliseconds, parseTime } from './event-time.ts'

export type MemberValue =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  /** Content that is uploaded as an attachment. */
  | { readonly kind: 'reference'; readonly hash: ContentHash; readonly size: bigint | undefined }
  | { readonly kind: 'count'; readonly count: bigint }
  | { readonly kind: 'nanoseconds'; readonly nanoseconds: bigint }
  | {
      readonly kind: 'failure'
      readonly type?: string | undefined
      readonly message?: string | undefined
    }
  | {
      readonly kind: 'system'
      readonly type?: string | undefined
      readonly version?: string | undefined
    }

export type ReadResult =
  /** `isPart`: the member has more than the value holds. */
  | { readonly status: 'read'; readonly value: MemberValue; readonly isPart?: boolean }
  | { readonly status: 'absent' }
  | { readonly status: 'wrong'; readonly expected: string }

const absent: ReadResult = { status: 'absent' }

/** `value` is parsed JSON; the caller has bounded its depth. */
export function readMember(value: unknown, { kind, choices }: Member): ReadResult {
  if (value === undefined || value === null) return absent
  if (choices !== undefined) return readChoice(value, choices)
  return readers[kind](value)
}

const readers: Readonly<Record<Kind, (value: unknown) => ReadResult>> = {
  time(value) {
    const nanoseconds = parseTime(value)
    if (nanoseconds !== undefined) return read({ kind: 'nanoseconds', nanoseconds })
    return wrong('a time: ISO 8601, or milliseconds since 1970')
  },

  milliseconds(value) {
    const nanoseconds = parseMilliseconds(value)
    if (nanoseconds !== undefined) return read({ kind: 'nanoseconds', nanoseconds })
    return wrong('milliseconds, from 0 up')
  },

  id(value) {
    const text = idOf(value)
    if (text === '') return absent
    return text === undefined ? wrong('a string or an integer') : read({ kind: 'text', text })
  },

  text(value) {
    return typeof value === 'string' ? read({ kind: 'text', text: value }) : wrong('a string')
  },

  count(value) {
    const text = typeof value === 'string' ? value : idOf(value)
    if (text !== undefined && /^\d{1,18}$/.test(text)) {
      return read({ kind: 'count', count: BigInt(text) })
    }
    return wrong('an integer from 0 up')
  },

  content(value) {
    if (typeof value === 'string') return read({ kind: 'text', text: value })
    const reference = referenceOf(value)
    return reference ? read(reference) : wrong('a string or {"ref": "sha256:…"}')
  },

  file(value) {
    if (typeof value === 'string') return read({ kind: 'text', text: value })
    const other = referenceOf(value) ?? base64Of(value)
    return other ? read(other) : wrong('a string, {"ref": "sha256:…"} or {"base64": "…"}')
  },

  json(value) {
    if (typeof value === 'string') return read({ kind: 'text', text: value })
    return read(referenceOf(value) ?? { kind: 'text', text: toJsonText(fromJson(value)) })
  },

  error(value) {
    if (value === false || value === '') return absent
    if (value === true) return read({ kind: 'failure' })
    if (typeof value === 'string') return read({ kind: 'failure', message: value })
    if (!isObject(value)) return wrong('a message, {"type", "message"} or true')
    const type = idOf(value.type)
    const message = typeof value.message === 'string' ? value.message : undefined
    return {
      ...read({ kind: 'failure', type, message }),
      isPart: !consistsOf(value, ['type', 'message']),
    }
  },

  system(value) {
    if (typeof value === 'string') return read({ kind: 'system', type: value })
    if (!isObject(value)) return wrong('a name, or {"type", "version"}')
    const system = { kind: 'system', type: idOf(value.type), version: idOf(value.version) } as const
    return { ...read(system), isPart: !consistsOf(value, ['type', 'version']) }
  },
}

function readChoice(value: unknown, choices: readonly string[]): ReadResult {
  const text = typeof value === 'string' ? value.trim().toLowerCase() : ''
  if (choices.includes(text)) return read({ kind: 'text', text })
  return wrong(`${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`)
}

/** Ids from databases are numbers: 7 and "7" are the same id. */
function idOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) return String(value)
  return undefined
}

/** An object whose `ref` is not a hash is an ordinary value, such as a tool's argument. */
function referenceOf(value: unknown): MemberValue | undefined {
  if (!isObject(value)) return undefined
  const { ref, size, ...others } = value
  const hash = parseContentHash(typeof ref === 'string' ? ref.toLowerCase() : undefined)
  if (hash === undefined || Object.keys(others).length > 0) return undefined
  const isSize = size === undefined || (Number.isSafeInteger(size) && Number(size) >= 0)
  if (!isSize) return undefined
  return { kind: 'reference', hash, size: size === undefined ? undefined : BigInt(Number(size)) }
}

function base64Of(value: unknown): MemberValue | undefined {
  if (!isObject(value) || Object.keys(value).length !== 1) return undefined
  const { base64 } = value
  if (typeof base64 !== 'string' || !/^[\w+/-]*={0,2}$/.test(base64)) return undefined
  // One last digit alone is not a byte: the text was cut.
  if (base64.replace(/=+$/, '').length % 4 === 1) return undefined
  return { kind: 'bytes', bytes: Buffer.from(base64, 'base64') }
}

/** True when the object has these members only, and each is a string. */
function consistsOf(value: JsonObject, names: readonly string[]): boolean {
  return Object.entries(value).every(
    ([name, one]) => names.includes(name) && typeof one === 'string',
  )
}

function read(value: MemberValue): ReadResult & { readonly status: 'read' } {
  return { status: 'read', value }
}

function wrong(expected: string): ReadResult {
  return { status: 'wrong', expected }
}
