/**
 * References to content that travels apart from its record, as parts in `turnlog.content` log records. Pure.
 *
 * - In the place of an attribute `K`: `K.ref`, its hash, and `K.size`.
 * - In the place of a string member `x` inside JSON: `"x.ref":"sha256:…","x.size":n`, so that the JSON stays valid. When the
 *   content is the JSON of the string as it was written, and not its text, `"x.media_type":"application/json"` follows.
 *   A string above the limit becomes `"x.omitted":"too_large","x.size":n`.
 *
 * The SQL function `turnlog_expand` puts the members back, byte for byte.
 */
import { type ContentHash, parseContentHash } from '../names/ids.ts'

export const mediaTypes = {
  text: 'text/plain; charset=utf-8',
  json: 'application/json',
  bytes: 'application/octet-stream',
} as const
export type MediaType = (typeof mediaTypes)[keyof typeof mediaTypes]

export interface ContentReference {
  readonly sha256: ContentHash
  /** Absent when the sender gave none. */
  readonly size?: number
}

export const referenceSuffix = '.ref'

/** The members that replace the member `name`, as JSON text; `name` as it is written. Without a hash it is omitted. */
export function writeReference(
  name: string,
  content: {
    readonly sha256: ContentHash | undefined
    readonly size: number
    readonly mediaType: MediaType
  },
): string {
  const { sha256, size, mediaType } = content
  if (sha256 === undefined) return `"${name}.omitted":"too_large","${name}.size":${size}`
  const isWritten = mediaType === mediaTypes.json
  const type = isWritten ? `,"${name}.media_type":"${mediaType}"` : ''
  return `"${name}${referenceSuffix}":"${sha256}","${name}.size":${size}${type}`
}

/** The hashes of the members that were replaced in this JSON, found as `turnlog_expand` finds them. */
export function referencesIn(json: string): readonly ContentHash[] {
  if (!json.includes('.ref"')) return []
  const found = json.matchAll(/\.ref"\s*:\s*"(sha256:[0-9a-f]{64})"/g)
  return [...found].flatMap(([, hash]) => parseContentHash(hash) ?? [])
}

/** The reference in the place of the attribute or member `name`; undefined when the value itself is there. */
export function findReference(
  members: ReadonlyMap<string, unknown>,
  name: string,
): ContentReference | undefined {
  const sha256 = parseContentHash(members.get(name + referenceSuffix))
  if (sha256 === undefined || members.has(name)) return undefined
  const size = sizeOf(members.get(`${name}.size`))
  return size === undefined ? { sha256 } : { sha256, size }
}

/** Some clients send integers as text. */
function sizeOf(value: unknown): number | undefined {
  const isDigits = typeof value === 'string' && /^\d+$/.test(value)
  const size = typeof value === 'bigint' || isDigits ? Number(value) : value
  return typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? size : undefined
}
