/**
 * A long JSON text without its long strings, such as images: what is left is short enough to be parsed on the host's thread. Only the
 * quotes are looked for, by native code; nothing is parsed. Pure.
 */
import { endOfString } from '@turnlog/conventions/otlp/json-scan'

/** Strings up to this length stay whole; if the rest is still too long, those up to the next one do. */
const stringBytesMax = [256 * 1024, 4 * 1024] as const
const backslash = 0x5c

/** The text with each longer string cut, and an ellipsis in place of its end; `undefined` if it is longer than `bytesMax` all the same. */
export function shortenedJson(json: Buffer, bytesMax: number): string | undefined {
  for (const max of stringBytesMax) {
    const pieces = shortened(json, max, bytesMax)
    if (pieces !== undefined) return Buffer.concat(pieces).toString('utf8')
  }
  return undefined
}

function shortened(json: Buffer, stringMax: number, bytesMax: number): Buffer[] | undefined {
  const pieces: Buffer[] = []
  let size = 0
  /** Up to here the text has been taken. */
  let taken = 0
  for (let at = json.indexOf('"'); at !== -1; at = json.indexOf('"', at)) {
    const end = endOfString(json, at)
    if (end === undefined) return undefined
    if (end - at > stringMax) {
      const kept = json.subarray(taken, endOfPiece(json, at + 1, at + stringMax))
      pieces.push(kept, ellipsis)
      size += kept.length + ellipsis.length
      // The last quote comes with the next piece.
      taken = end - 1
    }
    at = end
    if (size + at - taken > bytesMax) return undefined
  }
  const rest = json.subarray(taken)
  pieces.push(rest)
  return size + rest.length > bytesMax ? undefined : pieces
}

const ellipsis = Buffer.from('…')

/** A place at or before `at` that is inside no character and no escape. */
function endOfPiece(json: Buffer, start: number, at: number): number {
  let end = at
  while (end > start && ((json[end] ?? 0) & 0xc0) === 0x80) end -= 1
  // The longest escape has six signs.
  const last = json.lastIndexOf(backslash, end - 1)
  if (last >= Math.max(start, end - 6)) {
    end = last
    while (end > start && json[end - 1] === backslash) end -= 1
  }
  return end
}
