/**
 * The answer of Gemini, whole or as far as it came: pure.
 *
 * A stream is a list of answers, each with the next parts; as events, or as the elements of one JSON array. The first
 * candidate is the answer, and the others are further outputs. Counters are cumulative: the largest value counts.
 */
import { memberOf } from '@turnlog/conventions/otlp/json-scan'
import {
  asArray,
  asNumber,
  asObject,
  asString,
  defined,
  isObject,
  type JsonObject,
  parseJson,
} from '@turnlog/conventions/plain'
import type { AnswerEvent } from '../answer-events.ts'
import { arrayElements } from '../json-array.ts'
import type { ModelAnswer } from '../map-exchange.ts'
import type { ApiError, Part, TokenUsage, ToolCallRequest } from '../model-api.ts'
import { appendPart } from '../streamed-parts.ts'
import { larger } from '../token-usage.ts'
import { type FunctionCallPart, FunctionCalls, writtenParts } from './calls.ts'
import { toPart } from './parts.ts'

/** One answer, or the next piece of a streamed one. */
export interface AnswerPiece {
  readonly answer: JsonObject
  /** Its JSON. */
  readonly text: string
}

export function readStreamedAnswer(events: readonly AnswerEvent[]): ModelAnswer {
  return readPieces(events.flatMap(({ data }) => piecesOf(data)))
}

export function readJsonAnswer(text: string): ModelAnswer | undefined {
  const pieces = piecesOf(text)
  const answer = readPieces(pieces)
  if (!pieces.some((piece) => isAnswer(piece.answer)) && answer.error === undefined) {
    return undefined
  }
  if (text.trimStart().startsWith('[')) return answer
  // One JSON text is always whole.
  const { stopReason = answer.parts.length > 0 ? 'FINISH_REASON_UNSPECIFIED' : undefined } = answer
  return { ...answer, stopReason, isWhole: answer.error === undefined }
}

function isAnswer({ candidates, promptFeedback, usageMetadata }: JsonObject): boolean {
  return [candidates, promptFeedback, usageMetadata].some((member) => typeof member === 'object')
}

/** The answers in a JSON text: one, or an array of them, of which the last may be cut. */
export function piecesOf(text: string): AnswerPiece[] {
  const isArray = text.trimStart().startsWith('[')
  return (isArray ? arrayElements(text) : [text]).flatMap((written) => {
    const value = asObject(parseJson(written))
    const wrapped = asObject(value?.response)
    if (value === undefined) return []
    // Code Assist wraps the answer.
    if (wrapped === undefined || isAnswer(value)) return [{ answer: value, text: written }]
    const id = asString(wrapped.responseId) ?? asString(value.traceId)
    const answer = { ...wrapped, ...defined({ responseId: id }) }
    return [{ answer, text: memberOf(written, 'response') ?? '' }]
  })
}

/** What came of one candidate. */
interface Candidate {
  readonly parts: Part[]
  members: JsonObject
  stopReason: string | undefined
}

/** The candidates of an answer, to which each piece adds. */
class Candidates {
  readonly toolCalls: ToolCallRequest[] = []
  readonly #all = new Map<number, Candidate>()
  readonly #calls = new FunctionCalls()

  take(answer: JsonObject, text: string): void {
    for (const [position, each] of (asArray(answer.candidates) ?? []).entries()) {
      if (!isObject(each)) continue
      const { content, finishReason, index: given, ...members } = each
      const index = asNumber(given) ?? position
      const candidate = this.#all.get(index) ?? { parts: [], members: {}, stopReason: undefined }
      this.#all.set(index, candidate)
      candidate.members = withMembers(candidate.members, members)
      candidate.stopReason = asString(finishReason) ?? candidate.stopReason
      const parts = asArray(asObject(content)?.parts) ?? []
      const hasCalls = index === 0 && parts.some((part) => isCall(part))
      const written = hasCalls ? writtenParts(text, position) : []
      for (const [at, part] of parts.entries()) {
        if (index === 0 && isCall(part)) {
          this.#add(candidate, this.#calls.take(part, written[at] ?? ''))
        } else appendPart(candidate.parts, toPart(part))
      }
    }
  }

  #add({ parts }: Candidate, calls: readonly FunctionCallPart[]): void {
    parts.push(...calls.map(({ part }) => toPart(part)))
    this.toolCalls.push(...calls.flatMap(({ request }) => request ?? []))
  }

  /** The first one, with the call that was cut, and the others in their order. */
  end(): { readonly first: Candidate | undefined; readonly others: readonly Candidate[] } {
    const first = this.#all.get(0)
    if (first !== undefined) this.#add(first, this.#calls.end())
    const others = [...this.#all].filter(([index]) => index !== 0).sort(([a], [b]) => a - b)
    return { first, others: others.map(([, candidate]) => candidate) }
  }
}

function isCall(part: unknown): part is JsonObject {
  return isObject(part) && isObject(part.functionCall)
}

/** Each piece has its own citations and probabilities; the other members are those of the answer so far. */
const listedMembers = ['citationMetadata', 'logprobsResult']

function withMembers(old: JsonObject, more: JsonObject): JsonObject {
  const entries = Object.entries(more).map(([name, value]) => {
    const before = asObject(old[name])
    const after = asObject(value)
    if (!listedMembers.includes(name) || !before || !after) return [name, value]
    const lists = Object.entries(after).map(([key, list]) => [
      key,
      Array.isArray(list) ? [...(asArray(before[key]) ?? []), ...list] : list,
    ])
    return [name, { ...before, ...Object.fromEntries(lists) }]
  })
  return { ...old, ...Object.fromEntries(entries) }
}

function readPieces(pieces: readonly AnswerPiece[]): ModelAnswer {
  const candidates = new Candidates()
  const counters = new Map<string, number>()
  let identity: { readonly id?: string; readonly model?: string } = {}
  let error: ApiError | undefined
  for (const { answer, text } of pieces) {
    error = errorOf(answer) ?? error
    const names = { id: asString(answer.responseId), model: asString(answer.modelVersion) }
    identity = { ...identity, ...defined(names) }
    countTokens(counters, asObject(answer.usageMetadata) ?? {})
    candidates.take(answer, text)
  }
  const { first, others } = candidates.end()
  return {
    ...identity,
    stopReason: first?.stopReason,
    error,
    parts: first?.parts ?? [],
    members: first?.members,
    others,
    toolCalls: candidates.toolCalls,
    usage: usageOf(counters),
    isWhole: first?.stopReason !== undefined && error === undefined,
  }
}

function countTokens(counters: Map<string, number>, usage: JsonObject): void {
  for (const [name, value] of Object.entries(usage)) {
    const count = larger(counters.get(name), asNumber(value))
    if (count !== undefined) counters.set(name, count)
  }
}

/** The tokens read from the cache are part of the prompt; thoughts are not part of the candidates. */
function usageOf(counters: ReadonlyMap<string, number>): TokenUsage {
  const sum = (...names: string[]) =>
    names
      .map((name) => counters.get(name))
      .filter((count) => count !== undefined)
      .reduce<number | undefined>((all, count) => (all ?? 0) + count, undefined)
  return defined({
    inputTokens: sum('promptTokenCount', 'toolUsePromptTokenCount'),
    outputTokens: sum('candidatesTokenCount', 'thoughtsTokenCount'),
    cacheReadInputTokens: counters.get('cachedContentTokenCount'),
    reasoningOutputTokens: counters.get('thoughtsTokenCount'),
  })
}

/** The API's error, or the reason why it has not taken the prompt. */
export function errorOf({ error, promptFeedback }: JsonObject): ApiError | undefined {
  const reason = asString(asObject(promptFeedback)?.blockReason)
  if (reason !== undefined) {
    const message = asString(asObject(promptFeedback)?.blockReasonMessage)
    return { type: reason, ...defined({ message }) }
  }
  if (typeof error === 'string') return { message: error }
  const fields = asObject(error)
  if (fields === undefined) return undefined
  const code = asNumber(fields.code)
  const type = asString(fields.status) ?? (code === undefined ? undefined : String(code))
  return defined({ type, message: asString(fields.message) })
}
