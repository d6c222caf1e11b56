/**
 * Model calls that an app makes besides: titles, summaries, checks of a command, agents that are tools. Such a call asks a text of
 * its own, and has something of the turn that it is for: the turn's text, the arguments of its open tool call, its conversation, or
 * the form of an earlier call of this kind.
 */
import type { Asked } from '../models/model-api.ts'
import { continues } from './conversations.ts'
import type { InferredTurn } from './inferred-turns.ts'
import { isQuotedIn } from './quoted-text.ts'

/** A shorter text is inside many others: it must be quoted. */
const embeddedLengthMin = 16
/** What begins two texts that are written in one form. */
const formLengthMin = 100

/** `isNamed`: it names an answer of the turn, which it goes on from. */
export function isSideCall(known: InferredTurn, asked: Asked, isNamed: boolean): boolean {
  return (
    isForTool(known, asked) ||
    embeds(known, asked) ||
    isGrown(known, asked) ||
    isCheck(known, asked, isNamed) ||
    hasKnownForm(known, asked)
  )
}

/** A tool of the turn asks a model, with a text that is or has an argument of the tool call. */
function isForTool({ turn, asked: own }: InferredTurn, { text, instructions }: Asked): boolean {
  if (text === '') return false
  return [...turn.openTools.values()].some(
    (call) =>
      call.arguments.names(text) ||
      (own.instructions !== instructions && call.arguments.isQuotedIn(text)),
  )
}

/** One of the two texts is inside the other, and the calls are of two kinds. */
function embeds(known: InferredTurn, asked: Asked): boolean {
  const { asked: own } = known
  if (!areOfTwoKinds(own, asked) || own.text === '' || asked.text === '') return false
  if (asked.text.length < own.text.length) {
    return isLongInside(asked.text, own.text) || isUsersCall(known, asked)
  }
  if (hasInside(asked.text, own.text)) return true
  // A summary has more of the conversation.
  return asked.text.includes(own.text) && own.said.some((text) => isLongInside(text, asked.text))
}

function areOfTwoKinds(own: Asked, asked: Asked): boolean {
  return own.instructions !== asked.instructions || own.offersTools !== asked.offersTools
}

/** The turn has begun with a title or a check, which quotes the text that this call asks. */
export function isUsersCall(known: InferredTurn, asked: Asked): boolean {
  const { asked: own, hasUsersCall, turn } = known
  if (hasUsersCall || own.offersTools || turn.openTools.size > 0) return false
  const isShorter = asked.text !== '' && asked.text.length < own.text.length
  return isShorter && hasInside(own.text, asked.text) && !continues(own, asked)
}

/** A short text is inside many others, so it must be quoted there. */
function hasInside(outer: string, inner: string): boolean {
  return isLongInside(inner, outer) || isQuotedIn(outer, inner)
}

function isLongInside(inner: string, outer: string): boolean {
  return inner.length >= embeddedLengthMin && outer.includes(inner)
}

/** An agent writes its steps below the user's text. */
function isGrown({ turn, asked: own }: InferredTurn, asked: Asked): boolean {
  const isSame = own.instructions === asked.instructions && own.messageCount === asked.messageCount
  if (!isSame || own.text.length < formLengthMin || turn.isHeld) return false
  // If the line goes on, it is another text with the same beginning.
  const isBelow = own.text.endsWith('\n') || asked.text[own.text.length] === '\n'
  return asked.text.startsWith(own.text) && isBelow
}

/** The agent's conversation, and a question about it, for which it has no tools. */
function isCheck(known: InferredTurn, asked: Asked, isNamed: boolean): boolean {
  const { asked: own, sideCalls } = known
  if (!own.offersTools || asked.offersTools) return false
  if (!isNamed && !continues(own, asked)) return false
  // The app asks this with each text of the user, so it is about a new one.
  return !sideCalls.some(
    ({ instructions, text }) => instructions === asked.instructions && text === own.text,
  )
}

/**
 * It is written in the form of another call that the turn has made besides. If that one quotes the user's text, as a title does, this
 * one is about another text.
 */
function hasKnownForm(
  { asked: own, sideCalls }: InferredTurn,
  { text, instructions }: Asked,
): boolean {
  return sideCalls.some(
    (each) =>
      each.instructions === instructions &&
      each.text.length >= formLengthMin &&
      text.startsWith(each.text.slice(0, formLengthMin)) &&
      !hasInside(each.text, own.text),
  )
}
