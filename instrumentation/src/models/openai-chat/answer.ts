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
  toJson,
} from '@turnlog/conventions/plain'
import type { AnswerEvent } from '../answer-events.ts'
import type { ModelAnswer } from '../map-exchange.ts'
import type { ApiError, TokenUsage } from '../model-api.ts'
import { largerUsage } from '../token-usage.ts'
import { readBody, toolCallsOf } from './parts.ts'

export function readJsonAnswer(text: string): ModelAnswer | undefined {
  const answer = asObject(parseJson(text))
  if (answer === undefined) return undefined
  const choices = (asArray(answer.choices) ?? []).filter(isObject)
  return answerOf(answer, {
    bodies: choices.map((choice) => ({
      body: asObject(choice.message) ?? {},
      finishReason: finishReasonOf(choice),
    })),
    usage: usageOf(answer.usage),
    error: errorOf(answer),
    isWhole: choices.length > 0,
  })
}

/** Mistral's models at Bedrock have the other name. */
export function finishReasonOf({ finish_reason, stop_reason }: JsonObject): string | undefined {
  return (
    asString(finish_reason) ?? (finish_reason === undefined ? asString(stop_reason) : undefined)
  )
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
    head = { id: head.id || chunk.id, model: head.model || chunk.model }
    error = errorOf(chunk) ?? error
    usage = largerUsage(usage, usageOf(chunk.usage ?? asObject(chunk.x_groq)?.usage))
    for (const each of (asArray(chunk.choices) ?? []).filter(isObject)) {
      const index = asNumber(each.index) ?? 0
      const choice = choices.get(index) ?? { body: new StreamedBody(), finishReason: undefined }
      choices.set(index, choice)
      choice.body.add(asObject(each.delta) ?? asObject(each.message) ?? {})
      choice.finishReason = finishReasonOf(each) ?? choice.finishReason
    }
  }
  const inOrder = [...choices].sort(([a], [b]) => a - b).map(([, choice]) => choice)
  return answerOf(head, {
    bodies: inOrder.map(({ body, finishReason }) => ({ body: body.members, finishReason })),
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
}

function answerOf({ id, model }: JsonObject, { bodies, ...facts }: AnswerFacts): ModelAnswer {
  const [first, ...others] = bodies.map(({ body, finishReason }) => ({
    parts: readBody(withoutRole(body)).parts,
    stopReason: finishReason,
  }))
  return {
    id: asString(id),
    model: asString(model),
    stopReason: first?.stopReason,
    parts: first?.parts ?? [],
    others,
    // The app runs the tools of the answer that it takes, and that is the first one.
    toolCalls: toolCallsOf(bodies[0]?.body ?? {}),
    ...facts,
  }
}

function withoutRole({ role: _, ...body }: JsonObject): JsonObject {
  return body
}

/** The members of one streamed message. */
export class StreamedBody {
  readonly members: Record<string, unknown> = {}
  #calls: StreamedCall[] = []

  add({ tool_calls, function_call, ...delta }: JsonObject): void {
    for (const [name, value] of Object.entries(delta)) {
      const before = this.members[name]
      if (value === null || value === undefined) continue
      if (name === 'role') this.members[name] = value
      else if (typeof value === 'string' && typeof before === 'string') {
        this.members[name] = before + value
      } else if (Array.isArray(value) && Array.isArray(before)) {
        this.members[name] = [...before, ...value]
      } else if (isObject(value) && isObject(before)) this.members[name] = { ...before, ...value }
      else this.members[name] = value
    }
    for (const call of (asArray(tool_calls) ?? []).filter(isObject)) this.#addCall(call)
    if (isObject(function_call)) this.#addFunctionCall(function_call)
  }

  /** A later piece of a call has its index; servers that send whole calls may give all the same index, or none. */
  #addCall(delta: JsonObject): void {
    const index = asNumber(delta.index)
    const id = asString(delta.id) ?? ''
    const known = this.#calls.findLast(
      (call) =>
        (index === undefined || call.index === index) &&
        (id === '' || call.members.id === undefined || call.members.id === id),
    )
    const call = known ?? { index, members: {}, text: '' }
    if (known === undefined) this.#calls.push(call)
    const { index: _, id: __, function: asked, custom, ...others } = delta
    const { name, arguments: given, input, ...rest } = asObject(asked) ?? asObject(custom) ?? {}
    const piece = given ?? input
    call.text +=
      typeof piece === 'string' ? piece : piece === undefined ? '' : (toJson(piece) ?? '')
    call.members = { ...call.members, ...defined({ id: id === '' ? undefined : id }), ...others }
    call.name ||= asString(name)
    const isCustom = custom !== undefined || call.members.custom !== undefined
    const written = isCustom ? { input: call.text } : { arguments: call.text }
    const body = { ...defined({ name: call.name }), ...written, ...rest }
    call.members = { ...call.members, [isCustom ? 'custom' : 'function']: body }
    this.members.tool_calls = this.#calls.map((each) => each.members)
  }

  #addFunctionCall({ name, arguments: given }: JsonObject): void {
    const before = asObject(this.members.function_call)
    this.members.function_call = {
      name: asString(before?.name) ?? name,
      arguments: `${asString(before?.arguments) ?? ''}${asString(given) ?? ''}`,
    }
  }
}

interface StreamedCall {
  readonly index: number | undefined
  members: JsonObject
  name?: string | undefined
  text: string
}

function usageOf(usage: unknown): TokenUsage {
  const fields = asObject(usage) ?? {}
  const input = asObject(fields.prompt_tokens_details)
  const output = asObject(fields.completion_tokens_details)
  return defined({
    inputTokens: asNumber(fields.prompt_tokens),
    outputTokens: asNumber(fields.completion_tokens),
    cacheReadInputTokens:
      asNumber(input?.cached_tokens) ?? asNumber(fields.prompt_cache_hit_tokens),
    cacheWriteInputTokens: asNumber(input?.cache_write_tokens),
    reasoningOutputTokens: asNumber(output?.reasoning_tokens),
  })
}

/** The API's error: the body of a failed request, or a chunk in the middle of a stream. */
export function errorOf(body: unknown): ApiError | undefined {
  const { error, object, message, type, code } = asObject(body) ?? {}
  if (typeof error === 'string' && error !== '') return { message: error }
  const fields = isObject(error) ? error : object === 'error' ? { message, type, code } : undefined
  if (fields === undefined) return undefined
  return defined({
    type: asString(fields.type) ?? asString(fields.code),
    message: asString(fields.message),
  })
}
