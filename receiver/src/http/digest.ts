/**
 * The SHA-256 that a sender states for a content: in hex in the address or a header, or in Base64 as `Content-Digest`
 * (RFC 9530). Pure.
 *
 * `Content-Digest` is defined over the bytes as sent, so over compressed ones; many clients send the content's instead.
 * Either is accepted: no two byte strings share one hash.
 */
import { Buffer } from 'node:buffer'

export type StatedDigests =
  | {
      readonly status: 'stated'
      /** SHA-256 of the content, in hex. */
      readonly ofContent: readonly string[]
      /** SHA-256 of the content or of the bytes as sent, in hex. */
      readonly ofEither: string | undefined
    }
  | { readonly status: 'wrong'; readonly reason: string }

export interface DigestFields {
  readonly sha256: string | undefined
  readonly xContentSha256: string | undefined
  readonly contentDigest: string | undefined
}

const hexForm = '64 hex digits, with or without `sha256:` before them'

export function readDigests({
  sha256,
  xContentSha256,
  contentDigest,
}: DigestFields): StatedDigests {
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
    return { status: 'wrong', reason: `State the SHA-256 of the content, ${how}.` }
  }
  return { status: 'stated', ofContent, ofEither }
}

/** In lower case; undefined when the text is not a SHA-256. */
export function hexOf(text: string): string | undefined {
  return /^(?:sha256:)?([0-9a-f]{64})$/i.exec(text.trim())?.[1]?.toLowerCase()
}

/** The SHA-256 of a dictionary of structured fields, which may hold other hashes too. */
function sha256In(dictionary: string): string | 'wrong' {
  const base64 = /(?:^|,)\s*sha-256=:([\w+/-]{43}=?):\s*(?:[;,]|$)/i.exec(dictionary)?.[1]
  return base64 === undefined ? 'wrong' : Buffer.from(base64, 'base64').toString('hex')
}
