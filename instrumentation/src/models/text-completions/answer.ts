/**
 * The answers to Completions, whole or as far as they came: pure. There are two forms: choices with texts, in Chat Completions' envelope,
 * and llama.cpp's own, whose `content` is the next piece of the text.
 */
import {
  asArray,
  asNumber,
  asString,
  defined,
  isObject,
  type JsonObject,
  parseJson,
} from '@turnlog/conventions/plain'
import type { AnswerEvent } from '../answer-events.ts'
import type { ModelAnswer } from '../map-exchange.ts'
import type { ApiError, Part, TokenUsage } from '../model-api.ts'
import {
  errorOf,
  readStreamedAnswer as readChatEvents,
  readJsonAnswer as readChatJson,
} from '../openai-chat/answer.ts'
import { largerUsage } from '../token-usage.ts'

export function readJsonAnswer(text: string): ModelAnswer | undefined {
  const answer: unknown = parseJson(text)
  const pieces = objectsIn(asArray(answer) ?? [answer])
  return pieces.some(isPiece) ? readPieces(pieces) : readChatJson(text)
}

export function readStreamedAnswer(events: readonly AnswerEvent[]): ModelAnswer {
  const pieces = objectsIn(events.map(({ data }) => parseJson(data)))
  return pieces.some(isPiece) ? readPieces(pieces) : readChatEvents(events)
}

function objectsIn(values: readonly unknown[]): JsonObject[] {
  return values.filter(isObject)
}

/** One of llama.cpp's. */
function isPiece({ content, stop, choices }: JsonObject): boolean {
  return choices === undefined && typeof content === 'string' && typeof stop === 'boolean'
}

/** The answer to one prompt. A request may have several. */
interface Completed {
  text: string
  stopReason: string | undefined
  members: JsonObject
}

/** Several prompts have several answers, by their index. */
function readPieces(pieces: readonly JsonObject[]): ModelAnswer {
  const completed = new Map<number, Completed>()
  const counts = new Map<number, TokenUsage>()
  let model: string | undefined
  let error: ApiError | undefined
  for (const piece of pieces) {
    error = errorOf(piece) ?? error
    if (typeof piece.content !== 'string') continue
    model = asString(piece.model) ?? model
    const index = asNumber(piece.index) ?? 0
    const known = completed.get(index) ?? { text: '', stopReason: undefined, members: {} }
    completed.set(index, known)
    known.text += piece.content
    known.members = { ...known.members, ...membersOf(piece, known.members) }
    if (piece.stop === true) known.stopReason = stopReasonOf(piece)
    counts.set(index, largerUsage(counts.get(index) ?? {}, usageOf(piece)))
  }
  const inOrder = [...completed].sort(([a], [b]) => a - b).map(([, each]) => each)
  const [first, ...others] = inOrder.map(({ text, stopReason, members }) => ({
    parts: textParts(text),
    stopReason,
    members,
  }))
  return {
    model,
    parts: [],
    ...first,
    stopReason: first?.stopReason,
    others,
    toolCalls: [],
    usage: sumOf([...counts.values()]),
    isWhole: inOrder.length > 0 && inOrder.every((each) => each.stopReason !== undefined),
    error,
  }
}

function textParts(content: string): Part[] {
  return content === '' ? [] : [{ type: 'text', content }]
}

/** Older versions have a boolean for each reason. */
function stopReasonOf({ stop_type, stopped_limit, stopped_word }: JsonObject): string {
  if (typeof stop_type === 'string') return stop_type
  return stopped_limit === true ? 'limit' : stopped_word === true ? 'word' : 'eos'
}

function usageOf({ tokens_evaluated, tokens_predicted }: JsonObject): TokenUsage {
  return defined({
    inputTokens: asNumber(tokens_evaluated),
    outputTokens: asNumber(tokens_predicted),
  })
}

function sumOf(usages: readonly TokenUsage[]): TokenUsage {
  return usages.reduce<TokenUsage>(
    (sum, { inputTokens, outputTokens }) =>
      defined({
        inputTokens: added(sum.inputTokens, inputTokens),
        outputTokens: added(sum.outputTokens, outputTokens),
      }),
    {},
  )
}

function added(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined ? other : one + (other ?? 0)
}

/** Without what a server repeats of the request. Each piece has the probabilities of its own tokens. */
function membersOf(piece: JsonObject, before: JsonObject): JsonObject {
  const { stopping_word, truncated, completion_probabilities, timings } = piece
  const more = asArray(completion_probabilities)
  const earlier = asArray(before.completion_probabilities) ?? []
  return defined({
    stopping_word: stopping_word || undefined,
    truncated: truncated || undefined,
    completion_probabilities: more && [...earlier, ...more],
    timings,
  })
}
