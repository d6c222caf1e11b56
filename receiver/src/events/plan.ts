/** A JSON array of events → what is to land, and what each of them came to so far. Pure, but for the clock that bounds diffs. */
import { isObject } from '@turnlog/conventions/plain'
import type { Period } from '../period.ts'
import { commonMembers } from './definitions.ts'
import { openDiffing } from './diffing.ts'
import { readMember } from './member-values.ts'
import { type Place, placeOf, type Sender } from './place.ts'
import { type PlainEvent, readEvent } from './read-event.ts'
import { isSpanType, type PlacedEvent, type Requests, toRequests } from './to-requests.ts'

export type Planned =
  /** `isRepeated`: an earlier one of these has the same claim. */
  | {
      readonly status: 'placed'
      readonly place: Place
      readonly hash: string
      readonly isRepeated: boolean
    }
  | { readonly status: 'rejected'; readonly reason: string; readonly eventId?: string }

export interface Plan {
  /** One for each event, in the order they came. */
  readonly events: readonly Planned[]
  /** Each event once. */
  readonly requests: Requests
}

export function planEvents(
  values: readonly unknown[],
  { sender, period }: { readonly sender: Sender; readonly period: Period },
): Plan {
  const landing = new Map<string, PlacedEvent>()
  const taken = new Set<string>()
  const diffing = openDiffing()
  const events = values.map((value): Planned => {
    const result = readEvent(value, { period })
    if (result.status === 'rejected') return { ...result, ...givenIdOf(value) }
    const { event } = result
    const { hash } = event
    const unsettled = placeOf(event, sender)
    const first = landing.get(unsettled.claim)
    if (first !== undefined) return { status: 'placed', place: first.place, hash, isRepeated: true }
    const place = settle(event, unsettled, taken)
    landing.set(place.claim, { event: diffing.complete(event), place })
    return { status: 'placed', place, hash, isRepeated: false }
  })
  return { events, requests: toRequests([...landing.values()]) }
}

/** So that the sender knows a wrong event again, as far as it has an id. */
function givenIdOf(value: unknown): { readonly eventId?: string } {
  const given = isObject(value) ? readMember(value.eventId, commonMembers.eventId) : undefined
  return given?.status === 'read' && given.value.kind === 'text'
    ? { eventId: given.value.text }
    : {}
}

/** Two operations of one id at one moment, as of a patch to two files, are two spans all the same. */
function settle(event: PlainEvent, place: Place, taken: Set<string>): Place {
  if (!isSpanType(event.type)) return place
  // PostgreSQL keeps microseconds.
  const key = `${place.traceId} ${place.spanId} ${event.startTime / 1_000n}`
  if (taken.has(key)) return { ...place, spanId: place.ownSpanId }
  taken.add(key)
  return place
}
