/**
 * Finds the turn that a model call is about. Usually that is the turn in whose async context it is made; but a queue may run the
 * work of one user in the context of another, who woke it. What the call sends shows whose it is: the results of tools that a turn
 * has asked for, or the user's words. No turn gets a call that is another one's.
 */
import { viewOf } from '@turnlog/conventions/content/text'
import { saidLengthMax } from '../models/dialect.ts'
import type { Asked, ModelApi } from '../models/model-api.ts'
import { findModelApi } from '../models/model-apis.ts'
import { Candidate } from '../record/candidate.ts'
import type { InferredCall } from '../record/tool-calls.ts'
import { chatRequestIn } from './turns-meant.ts'

/** A shorter text is inside many others. */
const uniqueLengthMin = 16

export interface SentCall {
  readonly api: Pick<ModelApi, 'asked' | 'history'>
  /** The whole body of the request. */
  readonly body: Uint8Array
  /** The open tool calls whose results it brings. */
  readonly answered: readonly InferredCall[]
  /** The turn in whose context it is made. */
  readonly own: Candidate | undefined
  /** The requests that the app works on. */
  readonly open: Iterable<Candidate>
}

/** `ambiguous`: it is of none of the turns that it is known to be about. */
export function turnOfCall(call: SentCall): Candidate | 'ambiguous' | undefined {
  const { own, answered } = call
  const asking = answered.flatMap(({ owner }) => (owner instanceof Candidate ? [owner.turn] : []))
  const owners = new Set(asking.filter(({ isUnanswered }) => !isUnanswered))
  // It brings the results of a turn that nothing works on, and may continue that turn, which is decided elsewhere.
  if (owners.size === 0 && asking.length > 0) return own
  const [owner, ...otherOwners] = owners
  if (owner !== undefined && otherOwners.length === 0) return owner
  if (owner !== undefined) return own !== undefined && owners.has(own) ? own : 'ambiguous'
  const agreeing = agreeingTurns(call)
  const isOwn = own !== undefined && agreeing.has(own)
  if (isOwn && !own.hasAnswered && !own.isEnded) return own
  agreeing.delete(own as Candidate)
  const [other, ...others] = agreeing
  if (other === undefined) return own
  return others.length === 0 && !isOwn ? other : 'ambiguous'
}

/** The app serves a model API itself, as tests and proxies do: such a request repeats a model call, and no user's words. */
function isModelServer({ path = '/' }: Candidate): boolean {
  return findModelApi('POST', URL.parse(path, 'http://host')) !== undefined
}

/** The turns whose user's words the call has; of several, those with whose words it ends. */
function agreeingTurns({ api, body, own, open }: SentCall): Set<Candidate> {
  const others = [...open].filter((turn) => !turn.isUnanswered)
  const all = new Set([...(own === undefined ? [] : [own]), ...others])
  const prompts = [...all].flatMap((candidate) => {
    const { prompt } = chatRequestIn(candidate)
    return prompt === undefined || prompt === '' ? [] : [{ candidate, prompt }]
  })
  const bytes = viewOf(body)
  let asked: Asked | undefined
  const written = prompts.filter(
    ({ candidate, prompt }) =>
      bytes.includes(JSON.stringify(prompt)) && (candidate === own || !isModelServer(candidate)),
  )
  const found = own === undefined ? written.filter(({ prompt }) => hasSaid(prompt)) : written
  if (found.length > 1) {
    // Only now, since the request is parsed for it.
    const last = api.history(body)?.messages.at(-1)
    const ending = found.filter(({ prompt }) => last?.includes(JSON.stringify(prompt)))
    if (ending.length > 0) return new Set(ending.map(({ candidate }) => candidate))
  }
  return new Set(found.map(({ candidate }) => candidate))

  /** Outside of any request, an agent of the app itself may have the same words anywhere, such as the names of members. */
  function hasSaid(prompt: string): boolean {
    asked ??= api.asked(body)
    if (asked === undefined) return true
    const { said, text } = asked
    const isInside = prompt.length >= uniqueLengthMin && text.includes(prompt)
    return text === prompt || isInside || said.includes(prompt.slice(0, saidLengthMax))
  }
}
