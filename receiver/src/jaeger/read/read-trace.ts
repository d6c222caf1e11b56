/**
 * A trace, read a part at a time, so that one of any size takes bounded memory: first the keys of its spans, then their
 * rows, then the contents these refer to, each as far as it is to be shown.
 */
import {
  type SpanKey,
  type SpanOrder,
  spanKeysOfTrace,
} from '../../storage/queries/span-keys-of-trace.ts'
import { spansByKey } from '../../storage/queries/spans-by-key.ts'
import { type ContentReference, referenceOf } from './content-reference.ts'
import { openParents, type Parents } from './parents.ts'
import {
  costOf,
  type FoundContent,
  type ReadOptions,
  readContents,
  type WantedContent,
} from './read-contents.ts'
import { openSpanReader, type Span } from './span.ts'
import type { StoredObject } from './stored-json.ts'

/** A trace with more is shown up to here. Thirty thousand open; viewers give up before this. */
export const spansMax = 100_000

/** Spans, and bytes of rows as they are stored, that are read at once. */
const spansAtOnce = 500
const rowBytesAtOnce = 2 * 1024 ** 2
/** Bytes of contents that are read at once, unless one alone is larger. */
const contentBytesAtOnce = 4 * 1024 ** 2

export interface Trace {
  readonly traceId: string
  readonly keys: readonly SpanKey[]
  readonly parents: Parents
  /** There are more spans than are shown. */
  readonly isCut: boolean
}

/** What of contents is shown. */
export interface ContentLimits {
  /** Of one attribute; what is larger is shown by its beginning. */
  readonly bytesMax: number
  /** Takes the bytes of one more from what the answer may hold; false when they do not fit. */
  take(bytes: number): boolean
}

/** A span, and what is shown of its contents. */
export interface ShownSpan {
  readonly span: Span
  find(reference: ContentReference): FoundContent | 'hidden'
}

/** Undefined when there is no such trace, or none of it has begun within the times. */
export async function findTrace(
  traceId: string,
  options: ReadOptions & {
    readonly order: SpanOrder
    readonly from?: bigint | undefined
    readonly to?: bigint | undefined
  },
): Promise<Trace | undefined> {
  const { database, order, from = 0n, to, ...read } = options
  const rows = await spanKeysOfTrace(database, { ...read, traceId, order, rowsMax: spansMax + 1 })
  const isWithin = ({ start }: SpanKey) =>
    BigInt(start) >= from && (to === undefined || BigInt(start) <= to)
  if (!rows.some(isWithin)) return undefined
  const keys = rows.slice(0, spansMax)
  return { traceId, keys, parents: openParents(keys), isCut: rows.length > keys.length }
}

/** In the order of the trace's keys. */
export async function* spansOf(
  { traceId, keys }: Trace,
  options: ReadOptions & { readonly contents: ContentLimits },
): AsyncGenerator<readonly ShownSpan[]> {
  const { database, contents, ...read } = options
  const toSpan = openSpanReader()
  for (const part of partsOf(keys)) {
    const rows = await spansByKey(database, { ...read, traceId, keys: part })
    for (const spans of batchesOf(rows.map(toSpan), contents.bytesMax)) {
      yield await showSpans(spans, options)
    }
  }
}

function* partsOf(keys: readonly SpanKey[]): Generator<readonly SpanKey[]> {
  let part: SpanKey[] = []
  let bytes = 0
  for (const key of keys) {
    part.push(key)
    bytes += key.bytes
    if (part.length < spansAtOnce && bytes < rowBytesAtOnce) continue
    yield part
    part = []
    bytes = 0
  }
  if (part.length > 0) yield part
}

function* batchesOf(spans: readonly Span[], bytesMax: number): Generator<readonly Span[]> {
  let batch: Span[] = []
  let bytes = 0
  for (const span of spans) {
    batch.push(span)
    const objects = [...ownObjectsOf(span), ...sharedObjectsOf(span)]
    for (const reference of referencesIn(objects)) bytes += costOf(reference, bytesMax)
    if (bytes < contentBytesAtOnce) continue
    yield batch
    batch = []
    bytes = 0
  }
  if (batch.length > 0) yield batch
}

async function showSpans(
  spans: readonly Span[],
  options: ReadOptions & { readonly contents: ContentLimits },
): Promise<readonly ShownSpan[]> {
  const { contents, ...read } = options
  const wanted = new Map<string, WantedContent>()
  const hiddenOf = spans.map((span) => {
    const hidden = new Set<string>()
    const want = (reference: ContentReference) => {
      const key = keyOf(span, reference)
      if (contents.take(costOf(reference, contents.bytesMax)))
        wanted.set(key, { day: span.day, reference })
      else hidden.add(key)
    }
    // A content is read once, however many spans have it; but the answer holds it with each of them.
    for (const reference of referencesIn(ownObjectsOf(span))) want(reference)
    for (const reference of referencesIn(sharedObjectsOf(span))) {
      if (!wanted.has(keyOf(span, reference))) want(reference)
    }
    return hidden
  })
  const find = await readContents([...wanted.values()], { ...read, bytesMax: contents.bytesMax })
  return spans.map((span, index) => ({
    span,
    find: (reference) =>
      hiddenOf[index]?.has(keyOf(span, reference)) ? 'hidden' : find({ day: span.day, reference }),
  }))
}

function keyOf({ day }: Span, { kind, sha256 }: ContentReference): string {
  return `${day} ${kind} ${sha256}`
}

function* referencesIn(objects: readonly StoredObject[]): Generator<ContentReference> {
  for (const object of objects) {
    for (const value of Object.values(object)) {
      const reference = referenceOf(value)
      if (reference !== undefined) yield reference
    }
  }
}

function ownObjectsOf({ attributes, events, links }: Span): readonly StoredObject[] {
  return [
    attributes,
    ...events.map((event) => event.attributes),
    ...links.map((link) => link.attributes),
  ]
}

/** Those an answer tells once for many spans. */
function sharedObjectsOf({ resource, scope }: Span): readonly StoredObject[] {
  return [resource.members, scope.members]
}
