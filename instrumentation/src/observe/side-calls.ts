/**
 * Model calls that an app makes besides: titles, summaries, checks of a command, agents that are tools. Such a call asks a text of
 * its own, and has something of the turn that it is for: the turn's text, the arguments of its open tool call, its conversation, or
 * the form of an earlier call of this kind.
 */
import type { Asked } from '../models/model-api.ts'
import { continues } from './conversations.ts'
import type { InferredTurn } from './inferred-turns.ts'

/** A shorter text is inside many others. */
const embeddedLengthMin = 16
/** What begins two texts that are written in one form. */
const formLengthMin = 100

export function isSideCall(known: InferredTurn, asked: Asked): boolean {
  return (
    isForTool(known, asked) ||
    embeds(known.asked, asked) ||
    isGrown(known, asked) ||
    isCheck(known, asked) ||
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

/** One of the two texts is inside the other. A short one counts if the text has more of the conversation, as a summary has. */
function embeds(own: Asked, asked: Asked): boolean {
  if (own.instructions === asked.instructions || own.text === '' || asked.text === '') return false
  if (asked.text.length < own.text.length) return isInside(asked.text, own.text)
  if (!asked.text.includes(own.text)) return false
  return [own.text, ...own.said].some((text) => isInside(text, asked.text))
}

function isInside(inner: string, outer: string): boolean {
  return inner.length >= embeddedLengthMin && outer.includes(inner)
}

/** An agent writes its steps below the user's text. */
function isGrown({ turn, asked: own }: InferredTurn, asked: Asked): boolean {
  const isSame = own.instructions === asked.instructions && own.messageCount === asked.messageCount
  return (
    isSame && own.text.length >= formLengthMin && asked.text.startsWith(own.text) && !turn.isHeld
  )
}

/** The agent's conversation, and a question about it, for which it has no tools. */
function isCheck({ asked: own, sideCalls }: InferredTurn, asked: Asked): boolean {
  if (!own.offersTools || asked.offersTools || !continues(own, asked)) return false
  // The app asks this with each text of the user, so it is about a new one.
  return !sideCalls.some(
    ({ instructions, text }) => instructions === asked.instructions && text === own.text,
  )
}

/** It is written in the form of another call that the turn has made besides. */
function hasKnownForm({ sideCalls }: InferredTurn, { text, instructions }: Asked): boolean {
  return sideCalls.some(
    (each) =>
      each.instructions === instructions &&
      each.text.length >= formLengthMin &&
      text.startsWith(each.text.slice(0, formLengthMin)),
  )
}
