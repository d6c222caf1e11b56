/**
 * Content on its way out: transcode → count lines → redact → diff → hash → cap. So no secret, nor its hash, leaves
 * the machine, and nothing is cut without saying so.
 */
import type { AttributeName, ContentAttributeName } from '@turnlog/conventions'
import { describeContent, hashContent } from '../record/content.ts'
import { redactBytes, redactText } from '../record/redact.ts'
import type { SealedAttributes } from './otlp-json.ts'

export interface ContentRules {
  readonly contentBytesMax: number
}

/** Puts a text, redacted, into `attributes` under `name`, with its size and what was done to it. */
export function putText(
  attributes: SealedAttributes,
  name: ContentAttributeName,
  raw: string | undefined,
  { contentBytesMax, withHash = false }: ContentRules & { readonly withHash?: boolean },
): void {
  if (raw === undefined) return
  const { text, redactions } = redactText(raw)
  const size = Buffer.byteLength(text)
  put(attributes, `${name}.size`, size)
  if (redactions > 0) put(attributes, `${name}.redactions`, redactions)
  if (size > contentBytesMax) put(attributes, `${name}.omitted`, 'too_large')
  else {
    put(attributes, name, text)
    if (withHash) put(attributes, `${name}.sha256`, hashContent(text))
  }
}

/** One side of a file operation as it will be seen outside, and as it is here. */
export type FileSide =
  | { readonly state: 'absent' }
  | {
      readonly state: 'content'
      readonly rawHash: string
      readonly rawText: string | undefined
      readonly bytes: Uint8Array
      /** Redacted; `undefined` where it is not text. */
      readonly text: string | undefined
      readonly sealed: string | Uint8Array
      readonly hash: string
      readonly size: number
      readonly redactions: number
    }
  | { readonly state: 'omitted'; readonly reason: string; readonly size: number | undefined }

/** Reads one side of a file operation: raw and redacted, text where it is text. */
export function sealFileBytes(bytes: Uint8Array): FileSide {
  const described = describeContent(bytes)
  if (described.kind === 'text') {
    const { text, redactions } = redactText(described.text)
    const isClean = redactions === 0
    return {
      state: 'content',
      rawHash: described.sha256,
      rawText: described.text,
      bytes,
      text,
      sealed: text,
      hash: isClean ? described.sha256 : hashContent(text),
      size: isClean ? described.size : Buffer.byteLength(text),
      redactions,
    }
  }
  const redacted = redactBytes(bytes)
  return {
    state: 'content',
    rawHash: described.sha256,
    rawText: undefined,
    bytes,
    text: undefined,
    sealed: redacted.bytes,
    hash: redacted.redactions === 0 ? described.sha256 : hashContent(redacted.bytes),
    size: redacted.bytes.byteLength,
    redactions: redacted.redactions,
  }
}

/** Puts one side into the attributes: content, size and hash; outside the workspace only the last two. */
export function putFileSide(
  attributes: SealedAttributes,
  name: ContentAttributeName,
  side: FileSide,
  { isOutside }: { readonly isOutside: boolean },
): void {
  if (side.state === 'absent') return
  if (side.state === 'omitted') {
    put(attributes, `${name}.omitted`, side.reason)
    if (side.size !== undefined) put(attributes, `${name}.size`, side.size)
    return
  }
  put(attributes, `${name}.size`, side.size)
  put(attributes, `${name}.sha256`, side.hash)
  if (side.redactions > 0) put(attributes, `${name}.redactions`, side.redactions)
  if (isOutside) put(attributes, `${name}.omitted`, 'outside_workspace')
  else put(attributes, name, side.sealed)
}

/** Names are checked against the conventions where they are written. */
export function put(attributes: SealedAttributes, name: AttributeName, value: unknown): void {
  if (value !== undefined) attributes[name] = value
}
