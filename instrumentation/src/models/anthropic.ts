/**
 * One exchange with Anthropic's Messages API, as its bytes passed on the wire → the attributes, messages
 * and numbers of OpenTelemetry's GenAI conventions: pure.
 *
 * Takes what a kill, an abort or a bad network left of it: either body may stop anywhere, be encoded or
 * be no JSON at all. Never throws. What cannot be read is kept as the text it was.
 */

import type { AttributeName } from '@turnlog/conventions'
import { viewOf } from '@turnlog/conventions/content/text'
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
import {
  type AnthropicAnswer,
  type ApiError,
  readJsonAnswer,
  readStreamedAnswer,
  type ToolUse,
} from './anthropic-answer.ts'
import {
  lastUserTextOf,
  type OutputMessage,
  type ToolResult,
  textOf,
  toMessage,
  toolResultsOf,
  toParts,
  toToolDefinition,
} from './anthropic-messages.ts'
import { decodeBody } from './decode-body.ts'

export type { ToolUse } from './anthropic-answer.ts'
export type { ToolResult } from './anthropic-messages.ts'
export { findToolResults } from './tool-results.ts'
export { createToolUseWatcher } from './tool-use-watcher.ts'

export interface AnthropicExchange {
  /** Absolute. */
  readonly url: string
  readonly requestBody: Uint8Array
  readonly status?: number | undefined
  readonly responseHeaders?: readonly (readonly [name: string, value: string])[] | undefined
  /** As on the wire: maybe encoded, maybe cut off anywhere. */
  readonly responseBody: Uint8Array
  /** What ended it before its end: an error's name or code. */
  readonly error?: string | undefined
  /** The response came to its end. */
  readonly isComplete: boolean
}

/** Absent is unknown, never 0. */
export interface TokenUsage {
  /** With cached ones, read and written. */
  readonly inputTokens?: number
  readonly outputTokens?: number
  readonly cacheReadInputTokens?: number
  readonly cacheWriteInputTokens?: number
  readonly reasoningOutputTokens?: number
}

export type AttributeValue = string | number | boolean | string[]

export interface ModelCallRecord {
  readonly attributes: { readonly [Name in AttributeName]?: AttributeValue }
  /** JSON, as are the next three: values of `gen_ai.system_instructions` and so on. */
  readonly systemInstructions?: string
  readonly inputMessages?: string
  readonly outputMessages?: string
  readonly toolDefinitions?: string
  /** The request as text, where no messages can be made of it. */
  readonly requestText?: string
  readonly usage: TokenUsage
  readonly finishReasons: string[]
  readonly errorType?: string
  readonly errorMessage?: string
  /** The text of the answer, as far as it came; empty where it has none. */
  readonly answerText: string
  readonly lastUserText?: string
  /** What the answer asks for. */
  readonly toolCalls: readonly ToolUse[]
  /** What the request tells of earlier calls, the whole conversation's. */
  readonly toolResults: readonly ToolResult[]
}

/** `POST …/v1/messages`, behind any prefix; not `count_tokens`, not `batches`. */
export function isAnthropicMessagesRequest(method: string, path: string): boolean {
  if (method.toUpperCase() !== 'POST') return false
  const [pathname = ''] = path.split(/[?#]/, 1)
  return /(?:^|\/)v1\/messages\/?$/.test(pathname)
}

export function mapAnthropicExchange(exchange: AnthropicExchange): ModelCallRecord {
  const requestText = viewOf(exchange.requestBody).toString('utf8')
  const request = asObject(parseJson(requestText))
  const response = readResponse(exchange)
  const { answer } = response
  const usage = usageOf(answer)
  const failure = failureOf(exchange, response)
  const output = outputOf(response, failure !== undefined)
  const finishReasons = output === undefined ? [] : [output.finish_reason]
  if (output === undefined && failure !== undefined) finishReasons.push('error')
  const messages = asArray(request?.messages)
  const input = messages?.map(toMessage)
  const inputMessages = toJson(input)

  return {
    attributes: defined({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'anthropic',
      ...requestAttributes(request ?? {}),
      ...serverAttributes(exchange.url),
      'http.response.status_code': asNumber(exchange.status),
      'gen_ai.response.id': answer?.id,
      'gen_ai.response.model': answer?.model,
      'gen_ai.response.finish_reasons': finishReasons.length === 0 ? undefined : finishReasons,
      'gen_ai.usage.input_tokens': usage.inputTokens,
      'gen_ai.usage.output_tokens': usage.outputTokens,
      'gen_ai.usage.cache_read.input_tokens': usage.cacheReadInputTokens,
      'gen_ai.usage.cache_write.input_tokens': usage.cacheWriteInputTokens,
      'gen_ai.usage.reasoning.output_tokens': usage.reasoningOutputTokens,
      'error.type': failure?.type,
    }),
    ...defined({
      systemInstructions: jsonOf(request?.system, toParts),
      inputMessages,
      outputMessages: jsonOf(output, (message) => [message]) ?? unreadMessages(response),
      toolDefinitions: jsonOf(asArray(request?.tools), (list) => list.map(toToolDefinition)),
      requestText: inputMessages === undefined && requestText !== '' ? requestText : undefined,
      errorType: failure?.type,
      errorMessage: failure?.message,
      lastUserText: lastUserTextOf(input ?? []),
    }),
    usage,
    finishReasons,
    answerText: answer === undefined ? '' : textOf(toParts(answer.blocks)),
    toolCalls: answer?.toolUses ?? [],
    toolResults: toolResultsOf(messages ?? []),
  }
}

/** An answer that is none has its text only. */
interface Response {
  readonly answer?: AnthropicAnswer
  readonly text: string
}

function readResponse({ responseHeaders, responseBody }: AnthropicExchange): Response {
  const encoding = headerOf(responseHeaders, 'content-encoding')
  const decoded = decodeBody(responseBody, encoding)
  // Undecodable bytes may well be plain: a proxy that decoded them and left the header.
  const text = withoutCutCharacter(decoded ?? viewOf(responseBody)).toString('utf8')
  if (text.trim() === '') return { text: '' }
  const contentType = headerOf(responseHeaders, 'content-type') ?? ''
  if (/^text\/event-stream\b/i.test(contentType) || /^\s*(?:event|data|id|retry)?:/.test(text)) {
    return { text, answer: readStreamedAnswer(text) }
  }
  const answer = readJsonAnswer(text)
  return answer === undefined ? { text } : { text, answer }
}

/** Without the first bytes of a character whose last ones did not come. */
function withoutCutCharacter(bytes: Buffer): Buffer {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0
    if (byte < 0x80) return bytes
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
      return back < length ? bytes.subarray(0, bytes.length - back) : bytes
    }
  }
  return bytes
}

function failureOf(
  { status, error, isComplete }: AnthropicExchange,
  { answer, text }: Response,
): ApiError | undefined {
  const told = answer?.error
  const isRefused = status !== undefined && status >= 400
  const hasStopped = answer?.stopReason !== undefined
  if (told === undefined && !isRefused) {
    // The last word was said: whoever hangs up after it has cut nothing.
    if (hasStopped && answer.isWhole) return undefined
    if (error === undefined && (hasStopped || (isComplete && answer?.isWhole === true))) {
      return undefined
    }
  }
  const type = told?.type ?? (isRefused ? String(status) : errorName(error))
  const message =
    told?.message ?? error ?? (isRefused && answer === undefined && text !== '' ? text : undefined)
  return message === undefined ? { type } : { type, message }
}

/** `error.type` is of few values: a name or a code, not a sentence. */
function errorName(error: string | undefined): string {
  if (error === undefined) return 'incomplete_response'
  return /^[\w.:-]{1,100}$/.test(error) ? error : '_OTHER'
}

function outputOf({ answer }: Response, hasFailed: boolean): OutputMessage | undefined {
  if (answer === undefined) return undefined
  const parts = toParts(answer.blocks)
  const reason = answer.stopReason ?? (hasFailed ? 'error' : undefined)
  if (reason === undefined || (parts.length === 0 && hasFailed)) return undefined
  return { role: 'assistant', parts, finish_reason: reason }
}

/** What could not be read as an answer, or not be written as one: its text, in one part. */
function unreadMessages({ answer, text }: Response): string | undefined {
  if (text === '' || (answer !== undefined && answer.blocks.length === 0)) return undefined
  return toJson([{ role: 'assistant', parts: toParts(text), finish_reason: 'error' }])
}

function usageOf(answer: AnthropicAnswer | undefined): TokenUsage {
  const usage = answer?.usage ?? {}
  const input = asNumber(usage.input_tokens)
  const cacheRead = asNumber(usage.cache_read_input_tokens)
  const cacheWrite = asNumber(usage.cache_creation_input_tokens)
  const details = asObject(usage.output_tokens_details)
  return defined({
    inputTokens: input === undefined ? undefined : input + (cacheRead ?? 0) + (cacheWrite ?? 0),
    outputTokens: answer?.isUsageFinal ? asNumber(usage.output_tokens) : undefined,
    cacheReadInputTokens: cacheRead,
    cacheWriteInputTokens: cacheWrite,
    reasoningOutputTokens: asNumber(details?.thinking_tokens),
  })
}

function requestAttributes(request: JsonObject) {
  const stopSequences = asArray(request.stop_sequences)?.filter((each) => typeof each === 'string')
  return {
    'gen_ai.request.model': asString(request.model),
    'gen_ai.request.max_tokens': asNumber(request.max_tokens),
    'gen_ai.request.temperature': asNumber(request.temperature),
    'gen_ai.request.top_p': asNumber(request.top_p),
    'gen_ai.request.top_k': asNumber(request.top_k),
    'gen_ai.request.stop_sequences': stopSequences?.length ? stopSequences : undefined,
    'gen_ai.request.stream': typeof request.stream === 'boolean' ? request.stream : undefined,
  }
}

function serverAttributes(url: string) {
  if (!URL.canParse(url)) return {}
  const { hostname, port, protocol } = new URL(url)
  return {
    'server.address': hostname.replace(/^\[|\]$/g, ''),
    'server.port': port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
  }
}

function headerOf(headers: AnthropicExchange['responseHeaders'], name: string): string | undefined {
  return headers?.find(([each]) => each.toLowerCase() === name)?.[1]
}

function jsonOf<Value>(value: Value | undefined | null, map: (value: Value) => unknown) {
  return value === undefined || value === null ? undefined : toJson(map(value))
}
