/**
 * Which of a turn's model calls gave the answer: pure. Apps also ask models for titles, summaries, checks and follow-ups.
 *
 * What the app sent to its user is the answer. So it is the call whose text was sent; of several, one that repeats the user's own
 * words, and of those the last. If no text was sent, or none is known, it is the last call that repeats the user's words; if
 * none does, as with apps that put the user's text into another one, it is the last call. If the turn has offered tools, only calls
 * of its agents count then: those with the instructions of such a call, and those that bring results of tools. A call that began
 * when the response had ended never is.
 */
import { isSent, sentBeginning } from './sent-texts.ts'

/** One model call of a turn, of which the answer may be. */
export interface TurnCall {
  readonly text?: string | undefined
  /** The user's last text in its request. */
  readonly asked?: string | undefined
  readonly finishReason?: string | undefined
  readonly isLate?: boolean | undefined
  /** A checksum of its instructions. */
  readonly instructions?: number | undefined
  /** Its request brings results of tools. */
  readonly bringsResults?: boolean | undefined
}

export interface TurnTexts {
  /** The user's prompt, as the app was sent it. */
  readonly prompt: string | undefined
  readonly sent: readonly string[]
  /** The checksums of the instructions with which the turn has offered tools. */
  readonly agents?: readonly number[]
}

/** Of a turn whose user has left: as much of an answer as was sent, of the call of which most was. */
export function sentAnswer(
  calls: readonly TurnCall[],
  sent: readonly string[],
): TurnCall | undefined {
  let best: TurnCall | undefined
  for (const call of calls) {
    const text = sentBeginning(call.text ?? '', sent)
    if (text === '' || text.length < (best?.text?.length ?? 0)) continue
    best = text === call.text ? call : { ...call, text, finishReason: undefined }
  }
  return best
}

export function answeringCall(
  calls: readonly TurnCall[],
  { prompt, sent, agents = [] }: TurnTexts,
): TurnCall | undefined {
  const possible = calls.filter(({ text, isLate }) => isLate !== true && (text ?? '') !== '')
  const isOwn = ({ asked }: TurnCall): boolean =>
    prompt !== undefined && asked?.trim() === prompt.trim()
  const found = possible.filter(({ text }) => isSent(text ?? '', sent))
  const ofAgents = possible.filter(
    ({ instructions, bringsResults }) =>
      agents.length === 0 ||
      bringsResults === true ||
      instructions === undefined ||
      agents.includes(instructions),
  )
  for (const some of [found.filter(isOwn), found, ofAgents.filter(isOwn), ofAgents]) {
    const last = some.at(-1)
    if (last !== undefined) return last
  }
  return undefined
}
