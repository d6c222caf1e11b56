/** Amazon Bedrock's Converse, one API for the models of all its vendors; Amazon's own Nova speaks it at `invoke`, too. */
import {
  asArray,
  asNumber,
  asObject,
  asString,
  type JsonObject,
  parseJson,
} from '@turnlog/conventions/plain'
import type { AnswerEvent } from '../answer-events.ts'
import type { AnswerReader } from '../answer-watcher.ts'
import { toToolDefinition as toAnthropicTool } from '../anthropic/parts.ts'
import { createModelApi } from '../dialect.ts'
import type { ModelRequest } from '../map-exchange.ts'
import type { ToolCallRequest } from '../model-api.ts'
import { bedrockAddress } from './address.ts'
import { kindOf, readJsonAnswer, readStreamedAnswer, toolCallsOf, toToolCall } from './answer.ts'
import { toMessage, toolResultsOf, toParts, toToolDefinition } from './parts.ts'

export const bedrockConverse = createModelApi({
  name: 'bedrock-converse',
  operation: 'chat',
  provider: () => 'aws.bedrock',
  matches(method, url) {
    const address = method === 'POST' ? bedrockAddress(url) : undefined
    if (address?.speaks === 'converse') return address.isCertain ? 'yes' : 'by body'
    return address?.speaks === 'unknown' && address.isCertain ? 'by body' : 'no'
  },
  isRequest({ messages }) {
    const list = asArray(messages) ?? []
    return list.length > 0 && list.every(isMessage)
  },
  // A call and its result have the same member. The API refuses a request that repeats a call without its result.
  resultId: 'toolUseId',
  lastResults(request) {
    const last = asObject(asArray(request.messages)?.at(-1))
    const blocks = asArray(withoutCachePoints(last?.content)) ?? []
    const results = toolResultsOf([last])
    return results.length === blocks.length ? results : []
  },
  conversation({ system, messages }) {
    const list = asArray(messages)?.map((message) =>
      asObject(message) === undefined
        ? message
        : { ...asObject(message), content: withoutCachePoints(asObject(message)?.content) },
    )
    return list && { instructions: withoutCachePoints(system), messages: list }
  },
  forcedTool: { key: '"toolChoice"', pattern: /^"toolChoice"\s*:\s*\{\s*"tool"\s*:/ },
  openReader: () => new ConverseAnswerReader(),
  readRequest,
  readEvents: readStreamedAnswer,
  readJson: readJsonAnswer,
})

/** The marks of the cache move on with each request. */
function withoutCachePoints(blocks: unknown): unknown {
  return asArray(blocks)?.filter((block) => asObject(block)?.cachePoint === undefined) ?? blocks
}

/** A content is a list of blocks, which have members for their kinds and no `type`. */
function isMessage(message: unknown): boolean {
  const { role, content } = asObject(message) ?? {}
  const blocks = asArray(content) ?? []
  return (
    (role === 'user' || role === 'assistant') &&
    blocks.length > 0 &&
    blocks.every((block) => asObject(block) !== undefined && asObject(block)?.type === undefined)
  )
}

function readRequest(request: JsonObject, url: URL | null): ModelRequest {
  const address = url === null ? undefined : bedrockAddress(url)
  const { system, inferenceConfig } = request
  const { maxTokens, temperature, topP, topK, stopSequences } = asObject(inferenceConfig) ?? {}
  // Parameters that only some models have. Their names are those of the model's own API.
  const additional = asObject(request.additionalModelRequestFields)
  const instructions = toParts(system)
  const messages = asArray(request.messages)
  const stops = asArray(stopSequences)?.filter((each) => typeof each === 'string')
  return {
    attributes: {
      'gen_ai.request.model': address?.modelId,
      'gen_ai.request.max_tokens': asNumber(maxTokens),
      'gen_ai.request.temperature': asNumber(temperature),
      'gen_ai.request.top_p': asNumber(topP),
      'gen_ai.request.top_k': topKIn(additional) ?? asNumber(topK),
      'gen_ai.request.stop_sequences': stops?.length ? stops : undefined,
      'gen_ai.request.stream': address?.isStream,
    },
    systemInstructions: instructions.length === 0 ? undefined : instructions,
    messages: messages?.map(toMessage),
    toolDefinitions: toolDefinitionsOf(request, additional),
    toolResults: toolResultsOf(messages ?? []),
  }
}

function topKIn(additional: JsonObject | undefined): number | undefined {
  const { top_k, topK, inferenceConfig } = additional ?? {}
  return [top_k, topK, asObject(inferenceConfig)?.topK].map(asNumber).find((n) => n !== undefined)
}

/** Anthropic's own tools are not Converse's: they are sent beside them. */
function toolDefinitionsOf({ toolConfig }: JsonObject, additional: JsonObject | undefined) {
  const tools = asArray(asObject(toolConfig)?.tools)
  const anthropics = asArray(additional?.tools)
  if (tools === undefined && anthropics === undefined) return undefined
  return [...(tools ?? []).map(toToolDefinition), ...(anthropics ?? []).map(toAnthropicTool)]
}

const toolMark = '"toolUse"'

class ConverseAnswerReader implements AnswerReader {
  /** The `toolUse` blocks that are not complete, by their index. */
  readonly #open = new Map<number, { readonly toolUse: JsonObject; json: string }>()
  hasError = false

  get openLength(): number {
    let length = 0
    for (const { json } of this.#open.values()) length += json.length
    return length
  }

  takeEvent(event: AnswerEvent): ToolCallRequest[] {
    if (event.isError === true) this.hasError = true
    if (this.#open.size === 0 && !event.data.includes(toolMark)) return []
    const { kind, fields } = kindOf(event)
    const index = asNumber(fields.contentBlockIndex) ?? 0
    const toolUse = asObject(asObject(fields.start)?.toolUse)
    const open = this.#open.get(index)
    if (kind === 'contentBlockStart' && toolUse !== undefined) {
      this.#open.set(index, { toolUse, json: '' })
    } else if (kind === 'contentBlockDelta' && open !== undefined) {
      open.json += asString(asObject(asObject(fields.delta)?.toolUse)?.input) ?? ''
    } else if (kind === 'contentBlockStop' && open !== undefined) {
      this.#open.delete(index)
      return toToolCall(open.toolUse, open.json === '' ? undefined : open.json)
    }
    return []
  }

  takeJson(text: string): readonly ToolCallRequest[] {
    if (!text.includes(toolMark)) return []
    const answer = asObject(parseJson(text))
    return answer === undefined ? [] : toolCallsOf(answer, text)
  }
}
