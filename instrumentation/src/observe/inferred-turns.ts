/**
 * Turns of apps that have no server: command-line agents, job queues, bots, workers. No request and no message shows where
 * such a turn begins, so it is told by what the app sends to the model:
 *
 *   - A model call that asks a new text of the user begins a turn.
 *   - A model call belongs to the open turn whose tool calls it brings the results of, or whose text of the user it repeats.
 *   - The turn ends some seconds after an answer that asks for no tool, when the same conversation asks the next text, or with the
 *     process (`turn.ts`).
 *
 * Titles and checks, which an app asks for besides, have other instructions than the turn, and its text inside theirs. Two jobs may
 * ask the same text at once: then each is a turn of its own. If several turns are possible, a call belongs to none.
 */
import { ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api'
import { viewOf } from '@turnlog/conventions/content/text'
import type { Asked, ModelApi } from '../models/model-api.ts'
import { Candidate, type CandidateSource } from '../record/candidate.ts'
import type { InferredCall } from '../record/tool-calls.ts'

/** Turns that are remembered, open or not: the next turn of a conversation is linked to the one before. */
const knownMax = 32
/** A shorter text is inside many others. */
const embeddedLengthMin = 16
/** A text that begins another one, as that of an agent that writes its steps below the user's text. */
const prefixLengthMin = 100

export interface CallOutside {
  readonly api: Pick<ModelApi, 'asked'>
  /** The whole body of the request. */
  readonly body: Uint8Array
  /** The open tool calls whose results it brings. */
  readonly answered: readonly InferredCall[]
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** The span that the app has around it. */
  readonly around: Span | undefined
}

interface InferredTurn {
  readonly turn: Candidate
  asked: Asked
}

export class InferredTurns {
  readonly #source: CandidateSource
  readonly #workOf: () => Span | undefined
  readonly #known: InferredTurn[] = []

  /** `workOf`: the open tool call or turn of another process that has started this one, for its work. */
  constructor(source: CandidateSource, workOf: () => Span | undefined) {
    this.#source = source
    this.#workOf = workOf
  }

  /** Those that code outside any request may work for: if several are open, those that have asked for tools. */
  readonly atWork = (): readonly Candidate[] => {
    if (this.#known.length === 0) return []
    const open = this.#open().map(({ turn }) => turn)
    const withTools = open.filter(({ openTools }) => openTools.size > 0)
    return withTools.length > 0 ? withTools : open
  }

  /** The turn of a model call that is made outside any request; `ambiguous`: one of several. */
  turnOf(call: CallOutside): Candidate | 'ambiguous' | undefined {
    const owners = new Set(
      call.answered.flatMap(({ owner }) => (owner instanceof Candidate ? [owner] : [])),
    )
    const waiting = this.#open().filter(({ turn }) => owners.has(turn))
    if (waiting.length > 0) return onlyOf(waiting)
    const asked = call.api.asked(call.body)
    if (asked === undefined) return undefined
    const found = this.#holding(asked)
    if (found.length === 0) return this.#begin(asked, call)
    const [only] = found
    if (found.length === 1 && only !== undefined) correct(only, asked)
    return onlyOf(found)
  }

  /** The open turns that may have made the call. */
  #holding(asked: Asked): InferredTurn[] {
    const open = this.#open()
    const same = open.filter((known) => known.asked.text === asked.text)
    const going = same.filter((known) => !asked.isLast || isRetryOrSideCall(known, asked))
    if (going.length > 0 || !asked.isLast) return going
    const other = open.filter((known) => !same.includes(known))
    return other.filter((known) => isAskedFor(known, asked) || embeds(known, asked))
  }

  #begin(asked: Asked, { body, startedAt, around }: CallOutside): Candidate {
    const before = this.#before(asked, body)
    if (before !== undefined && !before.turn.isEnded && !before.turn.isHeld) {
      before.turn.finish()
      before.turn.conclude('completed')
    }
    const links = [before?.turn.span, around].flatMap((span) =>
      span === undefined ? [] : [{ context: span.spanContext() }],
    )
    const work = this.#workOf()
    const turn = this.#source.openCandidate({
      startedAt,
      endIsKnown: false,
      isInferred: true,
      links,
      within: work && { context: trace.setSpan(ROOT_CONTEXT, work) },
    })
    this.#known.push({ turn, asked })
    if (this.#known.length > knownMax) this.#forgetOne()
    return turn
  }

  /** The turn before this one in its conversation: its text is repeated. */
  #before(asked: Asked, body: Uint8Array): InferredTurn | undefined {
    const bytes = viewOf(body)
    return this.#known.findLast(
      (known) =>
        known.asked.instructions === asked.instructions &&
        known.asked.messageCount < asked.messageCount &&
        bytes.includes(JSON.stringify(known.asked.text)),
    )
  }

  #open(): InferredTurn[] {
    return this.#known.filter(({ turn }) => !turn.isEnded)
  }

  #forgetOne(): void {
    const ended = this.#known.findIndex(({ turn }) => turn.isEnded)
    this.#known.splice(Math.max(ended, 0), 1)
  }
}

function onlyOf(turns: readonly InferredTurn[]): Candidate | 'ambiguous' | undefined {
  return turns.length > 1 ? 'ambiguous' : turns[0]?.turn
}

/** It asks the turn's own text once more. With the turn's instructions, another job does so, or the user repeats it. */
function isRetryOrSideCall({ turn, asked: own }: InferredTurn, asked: Asked): boolean {
  if (own.instructions !== asked.instructions) return true
  return own.messageCount === asked.messageCount && turn.hasFailedLast && !turn.isHeld
}

/** A tool of the turn asks a model, with a text that is an argument of the tool call. */
function isAskedFor({ turn }: InferredTurn, { text }: Asked): boolean {
  return [...turn.openTools.values()].some((call) => call.arguments.names(text))
}

/** One of the two texts is inside the other. */
function embeds({ turn, asked: own }: InferredTurn, asked: Asked): boolean {
  if (own.instructions === asked.instructions) {
    const isGrown = own.messageCount === asked.messageCount && asked.text.startsWith(own.text)
    return isGrown && own.text.length >= prefixLengthMin && !turn.isHeld
  }
  const isLonger = asked.text.length >= own.text.length
  const [inner, outer] = isLonger ? [own.text, asked.text] : [asked.text, own.text]
  return inner.length >= embeddedLengthMin && outer.includes(inner)
}

/** The turn's first call was one for a title, with the user's text inside its own: this one is the user's. */
function correct(known: InferredTurn, asked: Asked): void {
  const isInside = asked.text.length < known.asked.text.length
  if (!isInside || !known.asked.text.includes(asked.text)) return
  known.asked = asked
  known.turn.setPrompt(asked.text)
}
