/**
 * Turns of apps that have no server: command-line agents, job queues, bots, workers. No request and no message shows where
 * such a turn begins, so it is told by what the app sends to the model:
 *
 *   - A model call that asks a new text of the user begins a turn.
 *   - A model call belongs to the open turn whose tool calls it brings the results of, or whose text of the user it repeats.
 *   - The turn ends some seconds after an answer that asks for no tool, when the same conversation asks the next text, or with the
 *     process (`turn.ts`).
 *
 * Titles and checks, which an app asks for besides, are recognised by what they have of the turn (`side-calls.ts`). Two jobs may
 * ask the same text at once: then each is a turn of its own. If several turns are possible, a call belongs to none.
 */
import { ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api'
import type { Asked, ModelApi } from '../models/model-api.ts'
import { Candidate, type CandidateSource } from '../record/candidate.ts'
import type { InferredCall } from '../record/tool-calls.ts'
import { linkToCaller, linkToPreviousTurn } from '../record/turn-links.ts'
import { goesOnFrom, hasSaidTheSame, turnBefore } from './conversations.ts'
import { isSideCall, isUsersCall } from './side-calls.ts'

/** Turns that are remembered, open or not: the next turn of a conversation is linked to the one before. */
const knownMax = 32

export interface CallOutside {
  readonly api: Pick<ModelApi, 'asked'>
  /** The whole body of the request. */
  readonly body: Uint8Array
  /** The open tool calls whose results it brings. */
  readonly answered: readonly InferredCall[]
  /** The turn that it names as the one before, where the server keeps the conversation. */
  readonly before: Candidate | undefined
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** The span that the app has around it. */
  readonly around: Span | undefined
}

export interface InferredTurn {
  readonly turn: Candidate
  asked: Asked
  /** The call that asks the user's text is known; before that, `asked` may be a title or a check that has come first. */
  hasUsersCall: boolean
  /** It is linked to the turn before it in its conversation. */
  isNext: boolean
  /** Calls that the app has made besides. */
  readonly sideCalls: Asked[]
}

export class InferredTurns {
  readonly #source: CandidateSource
  readonly #workOf: () => Span | undefined
  readonly #known: InferredTurn[] = []
  /** Turns of requests, of which model calls were made outside: what the app does for them happens there, too. */
  readonly #ofRequests = new Set<Candidate>()

  /** `workOf`: the open tool call or turn of another process that has started this one, for its work. */
  constructor(source: CandidateSource, workOf: () => Span | undefined) {
    this.#source = source
    this.#workOf = workOf
  }

  /** Those that code outside any request may work for: if several are open, those that have asked for tools. */
  atWork(): readonly Candidate[] {
    if (this.#known.length === 0 && this.#ofRequests.size === 0) return []
    const open = this.#open().map(({ turn }) => turn)
    for (const turn of this.#ofRequests) if (turn.isEnded) this.#ofRequests.delete(turn)
    const withTools = [...open, ...this.#ofRequests].filter(({ openTools }) => openTools.size > 0)
    return withTools.length > 0 ? withTools : open
  }

  /** A server may do other work besides, for which no model is asked. */
  mustBeNamed(turn: Candidate): boolean {
    return this.#ofRequests.has(turn)
  }

  /** A model call of a request's turn was made outside any request, as a queue does that takes up what requests have left there. */
  workOutside(turn: Candidate): void {
    // A library's own span holds a turn without a server for the next attempt of a call.
    if (!turn.isInferred) this.#ofRequests.add(turn)
  }

  /** The turn of a model call that is made outside any request; `ambiguous`: one of several. */
  turnOf(call: CallOutside): Candidate | 'ambiguous' | undefined {
    const owners = new Set(
      call.answered.flatMap(({ owner }) => (owner instanceof Candidate ? [owner] : [])),
    )
    const waiting = this.#open().filter(({ turn }) => owners.has(turn))
    if (waiting.length > 0) return onlyOf(waiting)
    const asked = call.api.asked(call.body)
    if (asked === undefined) {
      // It brings no text: what it names goes on.
      return this.#open().find(({ turn }) => turn === call.before)?.turn
    }
    const found = this.#holding(asked, call.before)
    return found.length === 0 ? this.#begin(asked, call) : onlyOf(found)
  }

  /** The open turns that may have made the call. */
  #holding(asked: Asked, before: Candidate | undefined): InferredTurn[] {
    const open = this.#open()
    const same = open.filter((known) => known.asked.text === asked.text)
    const going = same.filter((known) => !asked.isLast || isRetryOrSideCall(known, asked))
    if (going.length > 0 || !asked.isLast) {
      const own = withoutSuchCall(ofConversation(going, asked), asked)
      const [known] = own
      if (own.length === 1 && known !== undefined) this.#addCallWithText(known, asked)
      return own
    }
    const others = open.filter(
      (known) => !same.includes(known) && isSideCall(known, asked, known.turn === before),
    )
    const found = withoutSuchCall(others, asked)
    const [only] = found
    if (found.length === 1 && only !== undefined) this.#addSideCall(only, asked)
    return found
  }

  #begin(asked: Asked, { before: named, startedAt, around }: CallOutside): Candidate {
    const before =
      named === undefined
        ? turnBefore(this.#known, asked)
        : this.#known.find(({ turn }) => turn === named)
    if (before !== undefined) endBefore(before, asked)
    const previous = before?.turn.span ?? named?.span
    const links = [
      ...(previous === undefined ? [] : [linkToPreviousTurn(previous.spanContext())]),
      ...(around === undefined ? [] : [linkToCaller(around.spanContext())]),
    ]
    const work = this.#workOf()
    const turn = this.#source.openCandidate({
      startedAt,
      endIsKnown: false,
      isInferred: true,
      links,
      within: work && { context: trace.setSpan(ROOT_CONTEXT, work) },
    })
    const isNext = (before ?? named) !== undefined
    this.#known.push({ turn, asked, hasUsersCall: false, isNext, sideCalls: [] })
    if (this.#known.length > knownMax) this.#forgetOne()
    return turn
  }

  /** An app may ask something else with the user's text before it asks the agent: which model to take, whether the text is allowed. */
  #addCallWithText(known: InferredTurn, asked: Asked): void {
    const { asked: own } = known
    if (own.instructions === asked.instructions) return
    if (asked.offersTools && !own.offersTools) this.#addUsersCall(known, asked)
    else addTo(known, asked)
  }

  /** If the turn's first call was one for a title, with the user's text inside its own, this one is the user's. */
  #addSideCall(known: InferredTurn, asked: Asked): void {
    if (!isUsersCall(known, asked)) {
      addTo(known, asked)
      return
    }
    this.#addUsersCall(known, asked)
    known.turn.setPrompt(asked.text)
  }

  /** It also shows the conversation, which a title does not. */
  #addUsersCall(known: InferredTurn, asked: Asked): void {
    addTo(known, known.asked)
    known.asked = asked
    known.hasUsersCall = true
    if (known.isNext) return
    const others = this.#known.filter((each) => each !== known)
    const before = turnBefore(others, asked)
    if (before === undefined) return
    known.isNext = true
    endBefore(before, asked)
    const { span } = before.turn
    if (span !== undefined) known.turn.link(span.spanContext())
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

/** If several turns have the same text, those in whose conversation all else is the same, too. */
function ofConversation(turns: InferredTurn[], asked: Asked): InferredTurn[] {
  const own = turns.filter((known) => hasSaidTheSame(known.asked, asked))
  return own.length > 0 ? own : turns
}

/** Users who write the same have equal turns: the first of these that has not made such a call. */
function withoutSuchCall(turns: InferredTurn[], asked: Asked): InferredTurn[] {
  const possible = turns.filter((known) => !hasMade(known, asked))
  const [first, ...others] = possible
  if (turns.length < 2 || first === undefined) return turns
  const isEqual = (other: InferredTurn): boolean =>
    other.asked.text === first.asked.text && hasSaidTheSame(other.asked, first.asked)
  const areAllEqual = possible.every((known) => isUsersCall(known, asked)) || others.every(isEqual)
  return areAllEqual ? [first] : turns
}

function hasMade({ asked: own, sideCalls }: InferredTurn, { text, instructions }: Asked): boolean {
  return [own, ...sideCalls].some(
    (call) => call.text === text && call.instructions === instructions,
  )
}

/** It asks the turn's own text once more. With the turn's instructions, another job does so, or the user repeats it. */
function isRetryOrSideCall({ turn, asked: own }: InferredTurn, asked: Asked): boolean {
  if (own.instructions !== asked.instructions) return true
  return own.messageCount === asked.messageCount && turn.hasFailedLast && !turn.isHeld
}

/** The user goes on, or another agent does: the turn before ends, unless it is at work. */
function endBefore({ turn, asked: own }: InferredTurn, asked: Asked): void {
  const isAtWork = turn.isHeld || (turn.openTools.size > 0 && !goesOnFrom(own, asked))
  if (turn.isEnded || isAtWork) return
  turn.finish()
  turn.conclude('completed')
}

function addTo({ sideCalls }: InferredTurn, call: Asked): void {
  sideCalls.push(call)
  if (sideCalls.length > knownMax) sideCalls.shift()
}
