/**
 * The claim, trace id and span id of an event, made from its own members. Pure.
 *
 * Each is the SHA-256 of the UTF-8 of a JSON array without spaces; an absent value is `null`:
 * - trace id: `[team, user, sessionId, turnId]`, the first 16 bytes. Without a turn id the last element is the array
 *   `[type, member, id]` of the tool call that the event belongs to, or of the event itself.
 * - span id: `[team, user, sessionId, type, member, id]`, the first 8 bytes. `member` is the member that the id is from:
 *   `turnId` of a ChatTurn, `toolCallId` of a ToolCall, `opId` of a FileOperation, so that other events can refer to
 *   these spans in any order of arrival; else `eventId`, else `hash`.
 * - claim: as a span id, but always of `eventId` or `hash`, and all 32 bytes.
 *
 * The hash of an event is that of its JSON in the form of RFC 8785 (members sorted, no spaces), in hex.
 */

import { createHash } from 'node:crypto'
import { restoreLoneSurrogates } from '../otlp/wire/text.ts'

type Part = string | null | readonly Part[]

/** The team, user and session of an event. */
export interface Owner {
  readonly teamId: string
  readonly userId: string | null
  readonly sessionId: string | null
}

/** Identifies an event: its type, one of its members, and that member's value. */
export type Name = readonly [type: string, member: string, id: string]

export function traceIdOf(owner: Owner, turn: string | Name): string {
  return digest([...partsOf(owner), turn]).slice(0, 32)
}

export function spanIdOf(owner: Owner, name: Name): string {
  return claimOf(owner, name).slice(0, 16)
}

export function claimOf(owner: Owner, name: Name): string {
  return digest([...partsOf(owner), ...name])
}

function partsOf({ teamId, userId, sessionId }: Owner): readonly Part[] {
  return [teamId, userId, sessionId]
}

function digest(parts: readonly Part[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

/** Characters that are hashed together. */
const chunkLength = 64 * 1024

/** In hex. Integers beyond 2^53 keep their digits, which RFC 8785 would not. */
export function hashOfEvent(event: unknown): string {
  const hash = createHash('sha256')
  let text = ''
  function write(more: string): void {
    text += more
    if (text.length < chunkLength) return
    hash.update(text)
    text = ''
  }
  writeCanonical(event, write)
  return hash.update(text).digest('hex')
}

/** Recursive: the caller bounds the depth. */
function writeCanonical(value: unknown, write: (text: string) => void): void {
  if (typeof value === 'bigint') {
    write(String(value))
  } else if (Array.isArray(value)) {
    write('[')
    for (const [index, one] of value.entries()) {
      if (index > 0) write(',')
      writeCanonical(one, write)
    }
    write(']')
  } else if (typeof value === 'object' && value !== null) {
    write('{')
    const members = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1))
    for (const [index, [name, one]] of members.entries()) {
      write(`${index > 0 ? ',' : ''}${written(name)}:`)
      writeCanonical(one, write)
    }
    write('}')
  } else {
    write(written(value))
  }
}

function written(value: unknown): string {
  return restoreLoneSurrogates(JSON.stringify(value))
}
