/**
 * What the sender of a content says its SHA-256 is: in the address or a header, in hex; or as `Content-Digest` (RFC 9530),
 * in Base64. Pure.
 *
 * `Content-Digest` is that of the bytes as they are sent, so of the compressed ones. Many clients mean the
 * content's: either will do, since no two bytes have one hash.
 */
import { Buffer } from 'node:buffer'

export type Said =
  | {
      readonly status: 'said'
      /** Of the content, in hex. */
      readonly ofContent: readonly string[]
      /** Of the content, or of the bytes as they are sent, in hex. */
      readonly ofEither: string | undefined
    }
  | { readonly status: 'wrong'; readonly reason: string }

export interface Saying {
  readonly sha256: string | undefined
  readonly xContentSha256: string | undefined
  readonly contentDigest: string | undefined
}

const hexForm = '64 hex digits, with or without `sha256:` before them'

export function readDigests({ sha256, xContentSha256, contentDigest }: Saying): Said {
  const ofContent: string[] = []
  for (const [name, text] of [
    ['sha256', sha256],
    ['X-Content-SHA256', xContentSha256],
  ] as const) {
    if (text === undefined) continue
    const hex = hexOf(text)
    if (hex === undefined) return { status: 'wrong', reason: `${name} must be ${hexForm}.` }
    ofContent.push(hex)
  }
  const ofEither = contentDigest === undefined ? undefined : sha256In(contentDigest)
  if (ofEither === 'wrong') {
    const form = 'Content-Digest must hold `sha-256=:…:`, Base64 of 32 bytes.'
    return { status: 'wrong', reason: form }
  }
  if (ofContent.length === 0 && ofEither === undefined) {
    const how = 'as `?sha256=`, as `X-Content-SHA256` or as `Content-Digest: sha-256=:…:`'
    return { status: 'wrong', reason: `Say the SHA-256 of the content, ${how}.` }
  }
  return { status: 'said', ofContent, ofEither }
}

/** Lowercase; undefined when it is none. */
export function hexOf(text: string): string | undefined {
  return /^(?:sha256:)?([0-9a-f]{64})$/i.exec(text.trim())?.[1]?.toLowerCase()
}

/** Of a dictionary of structured fields; hashes of other kinds may stand beside ours. */
function sha256In(dictionary: string): string | 'wrong' {
  const base64 = /(?:^|,)\s*sha-256=:([\w+/-]{43}=?):\s*(?:[;,]|$)/i.exec(dictionary)?.[1]
  return base64 === undefined ? 'wrong' : Buffer.from(base64, 'base64').toString('hex')
}
