/**
 * Content, taken out of the records that hold it and known by the SHA-256 of its bytes.
 *
 * In its place the record keeps a *reference*, a small JSON object:
 * - `{"turnlog.content": "sha256:…", "size": bytes}`, with `"bytes": true` when it is no text;
 * - `{"turnlog.messages": "sha256:…", "size": bytes, "count": n}` for a JSON array stored message
 *   by message. Its hash is that of the last *link*: link n is the SHA-256 of link n - 1 and of
 *   message n's hash. A conversation that is sent again with one more message so adds one message
 *   and one link, and its row one hash: storage grows with the conversation, not with its square.
 * Either may carry `"preview"`, the content's first characters, and `"type"` where the attribute was no string:
 * `"bytes"`, or `"json"` for a list or map, whose JSON text is then the content.
 *
 * Content that went out of line comes by itself, before or after (`content-parts.ts`). A reference then has `"ref": true`,
 * since only the content will tell whether it is text, or `"refs": true` where members of the JSON went, which
 * `turnlog_expand` puts back. What is read out of such messages before they are whole is
 * `{"turnlog.said": …, "role": …}`: the last that `role` said in the messages referred to.
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
  /** The UTC day of the record that refers to it, `2026-07-31`: content expires with its day. */
  readonly day: string
  readonly sha256: Buffer
  /** Either text or bytes. Which one follows from the bytes alone, never from how they were sent. */
  readonly text: string | null
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

/** How a text is stored. */
export interface TextOptions {
  /** The type of the attribute, where it was no string. */
  readonly type?: StructureType
  /** It is JSON, of which members may have gone out of line. */
  readonly mayRefer?: boolean
}

/** The type of an attribute that is a list or a map; a string has none. */
export type StructureType = 'json' | undefined

export interface ContentSink {
  readonly day: string
  /** What was referred to so far, here or not; see `refer`. */
  readonly keys: readonly string[]
  /** Refers to what another sink of the same day took in. */
  refer(keys: readonly string[]): void
  /** Each returns the reference as JSON text. */
  addText(text: string, options?: TextOptions): string
  addBytes(bytes: Uint8Array): string
  /** A JSON array message by message; anything else as text. */
  addMessages(text: string, options?: TextOptions): string
  /** As `addText`, with the beginning of it in the reference. */
  addTextWithPreview(text: string): string
  /** The reference to a content that comes by itself, before or after. */
  referTo(reference: ContentReference): string
}

/** Bytes as a row: text where they are text, whoever sent them. */
export function toContentRow(day: string, bytes: Uint8Array): ContentRow {
  const text = decodeText(bytes) ?? null
  return {
    day,
    sha256: createHash('sha256').update(bytes).digest(),
    text,
    bytes: text === null ? viewOf(bytes) : null,
    size: bytes.length,
  }
}

/** Characters of a preview. */
export const previewLengthMax = 200

/** Contents of one request, each once. Two sinks of one day share equal contents. */
export function collectContents() {
  const contents = new Map<string, ContentRow>()
  const links = new Map<string, MessageLinkRow>()

  /** Its key. */
  function put(row: ContentRow): string {
    const key = keyOfContent(row)
    if (!contents.has(key)) contents.set(key, row)
    return key
  }

  /** A sink for one record; `keys` then names what the record refers to. */
  function open(day: string): ContentSink {
    const keys: string[] = []

    function addRow(row: ContentRow): void {
      keys.push(put(row))
    }

    function putText(text: string) {
      const bytes = encodeText(text)
      const isText = isClean(text)
      const sha256 = createHash('sha256').update(bytes).digest()
      const size = bytes.length
      addRow({ day, sha256, text: isText ? text : null, bytes: isText ? null : bytes, size })
      return { sha256, isText, size }
    }

    function addText(text: string, { type, mayRefer }: TextOptions = {}): string {
      const { sha256, isText, size } = putText(text)
      return JSON.stringify({
        'turnlog.content': contentHash(sha256),
        size,
        bytes: isText ? undefined : true,
        refs: refersFrom(text, mayRefer),
        type,
      })
    }

    function addTextWithPreview(text: string): string {
      const { sha256, isText, size } = putText(text)
      return JSON.stringify({
        'turnlog.content': contentHash(sha256),
        size,
        bytes: isText ? undefined : true,
        preview: previewOf(text),
      })
    }

    function addBytes(bytes: Uint8Array): string {
      const row = toContentRow(day, bytes)
      addRow(row)
      return JSON.stringify({
        'turnlog.content': contentHash(row.sha256),
        size: row.size,
        bytes: row.text === null ? true : undefined,
        type: 'bytes',
      })
    }

    function addMessages(text: string, options: TextOptions = {}): string {
      const { type, mayRefer } = options
      // Each piece keeps its exact text, so that joined by commas they are the text that came.
      const messages = elementsOf(text, messagesMax) ?? []
      if (messages.length === 0) return addText(text, options)
      let previous: Buffer | null = null
      let size = messages.length + 1
      let areText = true
      for (const [index, message] of messages.entries()) {
        const stored = putText(message)
        size += stored.size
        areText &&= stored.isText
        const hash = createHash('sha256')
        if (previous) hash.update(previous)
        const sha256: Buffer = hash.update(stored.sha256).digest()
        const key = `${day} ${sha256.toString('hex')}`
        keys.push(key)
        if (!links.has(key)) {
          links.set(key, { day, sha256, previous, message: stored.sha256, position: index + 1 })
        }
        previous = sha256
      }
      return JSON.stringify({
        'turnlog.messages': previous ? contentHash(previous) : undefined,
        size,
        count: messages.length,
        bytes: areText ? undefined : true,
        refs: refersFrom(text, mayRefer),
        type,
      })
    }

    function referTo({ sha256, size }: ContentReference): string {
      keys.push(keyOfHash(sha256))
      return JSON.stringify({ 'turnlog.content': sha256, size, ref: true })
    }

    /** True when members of the JSON have gone out of line; they are referred to as well. */
    function refersFrom(json: string, mayRefer: boolean | undefined): true | undefined {
      const hashes = mayRefer ? referencesIn(json) : []
      for (const hash of hashes) keys.push(keyOfHash(hash))
      return hashes.length > 0 || undefined
    }

    function keyOfHash(hash: ContentHash): string {
      return `${day} ${hash.slice('sha256:'.length)}`
    }

    function refer(others: readonly string[]): void {
      for (const key of others) keys.push(key)
    }

    return { day, keys, refer, referTo, addText, addTextWithPreview, addBytes, addMessages }
  }

  return { open, put, contents, links }
}

export function keyOfContent({ day, sha256 }: Pick<ContentRow, 'day' | 'sha256'>): string {
  return `${day} ${sha256.toString('hex')}`
}

function previewOf(text: string): string {
  // A pair of surrogates cut in two is left out as a whole.
  return clean(text.slice(0, previewLengthMax).replace(/[\ud800-\udbff]$/, ''))
}

function contentHash(sha256: Buffer): string {
  return `sha256:${sha256.toString('hex')}`
}
