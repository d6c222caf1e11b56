/**
 * Ollama's answers to `chat` and `generate`, whole or as far as they came: pure.
 *
 * A stream is one answer on each line, with the next piece of the text. The last one says `done` and counts the tokens.
 */
import { elementsOf, memberOf } from '@turnlog/conventions/otlp/json-scan'
import {
  asArray,
  asNumber,
  asObject,
  asString,
  defined,
  type JsonObject,
  parseJson,
  toJson,
} from '@turnlog/conventions/plain'
import type { AnswerEvent } from '../answer-events.ts'
import type { ModelAnswer } from '../map-exchange.ts'
import type { ApiError, Part, TokenUsage, ToolCallRequest } from '../model-api.ts'
import { appendPart } from '../streamed-parts.ts'
import { larger } from '../token-usage.ts'
import { messageParts } from './parts.ts'

export function readStreamedAnswer(events: readonly AnswerEvent[]): ModelAnswer {
  return readPieces(events.map(({ data }) => data))
}

/** One JSON text; or the lines of a stream whose content type a proxy has changed. */
export function readJsonAnswer(text: string): ModelAnswer | undefined {
  const pieces = piecesOf(text)
  const isAnswer = pieces.map((piece) => asObject(parseJson(piece))).some(isOllamaAnswer)
  return isAnswer ? readPieces(pieces) : undefined
}

export function piecesOf(text: string): string[] {
  return parseJson(text) === undefined ? text.split('\n') : [text]
}

function isOllamaAnswer(answer: JsonObject | undefined): boolean {
  return answer !== undefined && (typeof answer.done === 'boolean' || errorOf(answer) !== undefined)
}

function readPieces(texts: readonly string[]): ModelAnswer {
  const parts: Part[] = []
  const toolCalls: ToolCallRequest[] = []
  let members: JsonObject = {}
  let usage: TokenUsage = {}
  let model: string | undefined
  let error: ApiError | undefined
  let stopReason: string | undefined

  for (const text of texts) {
    const answer = asObject(parseJson(text))
    if (answer === undefined) continue
    model = asString(answer.model) ?? model
    error = errorOf(answer) ?? error
    usage = withCounts(usage, answer)
    const { said, others } = divided(answer)
    const logprobs = joinedLists(members.logprobs, others.logprobs)
    members = { ...members, ...others, ...defined({ logprobs }) }
    for (const part of messageParts(said)) appendPart(parts, part)
    toolCalls.push(...toolCallsOf(answer, text))
    // Older versions give no reason for the end.
    if (answer.done === true) stopReason = asString(answer.done_reason) ?? stopReason ?? 'stop'
  }
  const isWhole = stopReason !== undefined && error === undefined
  return { model, stopReason, error, parts, members, toolCalls, usage, isWhole }
}

/** What the model said, in the members of a message, and the members that are neither that nor read elsewhere. */
function divided(answer: JsonObject): { readonly said: JsonObject; readonly others: JsonObject } {
  const { message, response, thinking, image, ...rest } = answer
  const { model: _, error: __, done, done_reason, prompt_eval_count, eval_count, ...others } = rest
  const given = asObject(message)
  if (given === undefined) {
    const images = image === undefined ? undefined : [image]
    return { said: { content: response, thinking, images }, others }
  }
  const { role: ___, content, thinking: thought, images, tool_calls, ...unknown } = given
  return {
    said: { content, thinking: thought, images, tool_calls },
    others: { ...others, ...unknown },
  }
}

function withCounts(usage: TokenUsage, { prompt_eval_count, eval_count }: JsonObject): TokenUsage {
  return defined({
    inputTokens: larger(usage.inputTokens, asNumber(prompt_eval_count)),
    outputTokens: larger(usage.outputTokens, asNumber(eval_count)),
  })
}

/** Each piece has the probabilities of its own tokens. */
function joinedLists(list: unknown, more: unknown): unknown {
  return Array.isArray(more) ? [...(asArray(list) ?? []), ...more] : (more ?? list)
}

/** The tool calls of an answer, of which `text` is the JSON. */
export function toolCallsOf(answer: JsonObject, text: string): ToolCallRequest[] {
  const calls = asArray(asObject(answer.message)?.tool_calls) ?? []
  if (calls.length === 0) return []
  const written = elementsOf(memberOf(memberOf(text, 'message') ?? '', 'tool_calls') ?? '')
  return calls.flatMap((call, index) => {
    const called = asObject(asObject(call)?.function)
    const name = asString(called?.name)
    if (called === undefined || name === undefined) return []
    const id = asString(asObject(call)?.id) || undefined
    const given = memberOf(memberOf(written?.[index] ?? '', 'function') ?? '', 'arguments')
    return [{ ...defined({ id }), name, arguments: given ?? toJson(called.arguments ?? {}) ?? '' }]
  })
}

export function errorOf({ error }: JsonObject): ApiError | undefined {
  if (typeof error === 'string') return { message: error }
  const fields = asObject(error)
  if (fields === undefined) return undefined
  return defined({ type: asString(fields.type), message: asString(fields.message) })
}
