/**
 * Conversations that a model's server keeps: a request names an earlier answer, or the conversation, and does not repeat it. Remembers
 * of which turn that was, so that the next turn is linked to it. Bounded: the last `namesMax` names.
 */
import { setBounded } from '../bounded-map.ts'
import type { AnswerWatcher, KeptBefore, ModelApi } from '../models/model-api.ts'
import type { Candidate } from '../record/candidate.ts'

const namesMax = 1_024

/** What a request goes on from. */
export interface Kept {
  readonly names: KeptBefore
  /** The turn that it was of, if that is known. */
  readonly turn: Candidate | undefined
}

export class KeptConversations {
  /** By the name of an answer or a conversation; the newest comes last. */
  readonly #turns = new Map<string, Candidate>()
  readonly #linked = new WeakSet<Candidate>()

  before(api: Pick<ModelApi, 'name' | 'goesOnFrom'>, url: string, body: Uint8Array): Kept {
    const names = api.goesOnFrom(new URL(url), body)
    const { answer, conversation } = names
    const [turn] = [answer, conversation].flatMap((name) =>
      name === undefined ? [] : (this.#turns.get(keyOf(api, name)) ?? []),
    )
    return { names, turn }
  }

  /** A call of `turn` was answered. */
  answered(
    api: Pick<ModelApi, 'name'>,
    turn: Candidate,
    { before, answer }: { readonly before: Kept | undefined; readonly answer: AnswerNames },
  ): void {
    for (const name of [answer?.id, answer?.conversation, before?.names.conversation]) {
      if (name === undefined) continue
      setBounded(this.#turns, keyOf(api, name), turn, namesMax)
    }
  }

  /** Links the turn to the one before, once. */
  link({ turn }: Candidate, before: Candidate | undefined): void {
    const span = before?.span
    if (span === undefined || before?.turn === turn || this.#linked.has(turn)) return
    this.#linked.add(turn)
    turn.link(span.spanContext())
  }
}

type AnswerNames = Pick<AnswerWatcher, 'id' | 'conversation'> | undefined

function keyOf({ name }: Pick<ModelApi, 'name'>, id: string): string {
  return `${name} ${id}`
}
