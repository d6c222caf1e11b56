/** How long the OTLP/JSON of attributes will be, without making it. Pure. */

import { toAnyValue } from '@turnlog/conventions/otlp/any-value'
import type { SealedAttributes } from './otlp-json.ts'

/** JSON's longest form of a character, `\u0000`. */
const escapedBytesMax = 6
/** Of `{"key":…,"value":{"stringValue":…}},`. */
const frameBytes = 48

export function attributesBytes(attributes: SealedAttributes): number {
  let bytes = 0
  for (const [name, value] of Object.entries(attributes)) {
    bytes += frameBytes + escapedBytes(name) + valueBytes(value)
  }
  return bytes
}

export function valueBytes(value: unknown): number {
  if (typeof value === 'string') return escapedBytes(value)
  if (value instanceof Uint8Array) return base64Bytes(value)
  return typeof value === 'object' ? Buffer.byteLength(JSON.stringify(toAnyValue(value))) : 0
}

/** More than that, quickly. */
export function bytesBound(attributes: SealedAttributes): number {
  let bound = 0
  for (const [name, value] of Object.entries(attributes)) {
    bound += frameBytes + name.length * escapedBytesMax
    if (typeof value === 'string') bound += value.length * escapedBytesMax
    else bound += valueBytes(value)
  }
  return bound
}

function base64Bytes({ byteLength }: Uint8Array): number {
  return Math.ceil(byteLength / 3) * 4
}

/** The length in UTF-8 of a text's JSON. */
export function escapedBytes(text: string): number {
  let bytes = 2
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code < 0x20) bytes += code >= 8 && code <= 13 && code !== 11 ? 2 : escapedBytesMax
    else if (code < 0x80) bytes += code === 0x22 || code === 0x5c ? 2 : 1
    else if (code < 0x800) bytes += 2
    else if (code < 0xd800 || code > 0xdfff) bytes += 3
    else if (isPair(text, at)) {
      bytes += 4
      at += 1
    } else bytes += escapedBytesMax
  }
  return bytes
}

function isPair(text: string, at: number): boolean {
  const [high, low] = [text.charCodeAt(at), text.charCodeAt(at + 1)]
  return high <= 0xdbff && low >= 0xdc00 && low <= 0xdfff
}
