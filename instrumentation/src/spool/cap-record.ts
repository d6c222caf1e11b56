/**
 * A record that no receiver takes: its largest values go, one after another, until the rest fits; of each its size and
 * hash stay, with the reason. Pure.
 */
import { hashContent } from '../record/content.ts'
import { type SealedAttributes, toAnyValue } from './otlp-json.ts'

/** Receivers read 64 MiB after decompression; the rest of the record and its request take the difference. */
export const recordBytesMax = 60 * 1024 ** 2
/** Smaller values stay: what stands in their place takes as much. */
const omittedBytesMin = 1024
/** JSON's longest form of a character, `\u0000`. */
const escapedBytesMax = 6

/** Takes out of `attributes` what must go, so that their JSON is at most `bytesMax` long. */
export function capAttributes(attributes: SealedAttributes, bytesMax = recordBytesMax): void {
  // Nearly every record is small whatever is in it, and that is quickly seen.
  if (boundOf(attributes) <= bytesMax) return
  const sizes = Object.entries(attributes).map(([name, value]) => ({ name, bytes: bytesOf(value) }))
  sizes.sort((a, b) => b.bytes - a.bytes)
  let bytes = sizes.reduce((sum, size) => sum + size.bytes, 0)
  for (const { name, bytes: freed } of sizes) {
    if (bytes <= bytesMax || freed < omittedBytesMin) return
    omit(attributes, name)
    bytes -= freed
  }
}

function omit(attributes: SealedAttributes, name: string): void {
  const value = attributes[name]
  const content =
    typeof value === 'string' || value instanceof Uint8Array
      ? value
      : JSON.stringify(toAnyValue(value))
  delete attributes[name]
  attributes[`${name}.omitted`] = 'record_too_large'
  attributes[`${name}.size`] ??= Buffer.byteLength(content)
  attributes[`${name}.sha256`] ??= hashContent(content)
}

/** More than the attributes' JSON can be long. */
function boundOf(attributes: SealedAttributes): number {
  let bound = 0
  for (const [name, value] of Object.entries(attributes)) {
    bound += name.length * escapedBytesMax
    if (typeof value === 'string') bound += value.length * escapedBytesMax
    else if (value instanceof Uint8Array) bound += base64Bytes(value)
    else if (typeof value === 'object') bound += bytesOf(value)
  }
  return bound
}

function bytesOf(value: unknown): number {
  if (typeof value === 'string') return escapedBytes(value)
  if (value instanceof Uint8Array) return base64Bytes(value)
  return typeof value === 'object' ? Buffer.byteLength(JSON.stringify(toAnyValue(value))) : 0
}

function base64Bytes({ byteLength }: Uint8Array): number {
  return Math.ceil(byteLength / 3) * 4
}

/** The length in UTF-8 of a text's JSON, without making it. */
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
