/**
 * Turns the app tells of itself (`turn()`). One message is one turn, whoever says so:
 *
 *   - inside a request or message that is handled, the first one told is that message's turn: what was found of it stays,
 *     what the app says goes before it;
 *   - inside a turn that was told, or inside a tool call that was told in a turn, it is a sub-agent's: a child in the same trace;
 *     also a second one told in the same request, say a retry, unless it names another conversation;
 *   - anywhere else, also where the turn it came from has ended, it is a turn of its own, with a link to where it came from.
 */
import { type Context, createContextKey, type Link, type Span, trace } from '@opentelemetry/api'
import type { Turn, TurnOptions } from '../api.ts'
import type { OpenWork } from '../follow-work.ts'
import { quietly } from '../health.ts'
import { toldText } from '../record/api-text.ts'
import { candidateOf, contextWithCandidate, toldCallOf } from '../record/candidate-context.ts'
import { contexts, runIn } from '../record/contexts.ts'
import { describeError } from '../record/describe-error.ts'
import type { Candidate, CandidateFacts } from '../record/turn.ts'

/** The turn whose callback the code runs in. */
const insideKey = createContextKey('turnlog told turn')

export interface ToldTurnsOptions {
  readonly openCandidate: (facts: CandidateFacts) => Candidate
  readonly now: () => number
}

export function createToldTurns({ openCandidate, now }: ToldTurnsOptions) {
  /** The candidate that is the turn, held once. */
  function choose(active: Context, told: TurnOptions): Candidate {
    const around = candidateOf(active) as Candidate | undefined
    const isOpen = around !== undefined && !around.isEnded
    if (isOpen && !around.isTold && toldCallOf(active) === undefined) {
      around.hold()
      return around
    }
    const isNested = isOpen && around.span !== undefined && !isOther(active, around, told)
    const candidate = openCandidate({
      startedAt: now(),
      endIsKnown: true,
      ...(isNested
        ? { within: { candidate: around, context: active }, onEnd: around.release }
        : { links: linksTo(trace.getSpan(active)) }),
    })
    if (isNested) around.hold()
    candidate.hold()
    return candidate
  }

  return function openTurn(told: TurnOptions): OpenWork<Turn> | undefined {
    return quietly('open a turn', () => {
      const active = contexts.active()
      const candidate = choose(active, told)
      const span = candidate.tell({
        prompt: textOf(told.prompt),
        conversationId: textOf(told.conversationId),
        agent: textOf(told.agent),
      })
      const inside = contextWithCandidate(active, candidate).setValue(insideKey, candidate)
      let isOver = false

      function end(failure?: { readonly error: unknown }): void {
        if (isOver) return
        isOver = true
        quietly('end a turn', () => {
          if (failure !== undefined) quietly('tell why a turn failed', () => fail(failure.error))
          candidate.finish()
          candidate.release()
        })
      }

      function fail(error: unknown): void {
        if (!candidate.isEnded) candidate.fail(describeError(error))
      }

      return {
        face: {
          answer: (text) => {
            quietly('take an answer', () => {
              const answer = textOf(text)
              if (answer !== undefined) candidate.answer(answer)
            })
          },
          conversation: (id) => {
            quietly('take a conversation', () => {
              const conversation = textOf(id)
              if (conversation !== undefined) candidate.tellConversation(conversation)
            })
          },
          fail: (error) => {
            quietly('take a failure', () => fail(error))
          },
          traceId: span.spanContext().traceId,
        },
        run: (step) => runIn(inside, step),
        succeed: () => end(),
        fail: (error) => end({ error }),
      }
    })
  }
}

/** Beside the turn, not in its work, and in another conversation. */
function isOther(active: Context, around: Candidate, { conversationId }: TurnOptions): boolean {
  if (active.getValue(insideKey) === around || toldCallOf(active) !== undefined) return false
  return (
    conversationId !== undefined &&
    around.conversationId !== undefined &&
    String(conversationId) !== around.conversationId
  )
}

function linksTo(span: Span | undefined): Link[] {
  return span === undefined ? [] : [{ context: span.spanContext() }]
}

function textOf(value: unknown): string | undefined {
  const told = toldText(value ?? undefined)
  return told !== undefined && 'text' in told ? told.text : undefined
}
