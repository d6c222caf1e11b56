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
import type { AnswerEvent } from './answer-events.ts'
import { FunctionCalls, writtenParts } from './gemini-calls.ts'
import { toPart } from './gemini-parts.ts'
import { arrayElements } from './json-array.ts'
import type { ModelAnswer } from './map-exchange.ts'
import type { ApiError, Part, TokenUsage, ToolCallRequest } from './model-api.ts'
import { appendPart, larger } from './streamed-parts.ts'

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

function readPieces(pieces: readonly AnswerPiece[]): ModelAnswer {
  const candidates = new Map<number, Candidate>()
  const calls = new FunctionCalls()
  const toolCalls: ToolCallRequest[] = []
  const counters = new Map<string, number>()
  let identity: { readonly id?: string; readonly model?: string } = {}
  let error: ApiError | undefined
  const takeCalls = (parts: Part[], found: ReturnType<FunctionCalls['take']>): void => {
    for (const { part, request } of found) {
      parts.push(toPart(part))
      if (request !== undefined) toolCalls.push(request)
    }
  }

  for (const { answer, text } of pieces) {
    error = errorOf(answer) ?? error
    identity = {
      ...identity,
      ...defined({ id: asString(answer.responseId), model: asString(answer.modelVersion) }),
    }
    countTokens(counters, asObject(answer.usageMetadata) ?? {})
    for (const [position, each] of (asArray(answer.candidates) ?? []).entries()) {
      if (!isObject(each)) continue
      const index = asNumber(each.index) ?? position
      const candidate = candidates.get(index) ?? { parts: [], members: {}, stopReason: undefined }
      candidates.set(index, candidate)
      const { parts, content } = takeMembers(candidate, each)
      const written =
        index === 0 && text.includes('"functionCall"') ? writtenParts(text, position) : []
      for (const [at, part] of content.entries()) {
        if (index === 0 && isObject(part) && isObject(part.functionCall)) {
          takeCalls(parts, calls.take(part, written[at] ?? ''))
        } else appendPart(parts, toPart(part))
      }
    }
  }
  const [, first] = [...candidates].find(([index]) => index === 0) ?? []
  if (first !== undefined) takeCalls(first.parts, calls.end())
  const others = [...candidates].filter(([index]) => index !== 0).sort(([a], [b]) => a - b)
  return {
    ...identity,
    stopReason: first?.stopReason,
    error,
    parts: first?.parts ?? [],
    members: first?.members ?? {},
    others: others.map(([, candidate]) => candidate),
    toolCalls,
    usage: usageOf(counters),
    isWhole: first?.stopReason !== undefined && error === undefined,
  }
}

/** Adds the members of a candidate; returns its parts so far, and the new ones. */
function takeMembers(candidate: Candidate, { content, finishReason, ...others }: JsonObject) {
  const { index: _, ...members } = others
  candidate.members = { ...candidate.members, ...members }
  candidate.stopReason = asString(finishReason) ?? candidate.stopReason
  return { parts: candidate.parts, content: asArray(asObject(content)?.parts) ?? [] }
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
