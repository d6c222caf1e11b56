/**
 * Finds out which of several turns a model call is about, if they have tool calls with the same id: large model providers
 * give unique ids, but small model servers number the calls anew for every user. The request repeats the conversation, so
 * its messages are compared with those of each turn. If no turn is left, or several are, it is not known which one is meant.
 * At most `comparedMax` turns are compared message by message.
 */
import { viewOf } from '@turnlog/conventions/content/text'
import type { ModelApi, RequestHistory } from '../models/model-api.ts'
import type { Candidate } from '../record/candidate.ts'
import { type ChatRequest, chatRequestOf } from '../seal/chat-request.ts'

const comparedMax = 20

/** True: it speaks for the turn; false: against it; `undefined`: nothing is known. */
type Sign = boolean | undefined

interface ModelRequestOf {
  readonly candidate: Candidate | undefined
  readonly api: Pick<ModelApi, 'history'>
  readonly body: Uint8Array
}

/** Those of `turns` that the request can be about. */
export function turnsMeant(request: ModelRequestOf, turns: readonly Candidate[]): Candidate[] {
  const { candidate, api, body } = request
  if (turns.length === 0) return []
  const conversation = candidate && conversationOf(candidate)
  let left = turns.map((turn) => ({
    turn,
    conversation: equal(conversation, conversationOf(turn)),
    prompt: isRepeated(chatRequestIn(turn).prompt, body),
  }))
  left = narrowed(left, (each) => each.conversation)
  left = narrowed(left, (each) => each.prompt)
  const history = left.length > comparedMax ? undefined : api.history(body)
  let compared = left.map((each) => ({ ...each, ...compare(each.turn, history, api) }))
  compared = narrowed(compared, ({ begins }) => begins)
  compared = narrowed(compared, ({ hasSameInstructions }) => hasSameInstructions)
  compared = narrowed(compared, ({ asks }) => asks)
  return compared.filter((each) => isPossible(each)).map(({ turn }) => turn)
}

export function chatRequestIn({ requestText, contentType, address }: Candidate): ChatRequest {
  return chatRequestOf(Buffer.from(requestText ?? ''), { contentType, address })
}

/** Whether the text is in the body of a model call, as a whole text or in one; `undefined` without a text. */
export function isRepeated(
  text: string | undefined,
  body: Uint8Array,
  { isWholeText = false } = {},
): Sign {
  if (text === undefined) return undefined
  const written = JSON.stringify(text)
  return viewOf(body).includes(isWholeText ? written : written.slice(1, -1))
}

export function conversationOf(candidate: Candidate): string | undefined {
  const { namedId, conversationId, addressId } = chatRequestIn(candidate)
  return candidate.conversationId ?? namedId ?? conversationId ?? addressId
}

function equal(one: string | undefined, other: string | undefined): Sign {
  return one === undefined || other === undefined ? undefined : one === other
}

/** Compares with the model call of `turn` that asked for its tool calls. */
function compare(turn: Candidate, history: RequestHistory | undefined, api: ModelRequestOf['api']) {
  // A request that repeats nothing speaks neither for a turn nor against it.
  if (history?.isPartial === true) return { prompt: undefined }
  const asked = turn.modelRequest === undefined ? undefined : api.history(turn.modelRequest)
  if (history === undefined || asked === undefined) return {}
  const { messages, instructions } = history
  const last = asked.messages.at(-1)
  return {
    begins: asked.messages.every((message, index) => messages[index] === message),
    hasSameInstructions: asked.instructions === instructions,
    asks: [...turn.openTools.values()].every((call) => call.arguments.isWrittenIn(messages)),
    // A history may be shortened, but seldom by the message that is being answered.
    repeats: last === undefined ? undefined : messages.includes(last),
  }
}

function narrowed<Item>(items: Item[], signOf: (item: Item) => Sign): Item[] {
  const certain = items.filter((item) => signOf(item) === true)
  return items.length > 1 && certain.length > 0 ? certain : items
}

/** False if all that is known speaks against the turn: it is another user's. */
function isPossible({
  conversation,
  prompt,
  repeats,
}: {
  readonly conversation: Sign
  readonly prompt: Sign
  readonly repeats?: Sign
}): boolean {
  const signs = [conversation, prompt, repeats]
  return signs.includes(true) || !signs.includes(false)
}
