/** How the attributes of a span are shown, whichever version of the API shows them. Pure. */
import { contentNames } from '../../storage/queries/content-of-span.ts'
import { type ContentReference, referenceOf } from './content-reference.ts'
import type { ShownSpan } from './read-trace.ts'
import { objectOf, type Span } from './span.ts'
import { parseStored, type StoredObject } from './stored-json.ts'
import type { TagOptions } from './tags.ts'

/** Where a person finds the whole of a content; `key` is the span's attribute, where it is one of the span's own. */
export type LinkTo = (span: Span, reference: ContentReference, key: string | undefined) => string

/** Pages that show one content, by the attribute it is of. */
const pages = new Map<string, string>(
  Object.entries(contentNames).map(([page, key]) => [key, page]),
)

/**
 * A content has an address of its own. A list of messages has none, and of JSON whose members are contents of their own
 * that address is not the whole: these have a page, or else their whole trace.
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

/** For those of its events, links, resource or scope. */
export function otherTags({ span, find }: ShownSpan, linkTo: LinkTo): TagOptions {
  return { find, linkTo: (reference) => linkTo(span, reference, undefined) }
}

/** Kept apart when they are large; then none are shown where contents are not. */
export function scopeAttributesOf({ span, find }: ShownSpan): StoredObject {
  const { attributes } = span.scope.members
  const reference = referenceOf(attributes)
  if (reference === undefined) return objectOf(attributes)
  const found = find(reference)
  if (found === undefined || found === 'hidden' || found.status !== 'whole') return {}
  return objectOf(parseStored(found.text))
}
