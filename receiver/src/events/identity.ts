/**
 * What makes an event itself, and what it is called: its claim, its trace and its span.
 *
 * All are SHA-256 of the UTF-8 of a JSON array without spaces; an absent value is `null`:
 * - trace id: `[team, user, sessionId, turnId]`, the first 16 bytes. Without a turn id the last
 *   element is the array `[type, member, id]` of the tool call the event belongs to, or of the event.
 * - span id: `[team, user, sessionId, type, member, id]`, the first 8 bytes. `member` is what the id
 *   was taken from: `turnId` of a ChatTurn, `toolCallId` of a ToolCall, `opId` of a FileOperation,
 *   so that whoever names one of these knows its span, in whatever order they arrive; else
 *   `eventId`, else `hash`.
 * - claim: as a span id, of `eventId` or `hash` always, and whole.
 *
 * The hash of an event is that of its JSON in the form of RFC 8785 (members sorted, no spaces), in hex.
 */
import { createHash } from 'node:crypto'

type Part = string | null | readonly Part[]

/** Whose event it is. */
export interface Owner {
  readonly teamId: string
  readonly userId: string | null
  readonly sessionId: string | null
}

/** By what an event is known: its type, a member of it, and that member's value. */
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

/** Characters that are hashed at once. */
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

/** Recursive: the caller has bounded the depth. */
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
      write(`${index > 0 ? ',' : ''}${JSON.stringify(name)}:`)
      writeCanonical(one, write)
    }
    write('}')
  } else {
    write(JSON.stringify(value))
  }
}
