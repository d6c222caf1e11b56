/** Which turns are of one conversation: a request repeats what the user has said before. */
import { saidLengthMax, saidMax } from '../models/dialect.ts'
import type { Asked } from '../models/model-api.ts'
import type { InferredTurn } from './inferred-turns.ts'

/** A shorter text is said in many conversations. */
const uniqueLengthMin = 16

/** Before the text, both conversations have the same texts of the user, as far as the shorter one goes. */
export function hasSaidTheSame(one: Asked, other: Asked): boolean {
  return areEqualAtEnd(one.said, other.said)
}

/** The user's text in `asked` comes next after that of `own`, in the same conversation. */
export function continues(own: Asked, asked: Asked): boolean {
  if (own.text === '' || own.messageCount >= asked.messageCount) return false
  const said = [...own.said, own.text.slice(0, saidLengthMax)]
  if (asked.said.length === 0 || !areEqualAtEnd(said, asked.said)) return false
  // The conversation has begun with the turn, or more of it is not known.
  return asked.said.length <= said.length || said.length >= saidMax
}

/** The same agent goes on in the conversation. */
export function goesOnFrom(own: Asked, asked: Asked): boolean {
  return own.instructions === asked.instructions
}

/** The turn before that of `asked` in its conversation; none if it may be in several. */
export function turnBefore<Known extends Pick<InferredTurn, 'asked'>>(
  known: readonly Known[],
  asked: Asked,
): Known | undefined {
  const before = known.filter((each) => continues(each.asked, asked))
  const [only, ...others] = narrowed(before, asked)
  if (only !== undefined) return others.length === 0 ? only : undefined
  // An app may put other things between the user's texts.
  const [mentioned, ...more] = known.filter(
    ({ asked: own }) =>
      goesOnFrom(own, asked) &&
      own.text.length >= uniqueLengthMin &&
      own.messageCount < asked.messageCount &&
      asked.said.includes(own.text.slice(0, saidLengthMax)),
  )
  return more.length === 0 ? mentioned : undefined
}

function narrowed<Known extends Pick<InferredTurn, 'asked'>>(
  known: readonly Known[],
  asked: Asked,
): readonly Known[] {
  const same = known.filter((each) => goesOnFrom(each.asked, asked))
  return same.length > 0 ? same : known
}

function areEqualAtEnd(one: readonly string[], other: readonly string[]): boolean {
  const length = Math.min(one.length, other.length)
  return Array.from({ length }, (_, index) => index + 1).every(
    (back) => one.at(-back) === other.at(-back),
  )
}
