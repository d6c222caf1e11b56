/**
 * The answer of Bedrock's Converse, whole or as far as it came: pure.
 *
 * A JSON answer and a stream give the same value. Each event of a stream adds to a block, by the block's index: texts are
 * appended, an unknown delta stays in its block.
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
import { awsErrorOf, exceptionOf } from '../aws-error.ts'
import type { ModelAnswer, ReadHeader } from '../map-exchange.ts'
import type { ApiError, TokenUsage, ToolCallRequest } from '../model-api.ts'
import { larger } from '../token-usage.ts'
import { ConverseBlock } from './block.ts'
import { toParts } from './parts.ts'

export function readJsonAnswer(text: string, header: ReadHeader): ModelAnswer | undefined {
  const answer = asObject(parseJson(text))
  if (answer === undefined) return undefined
  const message = asObject(asObject(answer.output)?.message)
  const stopReason = asString(answer.stopReason)
  return {
    model: invokedModel(answer),
    stopReason,
    error: message === undefined ? awsErrorOf(answer, header) : undefined,
    parts: toParts(asArray(message?.content)),
    toolCalls: toolCallsOf(answer, text),
    usage: usageOf({}, answer.usage),
    isWhole: message !== undefined && stopReason !== undefined,
  }
}

/** The tool calls of the JSON answer `text`, which has been parsed into `answer`. */
export function toolCallsOf(answer: JsonObject, text: string): ToolCallRequest[] {
  const content = asArray(asObject(asObject(answer.output)?.message)?.content) ?? []
  const message = memberOf(memberOf(text, 'output') ?? '', 'message') ?? ''
  const written = elementsOf(memberOf(message, 'content') ?? '')
  return content.flatMap((block, index) => {
    const toolUse = asObject(asObject(block)?.toolUse)
    const input = memberOf(memberOf(written?.[index] ?? '', 'toolUse') ?? '', 'input')
    return toolUse === undefined ? [] : toToolCall(toolUse, input)
  })
}

/** The tool call of a `toolUse` that has an id and a name, unless Bedrock itself runs the tool. */
export function toToolCall(toolUse: JsonObject, written: string | undefined): ToolCallRequest[] {
  const { type, toolUseId: id, name, input } = toolUse
  if (typeof id !== 'string' || typeof name !== 'string') return []
  if (type !== undefined && type !== null) return []
  return [{ id, name, arguments: written ?? toJson(input ?? {}) ?? '' }]
}

export function readStreamedAnswer(events: readonly AnswerEvent[]): ModelAnswer {
  const blocks = new Map<number, ConverseBlock>()
  const blockAt = (index: number): ConverseBlock => {
    const block = blocks.get(index) ?? new ConverseBlock()
    blocks.set(index, block)
    return block
  }
  let stopReason: string | undefined
  let model: string | undefined
  let usage: TokenUsage = {}
  let error: ApiError | undefined
  let isWhole = false

  for (const event of events) {
    error = exceptionOf(event) ?? error
    const { kind, fields } = kindOf(event)
    const index = asNumber(fields.contentBlockIndex) ?? Math.max(0, blocks.size - 1)
    switch (kind) {
      case 'contentBlockStart':
        blockAt(index).start(asObject(fields.start) ?? {})
        break
      case 'contentBlockDelta':
        blockAt(index).add(asObject(fields.delta) ?? {})
        break
      case 'contentBlockStop':
        blocks.get(index)?.stop()
        break
      case 'messageStop':
        stopReason = asString(fields.stopReason) ?? stopReason
        isWhole = true
        break
      case 'metadata':
        usage = usageOf(usage, fields.usage)
        model = invokedModel(fields) ?? model
        break
      default:
    }
  }
  const inOrder = [...blocks].sort(([a], [b]) => a - b).map(([, block]) => block)
  return {
    model,
    stopReason,
    error,
    parts: toParts(inOrder.map((block) => block.value())),
    toolCalls: inOrder.flatMap(({ toolUse, input }) =>
      toToolCall(toolUse ?? {}, input || undefined),
    ),
    usage,
    isWhole,
  }
}

/** An event of Converse has its kind as its name; `invoke` with a model of Amazon has it around the event's members. */
export function kindOf({ name, data, isError }: AnswerEvent) {
  const event = (isError === true ? undefined : asObject(parseJson(data))) ?? {}
  if (name !== 'chunk' && name !== '') return { kind: name, fields: event }
  const [kind = '', fields] = Object.entries(event)[0] ?? []
  return { kind, fields: asObject(fields) ?? {} }
}

/** The API does not count cached tokens as `inputTokens`, so they are added. Of two readings of a counter the larger is kept. */
function usageOf(earlier: TokenUsage, usage: unknown): TokenUsage {
  const fields = asObject(usage) ?? {}
  const input = asNumber(fields.inputTokens)
  const cacheRead =
    asNumber(fields.cacheReadInputTokens) ?? asNumber(fields.cacheReadInputTokenCount)
  const cacheWrite =
    asNumber(fields.cacheWriteInputTokens) ?? asNumber(fields.cacheWriteInputTokenCount)
  const whole = input === undefined ? undefined : input + (cacheRead ?? 0) + (cacheWrite ?? 0)
  return defined({
    inputTokens: larger(earlier.inputTokens, whole),
    outputTokens: larger(earlier.outputTokens, asNumber(fields.outputTokens)),
    cacheReadInputTokens: larger(earlier.cacheReadInputTokens, cacheRead),
    cacheWriteInputTokens: larger(earlier.cacheWriteInputTokens, cacheWrite),
  })
}

/** The model that a prompt router chose. */
function invokedModel({ trace }: JsonObject): string | undefined {
  return asString(asObject(asObject(trace)?.promptRouter)?.invokedModelId)
}
