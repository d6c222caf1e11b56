/**
 * The answer of the Chat Completions API, whole or as far as it came: pure.
 *
 * A JSON answer and a stream give the same value. Each chunk of a stream adds to it: choices by their index, texts by
 * appending, tool calls by their index or id. Numbers of `usage` are cumulative where a server sends them with each chunk: the
 * larger one counts.
 */
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
import type { ModelAnswer } from '../map-exchange.ts'
import type { ApiError, Part, TokenUsage } from '../model-api.ts'
import { appendPart } from '../streamed-parts.ts'
import { largerUsage } from '../token-usage.ts'
import { readBody, toolCallsOf } from './parts.ts'
import { StreamedBody } from './streamed-body.ts'
import { usageIn } from './usage.ts'

export function readJsonAnswer(text: string): ModelAnswer | undefined {
  const answer = asObject(parseJson(text))
  if (answer === undefined) return undefined
  const error = errorOf(answer)
  const isAnswer = Array.isArray(answer.choices)
  if (!isAnswer && error === undefined && typeof answer.message !== 'string') return undefined
  const choices = (asArray(answer.choices) ?? []).filter(isObject)
  return answerOf(answer, {
    bodies: choices.map((choice) => ({
      body: asObject(choice.message) ?? textOf(choice),
      finishReason: finishReasonOf(choice),
    })),
    usage: usageIn(answer),
    error: isAnswer ? error : (error ?? { message: String(answer.message) }),
    isWhole: choices.length > 0,
  })
}

/** Completions have a text in place of a message. */
function textOf({ text: content }: JsonObject): JsonObject {
  return typeof content === 'string' ? { content } : {}
}

/** Mistral's models at Bedrock have the other name. Some servers send an empty one until there is one. */
export function finishReasonOf({ finish_reason, stop_reason }: JsonObject): string | undefined {
  const reason = finish_reason === undefined ? stop_reason : finish_reason
  return asString(reason) || undefined
}

interface StreamedChoice {
  readonly body: StreamedBody
  finishReason: string | undefined
}

export function readStreamedAnswer(events: readonly AnswerEvent[]): ModelAnswer {
  const choices = new Map<number, StreamedChoice>()
  let head: JsonObject = {}
  let usage: TokenUsage = {}
  let error: ApiError | undefined
  let isDone = false
  for (const { data } of events) {
    if (data.trim() === '[DONE]') isDone = true
    const chunk = asObject(parseJson(data))
    if (chunk === undefined) continue
    head = { ...head, ...citedIn(chunk), id: head.id || chunk.id, model: head.model || chunk.model }
    error = errorOf(chunk) ?? error
    usage = largerUsage(usage, usageIn(chunk))
    for (const each of (asArray(chunk.choices) ?? []).filter(isObject)) {
      const index = asNumber(each.index) ?? 0
      const choice = choices.get(index) ?? { body: new StreamedBody(), finishReason: undefined }
      choices.set(index, choice)
      choice.body.add(asObject(each.delta) ?? asObject(each.message) ?? textOf(each))
      choice.finishReason = finishReasonOf(each) ?? choice.finishReason
    }
  }
  const inOrder = [...choices].sort(([a], [b]) => a - b).map(([, choice]) => choice)
  return answerOf(head, {
    bodies: inOrder.map(({ body, finishReason }) => ({ body: body.members, finishReason })),
    isStreamed: true,
    usage,
    error,
    isWhole:
      isDone || (inOrder.length > 0 && inOrder.every((each) => each.finishReason !== undefined)),
  })
}

interface Choice {
  readonly body: JsonObject
  readonly finishReason: string | undefined
}

interface AnswerFacts extends Pick<ModelAnswer, 'usage' | 'error' | 'isWhole'> {
  readonly bodies: readonly Choice[]
  readonly isStreamed?: boolean
}

function answerOf(answer: JsonObject, { bodies, isStreamed, ...facts }: AnswerFacts): ModelAnswer {
  const [first, ...others] = bodies.map(({ body, finishReason }) => {
    const { parts, others } = readBody(withoutRole(body))
    return {
      parts: isStreamed === true ? joined(parts) : parts,
      stopReason: finishReason,
      members: withValues(others),
    }
  })
  return {
    id: asString(answer.id),
    model: asString(answer.model),
    stopReason: first?.stopReason,
    parts: first?.parts ?? [],
    members: { ...first?.members, ...citedIn(answer) },
    others,
    // The app runs the tools of the answer that it takes, and that is the first one.
    toolCalls: toolCallsOf(bodies[0]?.body ?? {}),
    ...facts,
  }
}

/** A stream has a text or a reasoning in many parts. */
function joined(parts: readonly Part[]): Part[] {
  const whole: Part[] = []
  for (const part of parts) {
    if (part.is_refusal === true) whole.push(part)
    else appendPart(whole, part)
  }
  return whole
}

/** Some servers name what they have found beside the choices. */
function citedIn({ citations, search_results }: JsonObject): JsonObject {
  return withValues({ citations, search_results })
}

/** Servers write what is not there as `null`, or as an empty list. */
function withValues(members: JsonObject): JsonObject {
  const hasValue = ([, value]: readonly [string, unknown]) =>
    value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0)
  return Object.fromEntries(Object.entries(members).filter(hasValue))
}

function withoutRole({ role: _, ...body }: JsonObject): JsonObject {
  return body
}

/** The API's error: the body of a failed request, or a chunk in the middle of a stream. */
export function errorOf(body: unknown): ApiError | undefined {
  const { error: own, object, message, type, code, choices } = asObject(body) ?? {}
  const error = own ?? asObject(asArray(choices)?.[0])?.error
  if (typeof error === 'string' && error !== '') return { message: error }
  const fields = isObject(error) ? error : object === 'error' ? { message, type, code } : undefined
  if (fields === undefined) return undefined
  const number = asNumber(fields.code)
  return defined({
    type:
      asString(fields.type) ??
      asString(fields.code) ??
      (number === undefined ? number : `${number}`),
    message: asString(fields.message),
  })
}
