/** A JSON array of events → the requests to land, and the state of each event. Pure, except for the clock that bounds diffs. */
import { isObject } from '@turnlog/conventions/plain'
import type { Period } from '../period.ts'
import { commonMembers } from './definitions.ts'
import { openDiffing } from './diffing.ts'
import { type EventIds, idsOf, type Sender } from './event-ids.ts'
import { readMember } from './member-values.ts'
import { type PlainEvent, readEvent } from './read-event.ts'
import { type EventWithIds, logEventOf, type Requests, toRequests } from './to-requests.ts'

export type Planned =
  /** `isRepeated`: an earlier event of the request has the same claim. */
  | {
      readonly status: 'planned'
      readonly ids: EventIds
      readonly hash: string
      readonly isRepeated: boolean
    }
  | { readonly status: 'rejected'; readonly reason: string; readonly eventId?: string }

export interface Plan {
  /** One for each event, in their order. */
  readonly events: readonly Planned[]
  /** Each event once. */
  readonly requests: Requests
}

export function planEvents(
  values: readonly unknown[],
  { sender, period }: { readonly sender: Sender; readonly period: Period },
): Plan {
  const landing = new Map<string, EventWithIds>()
  const taken = new Set<string>()
  const diffing = openDiffing()
  const events = values.map((value): Planned => {
    const result = readEvent(value, { period })
    if (result.status === 'rejected') return { ...result, ...givenIdOf(value) }
    const { event } = result
    const { hash } = event
    const wanted = idsOf(event, sender)
    const first = landing.get(wanted.claim)
    if (first !== undefined) return { status: 'planned', ids: first.ids, hash, isRepeated: true }
    const ids = withFreeSpanId(event, wanted, taken)
    landing.set(ids.claim, { event: diffing.complete(event), ids })
    return { status: 'planned', ids, hash, isRepeated: false }
  })
  return { events, requests: toRequests([...landing.values()]) }
}

/** The id of a rejected event, if it has one, so that the sender can identify it. */
function givenIdOf(value: unknown): { readonly eventId?: string } {
  const given = isObject(value) ? readMember(value.eventId, commonMembers.eventId) : undefined
  return given?.status === 'read' && given.value.kind === 'text'
    ? { eventId: given.value.text }
    : {}
}

/** Two operations with one id at one time, such as a patch of two files, are two spans. */
function withFreeSpanId(event: PlainEvent, ids: EventIds, taken: Set<string>): EventIds {
  if (logEventOf(event.type) !== undefined) return ids
  // PostgreSQL's times are in microseconds.
  const key = `${ids.traceId} ${ids.spanId} ${event.startTime / 1_000n}`
  if (taken.has(key)) return { ...ids, spanId: ids.ownSpanId }
  taken.add(key)
  return ids
}
