/** A wire format of a model API: a request in, the bytes of an answer out. */
import type { JsonObject } from '@turnlog/conventions/plain'

export interface WireRequest {
  readonly path: string
  readonly query: URLSearchParams
  readonly body: JsonObject
  readonly reply: Reply
}

/** What the model says: it asks for tools, else its answer is a text. */
export interface Reply {
  /** Counts the answers: as with the real APIs, no two have the same id. */
  readonly number: number
  readonly calls: readonly ToolUse[]
  readonly text: string
  /** The request is refused with this status. */
  readonly status?: number
  /** The answer's bytes come, and not its end. */
  readonly isEndless?: boolean
  /** The connection breaks after the beginning of the answer. */
  readonly isCut?: boolean
}

/** What a script lets the model say; a text alone is an answer. */
export type Said = Omit<Reply, 'number' | 'calls'> & Partial<Pick<Reply, 'calls'>>

export interface ToolUse {
  readonly id: string
  readonly name: string
  readonly input: JsonObject
}

export interface WireAnswer {
  readonly type: string
  /** Each is written by itself. */
  readonly pieces: readonly (string | Uint8Array)[]
  /** The answer does not say how many tokens were used, as the request did not ask. */
  readonly isWithoutUsage?: boolean
}

/** `undefined`: the path belongs to another format. */
export type Wire = (request: WireRequest) => WireAnswer | undefined

export function json(value: object): WireAnswer {
  return { type: 'application/json', pieces: [JSON.stringify(value)] }
}

/** Server-sent events, without names of events. */
export function dataEvents(values: readonly object[], end?: string): WireAnswer {
  const pieces = values.map((value) => `data: ${JSON.stringify(value)}\n\n`)
  return {
    type: 'text/event-stream',
    pieces: end === undefined ? pieces : [...pieces, `data: ${end}\n\n`],
  }
}

interface NamedEvent extends JsonObject {
  readonly type: string
}

/** Server-sent events whose name is the `type` of their value. */
export function namedEvents(values: readonly NamedEvent[]): WireAnswer {
  return {
    type: 'text/event-stream',
    pieces: values.map((value) => `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`),
  }
}

/** A text in three pieces. */
export function thirdsOf(text: string): readonly string[] {
  const third = Math.ceil(text.length / 3)
  return [text.slice(0, third), text.slice(third, 2 * third), text.slice(2 * third)]
}
