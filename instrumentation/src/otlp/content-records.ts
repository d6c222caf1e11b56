/**
 * Contents that are sent apart from the record that refers to them, as log records `turnlog.content`. Pure.
 *
 * A content is sent in parts. Each part is a text of at most 1 MiB of UTF-8, cut between characters, or as many bytes. If a
 * text has characters that JSON writes with six bytes, its parts are half as large, so that none exceeds 4 MiB. A text with
 * lone surrogates has no UTF-8 and is sent as bytes, three for each lone surrogate.
 *
 * A part has the time of its record, so that both belong to the same UTC day, and no sequence.
 */
import {
  type AttributeName,
  type ContentHash,
  contentPartBytesMax,
  type EventName,
  instrumentationScope,
  schemaUrl,
} from '@turnlog/conventions'
import { hashContent } from '@turnlog/conventions/content/description'
import { type MediaType, mediaTypes } from '@turnlog/conventions/content/references'
import { encodeText, viewOf } from '@turnlog/conventions/content/text'
import { type RecordJson, toOtlpLog } from './otlp-json.ts'

export interface OutOfLineContent {
  readonly sha256: ContentHash
  readonly size: number
  readonly mediaType: MediaType
  /** A text is well-formed. */
  readonly body: string | Uint8Array
}

/** `mediaType` is that of a text. `known` is its hash, if it was computed before. */
export function toOutOfLineContent(
  value: string | Uint8Array,
  mediaType: MediaType,
  known?: ContentHash,
): OutOfLineContent {
  const body = typeof value === 'string' && !value.isWellFormed() ? encodeText(value) : value
  return {
    sha256: known ?? hashContent(body),
    size: Buffer.byteLength(body),
    mediaType: typeof body === 'string' ? mediaType : mediaTypes.bytes,
    body,
  }
}

const contentScope = { name: instrumentationScope, schemaUrl }

/** The parts of a content, one by one, as OTLP/JSON log records. `time` is that of the record that refers to it. */
export function* partRecords(
  { sha256, size, mediaType, body }: OutOfLineContent,
  { time, common }: { readonly time: string; readonly common: Readonly<Record<string, string>> },
): Generator<string> {
  const bodies = bodiesOf(body)
  for (const [index, each] of bodies.entries()) {
    const log = {
      time,
      observed: time,
      eventName: 'turnlog.content' satisfies EventName,
      body: each(),
      attributes: {},
      scope: contentScope,
    }
    const attributes = {
      'turnlog.content.sha256': sha256,
      'turnlog.content.size': size,
      'turnlog.content.media_type': mediaType,
      'turnlog.content.part': index + 1,
      'turnlog.content.parts': bodies.length,
    } satisfies { [Name in AttributeName]?: unknown }
    yield JSON.stringify(toOtlpLog(log, { ...attributes, ...common }))
  }
}

/** Characters that JSON writes as `\u0001`. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the regular expression searches for them.
const sixBytesInJson = /[\0-\x07\v\x0e-\x1f]/

/** One function per part, so that a large content is not in memory twice. */
function bodiesOf(body: string | Uint8Array): (() => string | Uint8Array)[] {
  const isText = typeof body === 'string'
  const bytesMax =
    isText && sixBytesInJson.test(body) ? contentPartBytesMax / 2 : contentPartBytesMax
  if (Buffer.byteLength(body) <= bytesMax) return [() => body]
  const bytes = isText ? Buffer.from(body) : viewOf(body)
  const bodies: (() => string | Uint8Array)[] = []
  for (let start = 0, end: number; start < bytes.length; start = end) {
    end = Math.min(start + bytesMax, bytes.length)
    // Back to the beginning of a character.
    if (isText) while (end < bytes.length && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1
    const [from, to] = [start, end]
    bodies.push(() => (isText ? bytes.toString('utf8', from, to) : bytes.subarray(from, to)))
  }
  return bodies
}

export interface ContentPart extends RecordJson {
  /** Hash of the whole content. */
  readonly sha256: ContentHash
}

const rememberedMax = 10_000
const dayNanoseconds = 86_400_000_000_000n

/**
 * Remembers which contents were sent with the records of one recorder: each content is sent once per UTC day, unless it may
 * have been lost. Beyond `rememberedMax` the oldest is forgotten and may be sent again, which is harmless.
 */
export class SentContents {
  readonly #common: Readonly<Record<string, string>>
  /** UTC day and hash of each content that was sent, the oldest first. */
  readonly #sent = new Set<string>()

  constructor(common: Readonly<Record<string, string>>) {
    this.#common = common
  }

  /** The parts that must be sent with the record, as OTLP/JSON log records. */
  *partsFor(record: {
    readonly contents: readonly OutOfLineContent[]
    readonly time: string
  }): Generator<ContentPart> {
    const { contents, time } = record
    for (const content of contents) {
      const { sha256 } = content
      if (!this.#isNew(`${BigInt(time) / dayNanoseconds} ${sha256}`)) continue
      for (const json of partRecords(content, { time, common: this.#common })) {
        yield { scope: contentScope, json, sha256 }
      }
    }
  }

  /** Contents already sent may be lost: they are sent again when they are next referenced. */
  forget(): void {
    this.#sent.clear()
  }

  #isNew(key: string): boolean {
    if (this.#sent.has(key)) return false
    this.#sent.add(key)
    const oldest = this.#sent.size > rememberedMax ? this.#sent.values().next() : undefined
    if (oldest?.value !== undefined) this.#sent.delete(oldest.value)
    return true
  }
}
