/**
 * A content that has left its record: its hash and size, which stand there as a reference, and the log records
 * `turnlog.content` that carry it. Pure.
 *
 * Each part is a text of at most 1 MiB of UTF-8, cut between characters, or as many bytes. A text that JSON writes with
 * six bytes for some of its characters is cut into parts of half that, so that none is above 4 MiB. A text with lone
 * surrogates has no UTF-8 and goes as bytes, each lone surrogate in three.
 *
 * A part has its record's time, so that it is of the same UTC day, and no number.
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
import { toOtlpLog } from './otlp-json.ts'

export interface MovedContent {
  readonly sha256: ContentHash
  readonly size: number
  readonly mediaType: MediaType
  /** Well-formed where it is a text. */
  readonly body: string | Uint8Array
}

/** `known`: its hash, by who has hashed it before. */
export function toMovedContent(
  value: string | Uint8Array,
  mediaType: MediaType,
  known?: ContentHash,
): MovedContent {
  const body = typeof value === 'string' && !value.isWellFormed() ? encodeText(value) : value
  return {
    sha256: known ?? hashContent(body),
    size: Buffer.byteLength(body),
    mediaType: typeof body === 'string' ? mediaType : mediaTypes.bytes,
    body,
  }
}

export const contentScope = { name: instrumentationScope, schemaUrl }

/** The parts of a content as OTLP/JSON log records, one after another. `time` is the record's that refers to it. */
export function* partRecords(
  { sha256, size, mediaType, body }: MovedContent,
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

/** What JSON writes as `\u0001`. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const sixBytesInJson = /[\0-\x07\v\x0e-\x1f]/

/** Each part when it is asked for: a content of many is not in memory twice. */
function bodiesOf(body: string | Uint8Array): (() => string | Uint8Array)[] {
  const isText = typeof body === 'string'
  const bytesMax =
    isText && sixBytesInJson.test(body) ? contentPartBytesMax / 2 : contentPartBytesMax
  if (Buffer.byteLength(body) <= bytesMax) return [() => body]
  const bytes = isText ? Buffer.from(body) : viewOf(body)
  const bodies: (() => string | Uint8Array)[] = []
  for (let start = 0, end: number; start < bytes.length; start = end) {
    end = Math.min(start + bytesMax, bytes.length)
    // Back to where a character begins.
    if (isText) while (end < bytes.length && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1
    const [from, to] = [start, end]
    bodies.push(() => (isText ? bytes.toString('utf8', from, to) : bytes.subarray(from, to)))
  }
  return bodies
}
