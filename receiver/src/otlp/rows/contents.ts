/**
 * Contents, taken out of their records and identified by the SHA-256 of their bytes.
 *
 * The record gets a *reference* in the place of the content, a small JSON object:
 * - `{"turnlog.content": "sha256:…", "size": bytes}`, with `"bytes": true` for a content that is not text;
 * - `{"turnlog.messages": "sha256:…", "size": bytes, "count": n}` for a JSON array that is stored message by message. Its
 *   hash is that of the last *link*: link n is the SHA-256 of link n - 1 and of message n's hash. A conversation that is
 *   sent again with one more message adds one message and one link, so storage grows with the conversation's length and
 *   not with its square.
 * Both may have `"preview"`, the content's first characters, and `"type"` when the attribute was not a string: `"bytes"`, or
 * `"json"` for a list or map, whose JSON text is the content.
 *
 * A content that travels apart may arrive before its record or after it (`content-parts.ts`). Its reference has `"ref": true`,
 * because only the content shows whether it is text. When members of a JSON content travel apart, its reference has
 * `"refs": true`, and `turnlog_expand` puts them back. A text that has to be read out of such messages later is
 * `{"turnlog.said": …, "role": …}`: the last text of `role` in the messages that the inner reference names.
 */
import type { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { ContentHash } from '@turnlog/conventions'
import { type ContentReference, referencesIn } from '@turnlog/conventions/content/references'
import { decodeText, viewOf } from '@turnlog/conventions/content/text'
import { elementsOf } from '@turnlog/conventions/otlp/json-scan'
import { messagesMax } from '../dialects/messages.ts'
import { clean, encodeText, isClean } from '../wire/text.ts'

export interface ContentRow {
  /** The UTC day of the record that refers to the content, `2026-07-31`: the content expires with it. */
  readonly day: string
  readonly sha256: Buffer
  /** Text; null if the bytes are not text, which depends only on them and never on how they were sent. */
  readonly body: string | null
  readonly bytes: Uint8Array | null
  readonly size: number
}

export interface MessageLinkRow {
  readonly day: string
  readonly sha256: Buffer
  readonly previous: Buffer | null
  readonly message: Buffer
  readonly position: number
}

export interface TextOptions {
  /** The attribute was a list or a map; its JSON text is the content. */
  readonly type?: 'json' | undefined
  /** The text is JSON of which members may travel apart. */
  readonly mayRefer?: boolean
}

/** Characters of a preview. */
export const previewLengthMax = 200

/** The contents of one request, each once. */
export class BatchContents {
  readonly contents = new Map<string, ContentRow>()
  readonly links = new Map<string, MessageLinkRow>()

  /** Returns the content's key. */
  put(row: ContentRow): string {
    const key = keyOfContent(row)
    if (!this.contents.has(key)) this.contents.set(key, row)
    return key
  }

  /** A sink for one record of this day. */
  open(day: string): ContentSink {
    return new ContentSink(this, day)
  }
}

/** Takes the contents of one record; `add…` and `referTo` return the reference as JSON text. */
export class ContentSink {
  readonly day: string
  readonly #batch: BatchContents
  readonly #keys: string[] = []

  constructor(batch: BatchContents, day: string) {
    this.#batch = batch
    this.day = day
  }

  /** Keys of all contents that the record refers to, whether they are in the batch or travel apart. */
  get keys(): readonly string[] {
    return this.#keys
  }

  /** Adds keys of another sink of the same day. */
  refer(keys: readonly string[]): void {
    for (const key of keys) this.#keys.push(key)
  }

  addText(text: string, { type, mayRefer }: TextOptions = {}): string {
    const stored = this.#putText(text)
    return writeReference({ ...stored, refs: this.#refersFrom(text, mayRefer), type })
  }

  addTextWithPreview(text: string): string {
    return writeReference({ ...this.#putText(text), preview: previewOf(text) })
  }

  addBytes(bytes: Uint8Array): string {
    const row = toContentRow(this.day, bytes)
    this.#keys.push(this.#batch.put(row))
    return writeReference({ ...row, isText: row.body !== null, type: 'bytes' })
  }

  /** Adds a JSON array message by message, and any other text as text. */
  addMessages(text: string, options: TextOptions = {}): string {
    // Each element keeps its exact text: joined by commas they are the text that was sent.
    const messages = elementsOf(text, messagesMax) ?? []
    if (messages.length === 0) return this.addText(text, options)
    let previous: Buffer | null = null
    let size = messages.length + 1
    let areText = true
    for (const [index, message] of messages.entries()) {
      const stored = this.#putText(message)
      size += stored.size
      areText &&= stored.isText
      previous = this.#putLink({ previous, message: stored.sha256, position: index + 1 })
    }
    return JSON.stringify({
      'turnlog.messages': previous ? contentHash(previous) : undefined,
      size,
      count: messages.length,
      bytes: areText ? undefined : true,
      refs: this.#refersFrom(text, options.mayRefer),
      type: options.type,
    })
  }

  /** A reference to a content that travels apart. */
  referTo({ sha256, size }: ContentReference): string {
    this.#keys.push(keyOfHash(this.day, sha256))
    return JSON.stringify({ 'turnlog.content': sha256, size, ref: true })
  }

  #putText(text: string) {
    const bytes = encodeText(text)
    const isText = isClean(text)
    const sha256 = createHash('sha256').update(bytes).digest()
    const size = bytes.length
    const stored = isText ? { body: text, bytes: null } : { body: null, bytes }
    this.#keys.push(this.#batch.put({ day: this.day, sha256, size, ...stored }))
    return { sha256, isText, size }
  }

  /** Returns the link's hash. */
  #putLink(link: Pick<MessageLinkRow, 'previous' | 'message' | 'position'>): Buffer {
    const hash = createHash('sha256')
    if (link.previous) hash.update(link.previous)
    const sha256 = hash.update(link.message).digest()
    const key = keyOfContent({ day: this.day, sha256 })
    this.#keys.push(key)
    const { links } = this.#batch
    if (!links.has(key)) links.set(key, { day: this.day, sha256, ...link })
    return sha256
  }

  /** True when members of the JSON travel apart; the record refers to them too. */
  #refersFrom(json: string, mayRefer: boolean | undefined): true | undefined {
    const hashes = mayRefer ? referencesIn(json) : []
    for (const hash of hashes) this.#keys.push(keyOfHash(this.day, hash))
    return hashes.length > 0 || undefined
  }
}

function writeReference(content: {
  readonly sha256: Buffer
  readonly size: number
  readonly isText: boolean
  readonly preview?: string
  readonly refs?: true | undefined
  readonly type?: 'json' | 'bytes' | undefined
}): string {
  const { sha256, size, isText, preview, refs, type } = content
  const bytes = isText ? undefined : true
  const reference = { 'turnlog.content': contentHash(sha256), size, bytes, preview, refs, type }
  return JSON.stringify(reference)
}

/** A row with the bytes as text if they are text. */
export function toContentRow(day: string, bytes: Uint8Array): ContentRow {
  const body = decodeText(bytes) ?? null
  return {
    day,
    sha256: createHash('sha256').update(bytes).digest(),
    body,
    bytes: body === null ? viewOf(bytes) : null,
    size: bytes.length,
  }
}

export function keyOfContent({ day, sha256 }: Pick<ContentRow, 'day' | 'sha256'>): string {
  return `${day} ${sha256.toString('hex')}`
}

function keyOfHash(day: string, hash: ContentHash): string {
  return `${day} ${hash.slice('sha256:'.length)}`
}

function previewOf(text: string): string {
  // Leaves out a pair of surrogates that the cut would split.
  return clean(text.slice(0, previewLengthMax).replace(/[\ud800-\udbff]$/, ''))
}

function contentHash(sha256: Buffer): string {
  return `sha256:${sha256.toString('hex')}`
}
