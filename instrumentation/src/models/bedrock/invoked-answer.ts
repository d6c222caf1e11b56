/**
 * The answers of models at Bedrock's `invoke` that have an API of their own, whole or as far as they came: pure. An answer without a
 * text that is known stays the JSON that it is.
 */
import {
  asArray,
  asObject,
  asString,
  defined,
  firstNumber,
  isObject,
  type JsonObject,
  parseJson,
} from '@turnlog/conventions/plain'
import type { AnswerEvent } from '../answer-events.ts'
import { awsErrorOf, exceptionOf } from '../aws-error.ts'
import { commandToolCalls, toToolCallPart } from '../cohere/command.ts'
import type { ModelAnswer, ReadHeader } from '../map-exchange.ts'
import type { Part, TokenUsage } from '../model-api.ts'
import {
  readStreamedAnswer as readChatEvents,
  readJsonAnswer as readChatJson,
} from '../openai-chat/answer.ts'
import { largerUsage } from '../token-usage.ts'

export function readInvokedJson(text: string, header: ReadHeader): ModelAnswer | undefined {
  const answer = asObject(parseJson(text))
  if (answer === undefined) return undefined
  const error = awsErrorOf(answer, header)
  if (error !== undefined) return { parts: [], toolCalls: [], usage: {}, isWhole: false, error }
  const usage = defined({
    inputTokens: numberIn(header('x-amzn-bedrock-input-token-count')),
    outputTokens: numberIn(header('x-amzn-bedrock-output-token-count')),
  })
  const chat = isOfChat(answer) ? readChatJson(text) : undefined
  if (chat !== undefined) return { ...chat, usage: withMissing(chat.usage, usage) }
  const [first, ...others] = textsOf(answer)
  const calls = asArray(answer.tool_calls) ?? []
  const isRead = first !== undefined || calls.length > 0
  return {
    id: asString(answer.response_id) ?? asString(answer.generation_id),
    stopReason: first?.reason ?? reasonIn(answer) ?? (isRead ? 'stop' : undefined),
    parts: isRead
      ? [...partsOf(first?.text), ...calls.map(toToolCallPart)]
      : [{ type: 'text', content: text }],
    isRaw: !isRead,
    others: others.map(({ text: other, reason }) => ({
      parts: partsOf(other),
      stopReason: reason,
    })),
    toolCalls: commandToolCalls(answer),
    usage: withMissing(usageIn(answer), usage),
    isWhole: true,
    ...defined({ members: membersOf(answer) }),
  }
}

export function readInvokedEvents(events: readonly AnswerEvent[]): ModelAnswer {
  const parsed = events.map((event) => ({
    event,
    fields: event.isError === true ? {} : (asObject(parseJson(event.data)) ?? {}),
  }))
  const metrics = parsed.map(({ fields }) => fields[metricsMember]).find(isObject)
  const measured = usageOfMetrics(metrics)
  const read = parsed.some(({ fields }) => isOfChat(fields))
    ? readChatEvents(events.filter(({ isError }) => isError !== true))
    : readTexts(parsed)
  const error = parsed.map(({ event }) => exceptionOf(event)).findLast((each) => each !== undefined)
  const isWhole = metrics !== undefined || read.isWhole
  return {
    ...read,
    stopReason: read.stopReason ?? (isWhole && read.isRaw !== true ? 'stop' : undefined),
    usage: withMissing(read.usage, measured),
    isWhole,
    error: error ?? read.error,
  }
}

const metricsMember = 'amazon-bedrock-invocationMetrics'

interface InvokedEvent {
  readonly event: AnswerEvent
  readonly fields: JsonObject
}

function readTexts(events: readonly InvokedEvent[]): ModelAnswer {
  const raw: string[] = []
  let text: string | undefined
  let reason: string | undefined
  let id: string | undefined
  let usage: TokenUsage = {}
  let calls: JsonObject = {}
  let members: JsonObject | undefined
  for (const { event, fields } of events) {
    if (event.isError === true) continue
    id ??= asString(fields.response_id) ?? asString(fields.generation_id)
    // The last event of Command R has the whole answer once more.
    const isEnd = fields.event_type === 'stream-end'
    const response = isEnd ? (asObject(fields.response) ?? {}) : fields
    const [first] = isEnd && text !== undefined ? [] : textsOf(response)
    if (first !== undefined) text = (text ?? '') + first.text
    else if (!isKnownEvent(fields)) raw.push(event.data)
    reason = first?.reason ?? reasonIn(fields) ?? reason
    usage = largerUsage(usage, usageIn(response))
    if (Array.isArray(response.tool_calls)) calls = response
    members = membersOf(response) ?? members
  }
  const isRaw = text === undefined && calls.tool_calls === undefined && raw.length > 0
  const found = [...partsOf(text), ...(asArray(calls.tool_calls) ?? []).map(toToolCallPart)]
  return {
    id,
    stopReason: reason,
    parts: isRaw ? [{ type: 'text', content: raw.join('\n') }] : found,
    isRaw,
    toolCalls: commandToolCalls(calls),
    usage,
    isWhole: reason !== undefined,
    ...defined({ members }),
  }
}

/** Amazon's, or one of Command R that has no text. */
function isKnownEvent(fields: JsonObject): boolean {
  return fields[metricsMember] !== undefined || typeof fields.event_type === 'string'
}

function partsOf(text: string | undefined): Part[] {
  return text === undefined || text === '' ? [] : [{ type: 'text', content: text }]
}

/** The sources of an answer of Command R, and where it cites them. */
function membersOf({ citations, documents, search_results }: JsonObject): JsonObject | undefined {
  const members = defined({ citations, documents, search_results })
  return Object.keys(members).length > 0 ? members : undefined
}

/** The choices of Chat Completions have messages; those of DeepSeek's text API have texts. */
function isOfChat({ choices }: JsonObject): boolean {
  const first = asObject(asArray(choices)?.[0])
  return isObject(first?.message) || isObject(first?.delta)
}

interface Text {
  readonly text: string
  readonly reason: string | undefined
}

/** The texts of an answer or of one event, with the reason why each stopped. */
function textsOf(answer: JsonObject): Text[] {
  const { results, outputs, choices, generations, completions } = answer
  const lists = [results, outputs, choices, generations, completions].map(asArray)
  const list = lists.find((each) => each !== undefined) ?? [answer]
  return list.flatMap((each) => {
    const fields = asObject(each) ?? {}
    const { text, outputText, generation, completion, generated_text } = fields
    const inner = asObject(fields.data)?.text
    const found = [text, outputText, generation, completion, generated_text, inner].find(
      (value) => typeof value === 'string',
    )
    return typeof found === 'string' ? [{ text: found, reason: reasonIn(fields) }] : []
  })
}

function reasonIn(fields: JsonObject): string | undefined {
  const { stop_reason, stopReason, completionReason, finish_reason, finishReason } = fields
  const reason = asObject(finishReason)?.reason ?? finishReason
  return [stop_reason, stopReason, completionReason, finish_reason, reason]
    .map(asString)
    .find((each) => each !== undefined)
}

/** By the members of Llama, Titan and of APIs with a `usage`. */
function usageIn(answer: JsonObject): TokenUsage {
  const usage = asObject(answer.usage) ?? {}
  const result = asObject(asArray(answer.results)?.[0])
  const meta = asObject(answer.meta)
  const tokens = asObject(meta?.tokens) ?? asObject(meta?.billed_units)
  return defined({
    inputTokens: firstNumber(
      usage.prompt_tokens,
      usage.input_tokens,
      answer.prompt_token_count,
      answer.inputTextTokenCount,
      tokens?.input_tokens,
    ),
    outputTokens: firstNumber(
      usage.completion_tokens,
      usage.output_tokens,
      answer.generation_token_count,
      answer.totalOutputTextTokenCount,
      result?.tokenCount,
      tokens?.output_tokens,
    ),
  })
}

function usageOfMetrics(metrics: JsonObject | undefined): TokenUsage {
  return defined({
    inputTokens: firstNumber(metrics?.inputTokenCount),
    outputTokens: firstNumber(metrics?.outputTokenCount),
    cacheReadInputTokens: firstNumber(metrics?.cacheReadInputTokenCount),
    cacheWriteInputTokens: firstNumber(metrics?.cacheWriteInputTokenCount),
  })
}

/** A number that the model's own API gives replaces that of Bedrock. */
function withMissing(own: TokenUsage, others: TokenUsage): TokenUsage {
  return { ...others, ...own }
}

function numberIn(text: string | undefined): number | undefined {
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text)
}
