/**
 * Reads a trace in parts, so that a trace of any size takes bounded memory: the keys of its spans, then the rows of some
 * spans, then the contents that these refer to, each up to the size that is shown.
 */
import {
  type SpanKey,
  type SpanOrder,
  spanKeysOfTrace,
} from '../../storage/queries/span-keys-of-trace.ts'
import { spansByKey } from '../../storage/queries/spans-by-key.ts'
import { openParents, type Parents } from './parents.ts'
import { costOf, type FoundContent, readContents, type WantedContent } from './read-contents.ts'
import type { ReadOptions } from './reader.ts'
import { openSpanReader, type Span } from './span.ts'
import type { StoredObject } from './stored-json.ts'
import { referenceOf, type StoredReference } from './stored-reference.ts'

/** Only these are shown of a larger trace. Viewers open 30,000 spans, and fail before this number. */
export const spansMax = 100_000

/** Spans, and bytes of stored rows, that are read at once. */
const spansAtOnce = 500
const rowBytesAtOnce = 2 * 1024 ** 2
/** Bytes of contents that are read at once, unless one is larger. */
const contentBytesAtOnce = 4 * 1024 ** 2

export interface Trace {
  readonly traceId: string
  readonly keys: readonly SpanKey[]
  readonly parents: Parents
  /** The trace has more spans than are shown. */
  readonly isCut: boolean
}

/** How much of contents is shown. */
export interface ContentLimits {
  /** Of one attribute; of a larger one the beginning is shown. */
  readonly bytesMax: number
  /** Takes the bytes of one content from the answer's; false when they do not fit. */
  take(bytes: number): boolean
}

/** A span, with the contents that are shown. */
export interface ShownSpan {
  readonly span: Span
  find(reference: StoredReference): FoundContent | 'hidden'
}

/** Undefined when there is no such trace, or none of its spans began between the times. */
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

/** The traces, each read when its turn comes. */
export async function* findEach(
  traceIds: readonly string[],
  options: ReadOptions & { readonly order: SpanOrder },
  onMissing: (traceId: string) => void = () => undefined,
): AsyncGenerator<Trace> {
  for (const traceId of traceIds) {
    const trace = await findTrace(traceId, options)
    if (trace === undefined) onMissing(traceId)
    else yield trace
  }
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
    const want = (reference: StoredReference) => {
      const key = keyOf(span, reference)
      if (contents.take(costOf(reference, contents.bytesMax)))
        wanted.set(key, { day: span.day, reference })
      else hidden.add(key)
    }
    // A content that several spans have is read once, but the answer repeats it with each of them.
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

function keyOf({ day }: Span, { kind, sha256 }: StoredReference): string {
  return `${day} ${kind} ${sha256}`
}

function* referencesIn(objects: readonly StoredObject[]): Generator<StoredReference> {
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

/** An answer has these once for many spans. */
function sharedObjectsOf({ resource, scope }: Span): readonly StoredObject[] {
  return [resource.members, scope.members]
}
