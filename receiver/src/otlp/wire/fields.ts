/**
 * Readers of a message's members: parsed JSON, or a message that protobufjs decoded. Both have the same member names, and
 * the type of a value shows its encoding: JSON has no `Buffer` and no `Long`.
 *
 * A member of a wrong type is a complaint, and is read as an empty value. Only JSON has such members: protobuf's are refused
 * by `protobuf-schema.ts`.
 */
import { Buffer } from 'node:buffer'
import { isObject, type JsonObject } from '@turnlog/conventions/plain'
import protobuf from 'protobufjs'

/** Takes a problem; the first one of a record is its `problem`. */
export type Complain = (problem: string) => void

/** `emptyArray` is the value of a `bytes` field that was not sent. */
const { Long, emptyArray } = protobuf.util
const maxUint64 = 2n ** 64n - 1n
const maxInt64 = 2n ** 63n - 1n
const int32 = { min: -(2 ** 31), max: 2 ** 31 - 1 }
const uint32 = { min: 0, max: 2 ** 32 - 1 }

/** The members of a oneof that were sent: in protobuf at most one, in JSON perhaps several. */
export function sentOf<Name extends string>(
  wire: JsonObject,
  oneof: string,
  names: readonly Name[],
): Name[] {
  const first = firstSentOf(wire, oneof, names)
  return names.filter((name) => name === first || (!isMessage(wire) && isSent(wire[name])))
}

/**
 * The first of the names that was sent. In protobuf it is the member that is last on the wire; the others have default
 * values, which do not count.
 */
export function firstSentOf<Name extends string>(
  wire: JsonObject,
  oneof: string,
  names: readonly Name[],
): Name | undefined {
  const isProtobuf = isMessage(wire)
  const last = isProtobuf ? wire[oneof] : undefined
  for (const name of names) if (isProtobuf ? name === last : isSent(wire[name])) return name
  return undefined
}

function isMessage(wire: JsonObject): boolean {
  return wire instanceof protobuf.Message
}

function isSent(value: unknown): boolean {
  return value !== undefined && value !== null
}

/** Bytes that are not UTF-8 become U+FFFD. */
export function toText(value: unknown, name: string, complain: Complain): string {
  if (typeof value === 'string') return value
  if (value === undefined || value === null || value === emptyArray) return ''
  if (value instanceof Buffer) return value.toString('utf8')
  complain(`${name} is not a string`)
  return ''
}

/** An id in hex, as JSON sends it. */
export function toId(value: unknown, name: string, complain: Complain): string {
  if (value instanceof Buffer) return value.toString('hex')
  return toText(value, name, complain)
}

export function toBoolean(value: unknown, name: string, complain: Complain): boolean {
  if (isSent(value) && typeof value !== 'boolean') complain(`${name} is not a boolean`)
  return value === true
}

export function toDouble(value: unknown, name: string, complain: Complain): number {
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value)
  if (typeof value === 'string' && /^(NaN|-?Infinity|-?\d+(\.\d*)?([eE][-+]?\d+)?)$/.test(value)) {
    return Number(value)
  }
  complain(`${name} is not a number`)
  return 0
}

/** A number beyond 64 bits is a double: the JavaScript SDK sends `1e300` as an integer. */
export function toInteger(value: unknown, name: string, complain: Complain): bigint | number {
  const integer = toBigInt(value)
  if (integer !== undefined && integer <= maxInt64 && integer >= -maxInt64 - 1n) return integer
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value)
  complain(`${name} is not a 64-bit integer`)
  return 0n
}

/** Either alphabet, padded or not. */
const base64 = /^[\w+/-]*={0,2}$/

/** Base64, or the JSON of a `Uint8Array` or `Buffer`, which version 1 of the JavaScript SDK sends. */
export function toBytes(value: unknown, complain: Complain): Buffer {
  if (value instanceof Buffer) return value
  if (typeof value === 'string' && base64.test(value)) return Buffer.from(value, 'base64')
  const bytes = isObject(value) ? byteList(value) : undefined
  if (bytes !== undefined) return Buffer.from(bytes)
  complain('bytesValue is not base64')
  return Buffer.alloc(0)
}

function byteList(value: JsonObject): readonly number[] | undefined {
  const list = value.type === 'Buffer' ? value.data : Object.values(value)
  if (!Array.isArray(list) || !list.every(isByte)) return undefined
  const isWhole = value.type === 'Buffer' || list.every((_, index) => String(index) in value)
  return isWhole ? list : undefined
}

function isByte(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 255
}

export function toNanoseconds(value: unknown, name: string, complain: Complain): bigint {
  return toUnsigned(value, () => complain(`${name} is not a time in nanoseconds`))
}

/** A 64-bit count, however large. */
export function toTotal(value: unknown, name: string, complain: Complain): bigint {
  return toUnsigned(value, () => complain(`${name} is not a 64-bit count`))
}

function toUnsigned(value: unknown, complain: () => void): bigint {
  if (value === undefined || value === null || value === '') return 0n
  const integer = toBigInt(value)
  if (integer !== undefined && integer >= 0n && integer <= maxUint64) return integer
  complain()
  return 0n
}

function toBigInt(value: unknown): bigint | undefined {
  if (value instanceof Long) {
    const bits = (BigInt(value.high >>> 0) << 32n) | BigInt(value.low >>> 0)
    return value.unsigned ? bits : BigInt.asIntN(64, bits)
  }
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : undefined
  if (typeof value === 'string' && /^-?\d{1,32}$/.test(value)) return BigInt(value)
  return undefined
}

export function toCount(value: unknown, name: string, complain: Complain): number {
  return toNumber(value, uint32, () => complain(`${name} is not a 32-bit count`))
}

/** An offset or scale: 32 bits, signed. */
export function toSmallInteger(value: unknown, name: string, complain: Complain): number {
  return toNumber(value, int32, () => complain(`${name} is not a 32-bit integer`))
}

/** An unknown number stays as it is, as in proto3; an unknown name is unspecified. */
export function toEnum(value: unknown, name: string, names: readonly string[], complain: Complain) {
  if (typeof value === 'string' && !/^-?\d+$/.test(value)) return Math.max(names.indexOf(value), 0)
  return toNumber(value, int32, () => complain(`${name} is not an enum`))
}

function toNumber(value: unknown, { min, max }: typeof int32, complain: () => void): number {
  if (value === undefined || value === null) return 0
  const number = typeof value === 'number' ? value : Number(toBigInt(value) ?? Number.NaN)
  if (Number.isInteger(number) && number >= min && number <= max) return number
  complain()
  return 0
}

export function toRecords(value: unknown, name: string, complain: Complain): readonly JsonObject[] {
  return toList(value, name, complain).map((entry) => recordOf(entry, name, complain))
}

export function toList(value: unknown, name: string, complain: Complain): readonly unknown[] {
  if (value === undefined || value === null) return []
  if (Array.isArray(value)) return value
  complain(`${name} is not a list`)
  return []
}

export function recordOf(value: unknown, name: string, complain: Complain): JsonObject {
  if (isObject(value)) return value
  complain(`${name} is not an object`)
  return {}
}

export function collectProblems(): { problems: string[]; complain: Complain } {
  const problems: string[] = []
  return { problems, complain: (problem) => void problems.push(problem) }
}
