/** Readers of OTLP/JSON's members. A member of another type is a complaint, and is read as an empty value. */

import { Buffer } from 'node:buffer'
import { isObject, type JsonObject } from '@turnlog/conventions/plain'

/** Takes a problem; the first one of a record is its `problem`. */
export type Complain = (problem: string) => void

const maxUint64 = 2n ** 64n - 1n
const maxInt64 = 2n ** 63n - 1n
const maxUint32 = 2 ** 32 - 1

export function toText(value: unknown, name: string, complain: Complain): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  complain(`${name} is not a string`)
  return ''
}

export function toBoolean(value: unknown, complain: Complain): boolean {
  if (typeof value === 'boolean') return value
  complain('boolValue is not a boolean')
  return false
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
  return toUnsigned(value, `${name} is not a time in nanoseconds`, complain)
}

/** A 64-bit count, however large. */
export function toTotal(value: unknown, name: string, complain: Complain): bigint {
  return toUnsigned(value, `${name} is not a 64-bit count`, complain)
}

function toUnsigned(value: unknown, problem: string, complain: Complain): bigint {
  if (value === undefined || value === null || value === '') return 0n
  const integer = toBigInt(value)
  if (integer !== undefined && integer >= 0n && integer <= maxUint64) return integer
  complain(problem)
  return 0n
}

function toBigInt(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : undefined
  if (typeof value === 'string' && /^-?\d{1,32}$/.test(value)) return BigInt(value)
  return undefined
}

export function toCount(value: unknown, name: string, complain: Complain): number {
  if (value === undefined || value === null) return 0
  const count = Number(toBigInt(value) ?? Number.NaN)
  if (count >= 0 && count <= maxUint32) return count
  complain(`${name} is not a 32-bit count`)
  return 0
}

/** An offset or scale: 32 bits, signed. */
export function toSmallInteger(value: unknown, name: string, complain: Complain): number {
  if (value === undefined || value === null) return 0
  const integer = Number(toBigInt(value) ?? Number.NaN)
  if (integer >= -(2 ** 31) && integer < 2 ** 31) return integer
  complain(`${name} is not a 32-bit integer`)
  return 0
}

/** An unknown number stays as it is, as in proto3; an unknown name is unspecified. */
export function toEnum(value: unknown, name: string, names: readonly string[], complain: Complain) {
  if (value === undefined || value === null) return 0
  if (typeof value === 'string' && !/^-?\d+$/.test(value)) return Math.max(names.indexOf(value), 0)
  const code = Number(toBigInt(value) ?? Number.NaN)
  if (Math.abs(code) < 2 ** 31) return code
  complain(`${name} is not an enum`)
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
