/**
 * Turns that the app declares (`turn()`). One message is one turn, whoever says so:
 *
 *   - The first one declared inside a request or message that is being handled is that message's turn. What was found
 *     of it stays; what the app declares takes precedence.
 *   - One declared inside a declared turn, or inside a tool call that the app reports in a turn, is a sub-agent's: a child
 *     in the same trace. So is a second one in the same request, say a retry, unless it names another conversation.
 *   - Anywhere else, also where the surrounding turn has ended, it is a turn of its own, linked to the active span.
 */
import { type Context, createContextKey, trace } from '@opentelemetry/api'
import type { Turn, TurnOptions } from '../api.ts'
import type { OpenWork } from '../follow-work.ts'
import { quietly } from '../health.ts'
import { textOf } from '../record/api-text.ts'
import type { Candidate, CandidateSource } from '../record/candidate.ts'
import {
  apiCallOf,
  candidateOf,
  contexts,
  contextWithCandidate,
  runIn,
} from '../record/contexts.ts'
import { linkToCaller } from '../record/turn-links.ts'
import { describeError } from './errors.ts'

/** The turn whose callback the code runs in. */
const insideKey = createContextKey('turnlog api turn')

interface ApiTurnOptions extends CandidateSource {
  /** An exception, or a tool call, tells of this error already. */
  readonly isReported: (error: unknown) => boolean
}

export function openApiTurn(declared: TurnOptions, options: ApiTurnOptions): OpenWork<Turn> {
  const active = contexts.active()
  const candidate = chooseCandidate(active, declared, options)
  const span = candidate.declare({
    prompt: textOf(declared.prompt),
    conversationId: textOf(declared.conversationId),
    agent: textOf(declared.agent),
  })
  const inside = contextWithCandidate(active, candidate).setValue(insideKey, candidate)
  let isOver = false

  function fail(error: unknown): void {
    quietly('record why a turn failed', () => {
      if (candidate.isEnded) return
      const { type, message } = describeError(error)
      candidate.fail({ type, message, isRepeated: options.isReported(error) })
    })
  }

  function end(lastStep: () => void): void {
    if (isOver) return
    lastStep()
    isOver = true
    quietly('end a turn', () => {
      candidate.finish()
      candidate.release()
    })
  }

  function withText(value: unknown, use: (text: string) => void): void {
    quietly('record what the app says of a turn', () => {
      const text = textOf(value)
      if (text !== undefined) use(text)
    })
  }

  return {
    face: {
      answer: (text) => withText(text, (answer) => candidate.answer(answer)),
      conversation: (id) => withText(id, (conversation) => candidate.setConversation(conversation)),
      fail,
      traceId: span.spanContext().traceId,
    },
    run: (step) => runIn(inside, step),
    succeed: () => end(() => undefined),
    fail: (error) => end(() => fail(error)),
  }
}

/** The candidate that is the turn, held once. */
function chooseCandidate(
  active: Context,
  declared: TurnOptions,
  { openCandidate, now }: CandidateSource,
): Candidate {
  const around = candidateOf(active)
  const isOpen = around !== undefined && !around.isEnded
  if (isOpen && !around.isDeclared && apiCallOf(active) === undefined) {
    around.hold()
    return around
  }
  const isNested = isOpen && around.span !== undefined && !isOther(active, around, declared)
  const span = trace.getSpan(active)
  const candidate = openCandidate({
    startedAt: now(),
    endIsKnown: true,
    ...(isNested
      ? { within: { candidate: around, context: active }, onEnd: () => around.release() }
      : { links: span === undefined ? [] : [linkToCaller(span.spanContext())] }),
  })
  if (isNested) around.hold()
  candidate.hold()
  return candidate
}

/** Beside the turn `around`, not in its callback, and in another conversation. */
function isOther(active: Context, around: Candidate, { conversationId }: TurnOptions): boolean {
  if (active.getValue(insideKey) === around || apiCallOf(active) !== undefined) return false
  return (
    conversationId !== undefined &&
    around.conversationId !== undefined &&
    String(conversationId) !== around.conversationId
  )
}
