/** A wire format of a model API: a request in, the bytes of an answer out. */
import type { JsonObject } from '@turnlog/conventions/plain'
import { scenario } from '../scenario.ts'

export interface WireRequest {
  readonly path: string
  readonly query: URLSearchParams
  readonly body: JsonObject
  /** The request brings the tool's result, so that the next answer is a text. */
  readonly hasResult: boolean
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

/** The answer's text in three pieces. */
export const answerPieces = thirdsOf(scenario.answer)

export const argumentsText = JSON.stringify(scenario.input)

export const argumentPieces = thirdsOf(argumentsText)

function thirdsOf(text: string): readonly string[] {
  const third = Math.ceil(text.length / 3)
  return [text.slice(0, third), text.slice(third, 2 * third), text.slice(2 * third)]
}
