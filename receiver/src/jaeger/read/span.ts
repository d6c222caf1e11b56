/** A stored row → a span: JSON parsed, times in nanoseconds. Pure. */
import type { StoredSpan } from '../../storage/queries/spans-by-key.ts'
import { isStoredObject, parseStored, type StoredObject, type StoredValue } from './stored-json.ts'

export type Span = Readonly<ReturnType<ReturnType<typeof openSpanReader>>>
export type SpanEvent = Readonly<ReturnType<typeof toEvent>>
export type SpanLink = Readonly<ReturnType<typeof toLink>>

/** Many spans share one; `text` identifies it. */
interface ResourceOrScope {
  readonly text: string
  readonly members: StoredObject
}

/** OpenTelemetry's name for a service without a name. */
export const unknownService = 'unknown_service'

/** Landing adds these to a turn's row: texts out of its messages. The client did not send them. */
const addedToTurns: ReadonlySet<string> = new Set(['turnlog.turn.prompt', 'turnlog.turn.answer'])

/** Reads rows. A resource or scope that rows share is parsed once. */
export function openSpanReader() {
  const known = new Map<string, ResourceOrScope>()

  function parseOnce(text: string): ResourceOrScope {
    const parsed = known.get(text)
    if (parsed !== undefined) return parsed
    // A client may give each span its own resource.
    if (known.size >= knownMax) known.clear()
    const added = { text, members: objectOf(parseStored(text)) }
    known.set(text, added)
    return added
  }

  /** With the token's user: the spans of one resource may have been sent by several users. */
  function resourceOf(row: StoredSpan): ResourceOrScope {
    const sent = parseOnce(row.resource)
    const members = withUser(sent.members, row)
    return members === sent.members ? sent : { text: `${sent.text} ${row.userId}`, members }
  }

  return function toSpan(row: StoredSpan) {
    const { traceId, spanId, day, name, kind, statusCode } = row
    const dropped = row.dropped === null ? {} : objectOf(parseStored(row.dropped))
    return {
      traceId,
      spanId,
      day,
      name,
      kind,
      statusCode,
      parentSpanId: row.parentSpanId ?? undefined,
      start: BigInt(row.start),
      /** Undefined when no end arrived. */
      end: row.end === null ? undefined : BigInt(row.end),
      traceState: row.traceState ?? '',
      flags: row.flags,
      statusMessage: row.statusMessage ?? '',
      serviceName: row.serviceName ?? unknownService,
      attributes: withUser(attributesOf(row), row),
      events: listOf(row.events).map(toEvent),
      links: listOf(row.links).map(toLink),
      resource: resourceOf(row),
      scope: parseOnce(row.scope),
      droppedAttributes: countOf(dropped.attributes),
      droppedEvents: countOf(dropped.events),
      droppedLinks: countOf(dropped.links),
    }
  }
}

const knownMax = 1_000

function withUser(members: StoredObject, { userId }: StoredSpan): StoredObject {
  const claimed = members['user.id']
  if (claimed === undefined || userId === null || claimed === userId) return members
  return { ...members, 'user.id': userId }
}

function attributesOf({ attributes, operation }: StoredSpan): StoredObject {
  const all = objectOf(parseStored(attributes))
  if (operation !== 'invoke_agent') return all
  return Object.fromEntries(Object.entries(all).filter(([key]) => !addedToTurns.has(key)))
}

function toEvent(value: StoredValue) {
  const event = objectOf(value)
  return {
    time: bigintOf(event.time_unix_nano),
    name: textOf(event.name),
    attributes: objectOf(event.attributes),
    droppedAttributes: countOf(event.dropped_attributes),
  }
}

function toLink(value: StoredValue) {
  const link = objectOf(value)
  return {
    traceId: textOf(link.trace_id).toLowerCase(),
    spanId: textOf(link.span_id).toLowerCase(),
    traceState: textOf(link.trace_state),
    flags: countOf(link.flags),
    attributes: objectOf(link.attributes),
    droppedAttributes: countOf(link.dropped_attributes),
  }
}

function listOf(text: string | null): readonly StoredValue[] {
  const value = text === null ? undefined : parseStored(text)
  return Array.isArray(value) ? value : []
}

export function objectOf(value: StoredValue | undefined): StoredObject {
  return isStoredObject(value) ? value : {}
}

export function textOf(value: StoredValue | undefined): string {
  return typeof value === 'string' ? value : ''
}

function countOf(value: StoredValue | undefined): number {
  return typeof value === 'number' ? value : 0
}

function bigintOf(value: StoredValue | undefined): bigint {
  if (typeof value === 'bigint') return value
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : 0n
}
