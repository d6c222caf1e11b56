/** What both versions of the API show of a span alike: links to contents, attributes of its scope, warnings. Pure. */
import { contentNames } from '../../storage/queries/content-of-span.ts'
import type { ContentBudget } from './content-budget.ts'
import type { Parents } from './parents.ts'
import type { ShownSpan, Trace } from './read-trace.ts'
import type { ReadOptions } from './reader.ts'
import { objectOf, type Span } from './span.ts'
import { parseStored, referenceOf, type StoredObject, type StoredReference } from './stored-json.ts'
import { type Tag, type TagOptions, tagsOf } from './tags.ts'

/** The address of a whole content; `key` is its attribute, if it is one of the span's own. */
export type LinkTo = (span: Span, reference: StoredReference, key: string | undefined) => string

export interface TracesOptions extends ReadOptions {
  readonly linkTo: LinkTo
  /** As sent: no parent is left out, and there are no warnings. */
  readonly isRaw: boolean
  readonly contents: ContentBudget
  readonly traces: Iterable<Trace> | AsyncIterable<Trace>
}

export interface SpanOptions {
  readonly linkTo: LinkTo
  /** Undefined: parents are shown as sent, without warnings. */
  readonly parents: Parents | undefined
}

/** Pages that show one content, by attribute. */
const pages = new Map<string, string>(
  Object.entries(contentNames).map(([page, key]) => [key, page]),
)

/**
 * A content has its own address. For a list of messages, and for JSON of which members are contents themselves, the link
 * leads to the page of the attribute, or to the raw trace where no page shows it.
 */
export function linksFrom(baseUrl: string): LinkTo {
  return ({ traceId, spanId }, { kind, sha256, hasReferences }, key) => {
    if (kind === 'content' && !hasReferences)
      return `${baseUrl}/api/v1/attachments/sha256:${sha256}`
    const page = key === undefined ? undefined : pages.get(key)
    if (page !== undefined) return `${baseUrl}/turns/${traceId}/${spanId}/${page}`
    return `${baseUrl}/api/traces/${traceId}?raw=true`
  }
}

/** For the attributes of the span itself. */
export function ownTags({ span, find }: ShownSpan, linkTo: LinkTo): TagOptions {
  return { find, linkTo: (reference, key) => linkTo(span, reference, key) }
}

/** For the attributes of its events, links, resource or scope. */
export function otherTags({ span, find }: ShownSpan, linkTo: LinkTo): TagOptions {
  return { find, linkTo: (reference) => linkTo(span, reference, undefined) }
}

export function scopeTags(shown: ShownSpan, linkTo: LinkTo): readonly Tag[] {
  return tagsOf(scopeAttributesOf(shown), otherTags(shown, linkTo))
}

/** Large ones are a content, and are left out when that content is not shown whole. */
function scopeAttributesOf({ span, find }: ShownSpan): StoredObject {
  const { attributes } = span.scope.members
  const reference = referenceOf(attributes)
  if (reference === undefined) return objectOf(attributes)
  const found = find(reference)
  if (found === undefined || found === 'hidden' || found.status !== 'whole') return {}
  return objectOf(parseStored(found.text))
}

/** Undefined when there is no parent, or the span has to become a root. */
export function parentOf(span: Span, parents: Parents | undefined): string | undefined {
  return parents?.isCircular(span) ? undefined : span.parentSpanId
}

/** Why the span is drawn differently from how it was sent. */
export function warningsOf(span: Span, parents: Parents | undefined): readonly string[] {
  if (parents === undefined) return []
  const { start, end, parentSpanId } = span
  const warnings: string[] = []
  if (parents.isCircular(span)) {
    warnings.push(
      `its parents go in a circle: it is drawn as if it had none, and not below ${parentSpanId}`,
    )
  } else if (parents.isMissing(span)) {
    warnings.push(`parent span ID=${parentSpanId} is not in the trace`)
  }
  if (end === undefined) warnings.push('its end never arrived: it is drawn without a duration')
  if (end !== undefined && end < start) {
    warnings.push(`it ended ${start - end} ns before it started: it is drawn without a duration`)
  }
  return warnings
}
