/** Spans and logs as they were before they were journaled: long texts back in their places, every value its own kind. */

import { isObject } from '@turnlog/conventions/plain'
import type { StoredContent } from './journal-record.ts'
import { contentText } from './journal-record.ts'
import { fromJournalValue } from './journal-value.ts'
import {
  attributeSlot,
  bodySlot,
  type JournaledLog,
  type JournaledScope,
  type JournaledSpan,
} from './journaled.ts'

type Attributes = Readonly<Record<string, unknown>>

/** `described` was written by `processor.ts` and is held by its record's checksum. */
export function readSpan(described: unknown, contents: readonly StoredContent[]): JournaledSpan {
  const span = described as JournaledSpan
  return {
    ...span,
    scope: readScope(span.scope),
    attributes: readAttributes(span.attributes, contents),
    ...(span.events === undefined ? {} : { events: span.events.map(withOwnValues) }),
    ...(span.links === undefined ? {} : { links: span.links.map(withOwnValues) }),
  }
}

export function readLog(described: unknown, contents: readonly StoredContent[]): JournaledLog {
  const log = described as JournaledLog
  const body = contents.find(({ slot }) => slot === bodySlot)
  return {
    ...log,
    scope: readScope(log.scope),
    attributes: readAttributes(log.attributes, contents),
    body: body === undefined ? fromJournalValue(log.body) : storedValue(body),
  }
}

function readAttributes(attributes: Attributes, contents: readonly StoredContent[]): Attributes {
  const long = contents
    .filter(({ slot }) => slot.startsWith(attributeSlot))
    .map((content) => [content.slot.slice(attributeSlot.length), storedValue(content)])
  const small = Object.entries(attributes).map(([name, value]) => [name, fromJournalValue(value)])
  // Not by assignment: an app may call an attribute `__proto__`.
  return Object.fromEntries([...small, ...long])
}

/** A library may call itself anything. A receiver refuses a whole request for a scope that is no text. */
function readScope(scope: unknown): JournaledScope {
  const { name, version, schemaUrl } = isObject(scope) ? scope : {}
  return {
    name: typeof name === 'string' ? name : '',
    ...(typeof version === 'string' ? { version } : {}),
    ...(typeof schemaUrl === 'string' ? { schemaUrl } : {}),
  }
}

function withOwnValues<T extends { readonly attributes?: Attributes }>(described: T): T {
  return { ...described, attributes: readAttributes(described.attributes ?? {}, []) }
}

function storedValue({ encoding, bytes }: StoredContent): string | Uint8Array {
  return contentText(encoding, bytes) ?? bytes
}
