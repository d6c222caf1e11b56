/**
 * Bedrock's `…/model/{id}/invoke` with a model whose own API is not understood (Llama, Titan, Cohere, …): a model call
 * whose request and answer are recorded as the texts they are. Anthropic's messages at the same address are not here.
 */
import {
  asArray,
  asNumber,
  asObject,
  asString,
  defined,
  type JsonObject,
  parseJson,
} from '@turnlog/conventions/plain'
import type { AnswerEvent } from '../answer-events.ts'
import type { AnswerReader } from '../answer-watcher.ts'
import { awsErrorOf, exceptionOf } from '../aws-error.ts'
import { createModelApi } from '../dialect.ts'
import type { ModelAnswer, ReadHeader } from '../map-exchange.ts'
import type { ApiError, TokenUsage, ToolCallRequest } from '../model-api.ts'
import { bedrockAddress } from './address.ts'

export const bedrockInvoke = createModelApi({
  name: 'bedrock-invoke',
  operation: 'chat',
  provider: () => 'aws.bedrock',
  matches: (method, url) =>
    method === 'POST' && bedrockAddress(url)?.speaks === 'other' ? 'yes' : 'no',
  lastResults: () => [],
  conversation: () => undefined,
  openReader: () => new OtherAnswerReader(),
  readRequest(_request, url) {
    const address = url === null ? undefined : bedrockAddress(url)
    return {
      attributes: {
        'gen_ai.request.model': address?.modelId,
        'gen_ai.request.stream': address?.isStream,
      },
      toolResults: [],
    }
  },
  readEvents: readOtherEvents,
  readJson: readOtherJson,
})

/** Finds errors only. */
class OtherAnswerReader implements AnswerReader {
  readonly openLength = 0
  hasError = false

  takeEvent({ isError }: AnswerEvent): ToolCallRequest[] {
    if (isError === true) this.hasError = true
    return []
  }

  takeJson(): ToolCallRequest[] {
    return []
  }
}

/** A JSON answer of a model whose API is not understood. */
export function readOtherJson(text: string, header: ReadHeader): ModelAnswer | undefined {
  const answer = asObject(parseJson(text))
  if (answer === undefined) return undefined
  const error = awsErrorOf(answer, header)
  if (error !== undefined) return { parts: [], toolCalls: [], usage: {}, isWhole: false, error }
  return {
    stopReason: stopReasonIn(answer) ?? 'stop',
    parts: [{ type: 'text', content: text }],
    toolCalls: [],
    usage: defined({
      inputTokens: numberIn(header('x-amzn-bedrock-input-token-count')),
      outputTokens: numberIn(header('x-amzn-bedrock-output-token-count')),
    }),
    isWhole: true,
  }
}

/** The events of such a model, one on each line. */
export function readOtherEvents(events: readonly AnswerEvent[]): ModelAnswer {
  const lines: string[] = []
  let stopReason: string | undefined
  let usage: TokenUsage = {}
  let error: ApiError | undefined
  let isWhole = false
  for (const event of events) {
    error = exceptionOf(event) ?? error
    if (event.isError === true) continue
    lines.push(event.data)
    const fields = asObject(parseJson(event.data)) ?? {}
    stopReason = stopReasonIn(fields) ?? stopReason
    const metrics = asObject(fields['amazon-bedrock-invocationMetrics'])
    if (metrics === undefined) continue
    isWhole = true
    usage = defined({
      inputTokens: asNumber(metrics.inputTokenCount),
      outputTokens: asNumber(metrics.outputTokenCount),
    })
  }
  return {
    stopReason: stopReason ?? (isWhole ? 'stop' : undefined),
    parts: lines.length === 0 ? [] : [{ type: 'text', content: lines.join('\n') }],
    toolCalls: [],
    usage,
    isWhole: isWhole || stopReason !== undefined,
    error,
  }
}

/** Why the model stopped, in the words of the common APIs: at the top, or in the first of its outputs. */
function stopReasonIn(answer: JsonObject): string | undefined {
  const { results, outputs, choices, generations } = answer
  const firsts = [results, outputs, choices, generations].map((list) =>
    asObject(asArray(list)?.[0]),
  )
  for (const each of [answer, ...firsts]) {
    const { stop_reason, stopReason, completionReason, finish_reason } = each ?? {}
    const reason = [stop_reason, stopReason, completionReason, finish_reason].find(asString)
    if (reason !== undefined) return asString(reason)
  }
  return undefined
}

function numberIn(text: string | undefined): number | undefined {
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text)
}
