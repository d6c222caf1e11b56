/**
 * The SHA-256 that a sender states for a content: in hex in the address or a header, or in Base64 as `Content-Digest`
 * (RFC 9530).
 *
 * `Content-Digest` is defined over the bytes as sent, so over compressed ones; many clients send the content's instead.
 * Either is accepted: no two byte strings share one hash.
 */
import { Buffer } from 'node:buffer'
import type { FastifyRequest } from 'fastify'
import { headerOf, textsOf } from './query.ts'
import { malformed } from './refuse.ts'

export interface StatedDigests {
  /** SHA-256 of the content, in hex. */
  readonly ofContent: readonly string[]
  /** SHA-256 of the content or of the bytes as sent, in hex. */
  readonly ofEither: string | undefined
}

export function readDigests(request: FastifyRequest): StatedDigests {
  const ofContent: string[] = []
  for (const [name, text] of [
    ['sha256', textsOf(request.query).get('sha256')],
    ['X-Content-SHA256', headerOf(request, 'x-content-sha256')],
  ] as const) {
    if (text === undefined) continue
    const hex = hexOf(text)
    if (hex !== undefined) ofContent.push(hex)
    else throw malformed(`${name} must be 64 hex digits, with or without \`sha256:\` before them.`)
  }
  const contentDigest = headerOf(request, 'content-digest')
  const ofEither = contentDigest === undefined ? undefined : sha256In(contentDigest)
  if (ofContent.length > 0 || ofEither !== undefined) return { ofContent, ofEither }
  const how = 'as `?sha256=`, as `X-Content-SHA256` or as `Content-Digest: sha-256=:…:`'
  throw malformed(`State the SHA-256 of the content, ${how}.`)
}

/** In lower case; undefined when the text is not a SHA-256. */
export function hexOf(text: string): string | undefined {
  return /^(?:sha256:)?([0-9a-f]{64})$/i.exec(text.trim())?.[1]?.toLowerCase()
}

/** The SHA-256 of a dictionary of structured fields, which may hold other hashes too. */
function sha256In(dictionary: string): string {
  const base64 = /(?:^|,)\s*sha-256=:([\w+/-]{43}=?):\s*(?:[;,]|$)/i.exec(dictionary)?.[1]
  if (base64 !== undefined) return Buffer.from(base64, 'base64').toString('hex')
  throw malformed('Content-Digest must hold `sha-256=:…:`, Base64 of 32 bytes.')
}
