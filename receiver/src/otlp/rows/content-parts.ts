/**
 * `turnlog.content`: log records that are parts of a content, joined when the request has all parts. Pure.
 *
 * Each record has the SHA-256 and size of the whole content, the number of its part and of all parts, and as its time the
 * UTC day of the records that refer to the content. A part becomes no log row and has no sequence. Parts of a content that
 * is not complete in its request are stored by sender, because two senders may cut one content differently.
 *
 * received = wholes' parts + parts + repeats + rejects.
 */
import { createHash } from 'node:crypto'
import {
  contentPartsMax,
  type EventName,
  parseContentHash,
  partedContentBytesMax,
} from '@turnlog/conventions'
import type { AttributeMap, LogRecord } from '../wire/request.ts'
import { encodeText, isClean } from '../wire/text.ts'
import { integerOf } from './attribute-values.ts'
import { type ContentParts, type PartRow, type Reject, type Rejected, rejected } from './batch.ts'
import { type ContentRow, toContentRow } from './contents.ts'
import type { RowOptions } from './span-rows.ts'
import { dayOf, problemOfTime } from './time.ts'

/** All parts of a content are here, and are not what its sender says they are. */
export const contentMismatch = 'the parts of a content are not what their SHA-256 and size say'

export interface ContentPart extends Omit<PartRow, 'bytes'> {
  readonly body: string | Uint8Array
}

export function isContentPart(eventName: string | null): boolean {
  return eventName === ('turnlog.content' satisfies EventName)
}

export function toContentPart(
  log: LogRecord,
  options: Omit<RowOptions, 'contents'>,
): { readonly status: 'part'; readonly part: ContentPart } | Rejected {
  const nanoseconds = log.time === 0n ? log.observedTime : log.time
  const { body, attributes } = log
  const sha256 = parseContentHash(attributes.get('turnlog.content.sha256'))
  const [size, part, parts] = ['size', 'part', 'parts'].map((name) => numberOf(attributes, name))

  if (log.problem !== undefined) return rejected(log.problem)
  const problem = problemOfTime(nanoseconds, options.period)
  if (problem !== undefined) return rejected(`content part ${problem}`)
  if (sha256 === undefined) {
    return rejected('turnlog.content.sha256 is not sha256: and 64 lowercase hex digits')
  }
  if (size === undefined) return rejected('turnlog.content.size is not a number of bytes')
  if (size > partedContentBytesMax)
    return rejected(`content is larger than ${partedContentBytesMax} bytes`)
  if (parts === undefined || parts < 1 || parts > contentPartsMax) {
    return rejected(`turnlog.content.parts is not between 1 and ${contentPartsMax}`)
  }
  if (part === undefined || part < 1 || part > parts) {
    return rejected('turnlog.content.part is not between 1 and turnlog.content.parts')
  }
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) {
    return rejected('the body of a content part is neither text nor bytes')
  }
  const { recorderId } = options.origin
  return {
    status: 'part',
    part: {
      day: dayOf(nanoseconds),
      sha256: Buffer.from(sha256.slice('sha256:'.length), 'hex'),
      size,
      part,
      parts,
      sender: `${options.userId ?? ''}/${recorderId ?? ''}`,
      recorder_id: recorderId,
      body,
    },
  }
}

function numberOf(attributes: AttributeMap, name: string): number | undefined {
  const integer = integerOf(attributes.get(`turnlog.content.${name}`))
  return integer !== null && integer >= 0n && integer <= Number.MAX_SAFE_INTEGER
    ? Number(integer)
    : undefined
}

/** Joins the parts of each complete content; `put` adds the content to the batch and returns its key. */
export function joinParts(
  received: readonly ContentPart[],
  put: (content: ContentRow) => string,
): { readonly contentParts: ContentParts; readonly rejects: readonly Reject[] } {
  const wholes: { key: string; parts: number }[] = []
  const parts: PartRow[] = []
  const rejects: Reject[] = []
  let repeats = 0
  for (const set of Map.groupBy(received, setOf).values()) {
    const byNumber = new Map(set.map((part) => [part.part, part]))
    const distinct = [...byNumber.values()].sort((left, right) => left.part - right.part)
    repeats += set.length - distinct.length
    const [first] = distinct
    if (first === undefined || distinct.length < first.parts) {
      parts.push(...distinct.map(toPartRow))
      continue
    }
    const content = join(first.day, distinct)
    const isRight = content.sha256.equals(first.sha256) && content.size === first.size
    if (isRight) wholes.push({ key: put(content), parts: distinct.length })
    else {
      const reason = contentMismatch
      rejects.push(
        ...distinct.map((part) => ({ reason, recorderId: part.recorder_id, sequence: null })),
      )
    }
  }
  return { contentParts: { wholes, parts, repeats }, rejects }
}

/** The same for the parts of one content that were cut by one sender. */
function setOf({ day, sha256, sender, parts, size }: ContentPart): string {
  return `${day} ${sha256.toString('hex')} ${parts} ${size} ${sender}`
}

function toPartRow({ body, ...part }: ContentPart): PartRow {
  return { ...part, bytes: bytesOf(body) }
}

function bytesOf(body: string | Uint8Array): Uint8Array {
  return typeof body === 'string' ? encodeText(body) : body
}

/** When all parts are text, they are not encoded and decoded again. */
function join(day: string, parts: readonly ContentPart[]): ContentRow {
  const bodies = parts.map(({ body }) => body)
  const texts = bodies.filter((body) => typeof body === 'string')
  if (texts.length < bodies.length || !texts.every(isClean)) {
    return toContentRow(day, Buffer.concat(bodies.map(bytesOf)))
  }
  const hash = createHash('sha256')
  let size = 0
  for (const text of texts) {
    hash.update(text)
    size += Buffer.byteLength(text)
  }
  return { day, sha256: hash.digest(), body: texts.join(''), bytes: null, size }
}
