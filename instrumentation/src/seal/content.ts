/**
 * Puts contents into attributes. The order is: transcode → count lines → redact → diff → hash → put out of line. So neither a
 * secret nor its hash leaves the machine, and nothing is cut without an attribute that says so.
 */
import {
  type AttributeName,
  type ContentAttributeName,
  type ContentHash,
  jsonContentNames,
} from '@turnlog/conventions'
import { describeContent, hashContent } from '@turnlog/conventions/content/description'
import { isObject } from '@turnlog/conventions/plain'
import type { SealedAttributes } from '../otlp/otlp-json.ts'
import { redactBytes, redactText } from '../redact/redact.ts'

/** The reason for a missing content that was recorded: a piece of it was lost or cannot be read. */
export const incomplete = 'incomplete'

interface ContentRules {
  readonly contentBytesMax: number
}

/**
 * Puts a redacted text into `attributes` under `name`, with its size, its redactions and, if it is too large, the
 * omission.
 */
export function putText(
  attributes: SealedAttributes,
  name: ContentAttributeName,
  raw: string | undefined,
  { contentBytesMax }: ContentRules,
): void {
  if (raw === undefined) return
  const { text, redactions } = redactText(raw)
  const size = Buffer.byteLength(text)
  put(attributes, `${name}.size`, size)
  if (redactions > 0) put(attributes, `${name}.redactions`, redactions)
  // The members of JSON are taken out one by one, so it may be larger than one content.
  if (size > contentBytesMax && !jsonContentNames.has(name))
    put(attributes, `${name}.omitted`, 'too_large')
  else put(attributes, name, text)
}

/** A list of one message with one text, as `gen_ai.*.messages` has it. */
export function textMessages(
  role: string,
  content: string | undefined,
  finishReason?: string,
): string | undefined {
  if (content === undefined) return undefined
  const parts = [{ type: 'text', content }]
  return JSON.stringify([{ role, parts, finish_reason: finishReason }])
}

/** One side of a file operation: raw, for the local Changes list, and redacted, as it is sent. */
export type FileSide =
  | { readonly state: 'absent' }
  | {
      readonly state: 'content'
      readonly rawHash: ContentHash
      readonly rawText: string | undefined
      readonly bytes: Uint8Array
      /** Redacted; a text where the raw bytes are text. */
      readonly sealed: string | Uint8Array
      readonly hash: string
      readonly size: number
      readonly redactions: number
    }
  | {
      readonly state: 'omitted'
      readonly reason: string
      readonly size: number | undefined
      /** The hash of a file above the content limit. */
      readonly hash?: ContentHash | undefined
    }

/** Where the bytes of a side are. Each returns them, or the reason why they are missing. */
interface FileSideSources {
  /** Bytes that are recorded with the operation. */
  readonly recorded: () => Uint8Array | string
  /** Bytes in the workspace's copies, by the SHA-256 of the raw content. */
  readonly stored: (sha256: string) => Uint8Array | string
}

/** One side, from the observer's note about it. */
export function readFileSide(noted: unknown, { recorded, stored }: FileSideSources): FileSide {
  const { state, reason, ...facts } = isObject(noted) ? noted : {}
  if (state !== 'content' && state !== 'stored' && state !== 'omitted') return { state: 'absent' }
  const bytes =
    state === 'content'
      ? recorded()
      : state === 'stored'
        ? stored(String(facts.sha256))
        : String(reason)
  if (typeof bytes !== 'string') return sealFileBytes(bytes)
  const size = typeof facts.size === 'number' ? facts.size : undefined
  return { state: 'omitted', reason: bytes, size }
}

/** Reads one side of a file operation: raw and redacted, text where it is text. */
function sealFileBytes(bytes: Uint8Array): FileSide {
  const described = describeContent(bytes)
  const rawText = described.kind === 'text' ? described.text : undefined
  const redacted = rawText === undefined ? redactBytes(bytes) : redactText(rawText)
  const sealed = 'text' in redacted ? redacted.text : redacted.bytes
  const isClean = redacted.redactions === 0
  return {
    state: 'content',
    rawHash: described.sha256,
    rawText,
    bytes,
    sealed,
    hash: isClean ? described.sha256 : hashContent(sealed),
    size: isClean ? described.size : Buffer.byteLength(sealed),
    redactions: redacted.redactions,
  }
}

/** Puts one side into the attributes: content, size and hash, or for a file outside the workspace only size and hash. */
export function putFileSide(
  attributes: SealedAttributes,
  name: ContentAttributeName,
  side: FileSide | undefined,
  isOutside: boolean,
): void {
  if (side === undefined || side.state === 'absent') return
  if (side.state === 'omitted') {
    put(attributes, `${name}.omitted`, side.reason)
    if (side.size !== undefined) put(attributes, `${name}.size`, side.size)
    put(attributes, `${name}.sha256`, side.hash)
    return
  }
  put(attributes, `${name}.size`, side.size)
  put(attributes, `${name}.sha256`, side.hash)
  if (side.redactions > 0) put(attributes, `${name}.redactions`, side.redactions)
  if (isOutside) put(attributes, `${name}.omitted`, 'outside_workspace')
  else put(attributes, name, side.sealed)
}

/** The type of `name` checks it against the conventions. */
export function put(attributes: SealedAttributes, name: AttributeName, value: unknown): void {
  if (value !== undefined) attributes[name] = value
}
