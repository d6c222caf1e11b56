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
import type { ContentBudget } from './content-budget.ts'
import { openParents, type Parents } from './parents.ts'
import { costOf, type FoundContent, readContents, type WantedContent } from './read-contents.ts'
import type { ReadOptions } from './reader.ts'
import { openSpanReader, type Span } from './span.ts'
import { referenceOf, type StoredObject, type StoredReference } from './stored-json.ts'

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
  options: ReadOptions & { readonly contents: ContentBudget },
): AsyncGenerator<readonly ShownSpan[]> {
  const { database, contents, ...read } = options
  const toSpan = openSpanReader()
  for (const part of partsOf(keys, rowBytesAtOnce, ({ bytes }) => bytes)) {
    const rows = await spansByKey(database, { ...read, traceId, keys: part })
    for (const spans of partsOf(rows.map(toSpan), contentBytesAtOnce, bytesOfContents)) {
      yield await showSpans(spans, options)
    }
  }

  function bytesOfContents(span: Span): number {
    const references = [...referencesIn([...ownObjectsOf(span), ...sharedObjectsOf(span)])]
    return references.reduce((sum, reference) => sum + costOf(reference, contents.bytesMax), 0)
  }
}

/** A part ends with the item that reaches a limit. */
function* partsOf<Item>(
  items: readonly Item[],
  bytesMax: number,
  bytesOf: (item: Item) => number,
): Generator<readonly Item[]> {
  let part: Item[] = []
  let bytes = 0
  for (const item of items) {
    part.push(item)
    bytes += bytesOf(item)
    if (part.length < spansAtOnce && bytes < bytesMax) continue
    yield part
    part = []
    bytes = 0
  }
  if (part.length > 0) yield part
}

async function showSpans(
  spans: readonly Span[],
  options: ReadOptions & { readonly contents: ContentBudget },
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
