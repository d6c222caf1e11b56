/** One value of the JSON array → the event, or the reason why it is rejected, which names the member. Pure. */
import { isObject, type JsonObject } from '@turnlog/conventions/plain'
import { problemOfTime } from '../otlp/rows/time.ts'
import { fromJson } from '../otlp/wire/json.ts'
import type { AnyValue } from '../otlp/wire/request.ts'
import type { Period } from '../period.ts'
import {
  commonMembers,
  type Definition,
  definitions,
  type EventType,
  type Member,
} from './definitions.ts'
import { hashOfEvent } from './identity.ts'
import { type MemberValue, readMember } from './member-values.ts'

export interface PlainEvent {
  readonly type: EventType
  readonly startTime: bigint
  readonly endTime: bigint
  /** Without a duration its start is its end. */
  readonly hasDuration: boolean
  readonly members: ReadonlyMap<string, MemberValue>
  /** Members that the contract does not know, or knows only in part, as they came. */
  readonly others: ReadonlyMap<string, AnyValue>
  /** SHA-256, in hex. */
  readonly hash: string
  /** The receiver made its diff and its counts of lines. */
  readonly isDiffed?: true
}

type Rejected = { readonly status: 'rejected'; readonly reason: string }
export type EventResult = { readonly status: 'event'; readonly event: PlainEvent } | Rejected

/** Levels of nested values. No tool's arguments are deeper, and recursion could not read them. */
export const depthMax = 1_000

/** Both names of the type; an event with both must have the same value twice. */
const typeNames = ['type', 'eventType'] as const

export function readEvent(value: unknown, { period }: { readonly period: Period }): EventResult {
  if (!isObject(value)) return rejected('the event is not an object')
  if (isTooDeep(value)) return rejected(`the event is nested deeper than ${depthMax} levels`)
  const typed = typeOf(value)
  if (typed.status === 'rejected') return typed
  const { type } = typed
  const definition: Definition = definitions[type]
  const known = membersOf(type)
  const members = new Map<string, MemberValue>()
  const parts = new Set<string>()
  for (const [name, member] of Object.entries(known)) {
    const result = readMember(ownMember(value, name), member)
    if (result.status === 'wrong') return rejected(`${name} must be ${result.expected}`)
    if (result.status === 'absent' && member.isRequired) return rejected(`${name} is missing`)
    if (result.status === 'absent') continue
    members.set(name, result.value)
    if (result.isPart) parts.add(name)
  }
  const times = timesOf(members, { duration: definition.duration, period })
  if (times.status === 'rejected') return times
  const others = Object.entries(value)
    .filter(([name]) => parts.has(name) || !(Object.hasOwn(known, name) || isTypeName(name)))
    .map(([name, one]) => [name, fromJson(one)] as const)
  const { startTime, endTime, hasDuration } = times
  const event = { type, startTime, endTime, hasDuration, members }
  return {
    status: 'event',
    event: { ...event, others: new Map(others), hash: hashOfEvent(value) },
  }
}

export function membersOf(type: EventType): Readonly<Record<string, Member>> {
  return { ...commonMembers, ...definitions[type].members }
}

function typeOf(
  value: JsonObject,
): { readonly status: 'known'; readonly type: EventType } | Rejected {
  const given = typeNames.map((name) => ownMember(value, name)).filter((one) => one !== undefined)
  const [name] = given
  const expected = `one of ${Object.keys(definitions).join(', ')}`
  if (name === undefined) return rejected(`type is missing: ${expected}`)
  if (given.some((one) => one !== name)) return rejected('type and eventType say different things')
  return isEventType(name) ? { status: 'known', type: name } : rejected(`type must be ${expected}`)
}

function isEventType(name: unknown): name is EventType {
  return typeof name === 'string' && Object.hasOwn(definitions, name)
}

function isTypeName(name: string): boolean {
  return typeNames.some((one) => one === name)
}

function timesOf(
  members: ReadonlyMap<string, MemberValue>,
  { duration, period }: { readonly duration: string | undefined; readonly period: Period },
):
  | ({ readonly status: 'known' } & Pick<PlainEvent, 'startTime' | 'endTime' | 'hasDuration'>)
  | Rejected {
  const endTime = nanosecondsOf(members, 'timestamp') ?? 0n
  const problem = problemOfTime(endTime, period)
  if (problem !== undefined) return rejected(`timestamp ${problem}${meaningOf(endTime)}`)
  const took = duration === undefined ? undefined : nanosecondsOf(members, duration)
  if (took === undefined) {
    return { status: 'known', startTime: endTime, endTime, hasDuration: false }
  }
  const problemOfStart = problemOfTime(endTime - took, period)
  if (problemOfStart !== undefined) {
    return rejected(`${duration} is too long: the start ${problemOfStart}`)
  }
  return { status: 'known', startTime: endTime - took, endTime, hasDuration: true }
}

function nanosecondsOf(
  members: ReadonlyMap<string, MemberValue>,
  name: string,
): bigint | undefined {
  const value = members.get(name)
  return value?.kind === 'nanoseconds' ? value.nanoseconds : undefined
}

/** How the time was read: seconds that were read as milliseconds are in January 1970. */
function meaningOf(time: bigint): string {
  const date = new Date(Number(time / 1_000_000n))
  return Number.isNaN(date.getTime()) ? '' : ` (it means ${date.toISOString()})`
}

/** A member of the object itself, not of its prototype. */
function ownMember(value: JsonObject, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined
}

/** Iterative, because recursion would fail for a value that is too deep. */
function isTooDeep(value: unknown): boolean {
  const waiting: [unknown, number][] = [[value, 1]]
  for (;;) {
    const next = waiting.pop()
    if (next === undefined) return false
    const [one, depth] = next
    if (typeof one !== 'object' || one === null) continue
    if (depth > depthMax) return true
    for (const inner of Object.values(one)) waiting.push([inner, depth + 1])
  }
}

function rejected(reason: string): Rejected {
  return { status: 'rejected', reason }
}

/** The text of a member whose value is text. */
export function textOf({ members }: PlainEvent, name: string): string | undefined {
  const value = members.get(name)
  return value?.kind === 'text' ? value.text : undefined
}
