/** OpenAI's Chat Completions API, and the many servers that speak it. */
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
import { areModelMessages } from '../chat-messages.ts'
import { createModelApi, type Dialect } from '../dialect.ts'
import type { ModelRequest } from '../map-exchange.ts'
import type { ToolCallRequest } from '../model-api.ts'
import { providerOf } from '../providers.ts'
import { errorOf, finishReasonOf, readJsonAnswer, readStreamedAnswer } from './answer.ts'
import {
  contentParts,
  isInstruction,
  lastToolMessages,
  toMessage,
  toolCallsOf,
  toolResultsOf,
  toToolDefinition,
} from './parts.ts'
import { StreamedBody } from './streamed-body.ts'

/** Databricks and SageMaker; the vendors at Vertex AI, but for Anthropic and Google; MiniMax. */
const otherPaths = [
  /\/(?:serving-)?endpoints\/[^/]+\/invocations\/?$/,
  /\/publishers\/(?!anthropic\/|google\/)[^/]+\/models\/[^/]+(?::|%3A)(?:rawPredict|streamRawPredict)\/?$/i,
  /\/chatcompletion_v2\/?$/,
]

/** What the API says, wherever it is spoken. */
export const chatDialect = {
  operation: 'chat',
  resultId: 'tool_call_id',
  lastResults: ({ messages }) => toolResultsOf(lastToolMessages(asArray(messages) ?? [])),
  // A `function_call` has no id, and its result only the name.
  newResults({ messages }) {
    const list = asArray(messages) ?? []
    const last = list.findLastIndex((message) => asObject(message)?.role === 'assistant')
    return toolResultsOf(list.slice(last + 1))
  },
  conversation({ messages }) {
    const list = asArray(messages)
    if (list === undefined) return undefined
    return {
      instructions: list.filter(isInstruction),
      messages: list.filter((message) => !isInstruction(message)),
    }
  },
  forcedTool: {
    key: '"tool_choice"',
    pattern: /^"tool_choice"\s*:\s*\{[^{}]*"type"\s*:\s*"(?:function|custom)"/,
  },
  openReader: () => new ChatAnswerReader(),
  readRequest,
  readEvents: readStreamedAnswer,
  readJson: readJsonAnswer,
} as const satisfies Omit<Dialect, 'name' | 'provider' | 'matches'>

export const openAiChat = createModelApi({
  ...chatDialect,
  name: 'openai-chat',
  provider: (url) => providerOf(url) ?? 'openai',
  matches(method, { pathname }) {
    if (method !== 'POST') return 'no'
    if (/(?:^|\/)(?:chat|v1\/agents)\/completions\/?$/.test(pathname)) return 'yes'
    return otherPaths.some((pattern) => pattern.test(pathname)) ? 'by body' : 'no'
  },
  isRequest: ({ messages }) => areModelMessages(messages),
})

function readRequest(request: JsonObject, url: URL | null): ModelRequest {
  const messages = asArray(request.messages)
  const begin = messages?.findIndex((message) => !isInstruction(message)) ?? 0
  const instructions = messages?.slice(0, begin === -1 ? messages.length : begin) ?? []
  const stop = typeof request.stop === 'string' ? [request.stop] : asArray(request.stop)
  const stopSequences = stop?.filter((each) => typeof each === 'string')
  const tools = asArray(request.tools)
  const functions = asArray(request.functions)?.map((each) => ({
    type: 'function',
    function: each,
  }))
  return {
    attributes: {
      'gen_ai.request.model': asString(request.model) ?? deploymentIn(url),
      'gen_ai.request.max_tokens':
        asNumber(request.max_completion_tokens) ?? asNumber(request.max_tokens),
      'gen_ai.request.temperature': asNumber(request.temperature),
      'gen_ai.request.top_p': asNumber(request.top_p),
      'gen_ai.request.top_k': asNumber(request.top_k),
      'gen_ai.request.stop_sequences': stopSequences?.length ? stopSequences : undefined,
      'gen_ai.request.stream': typeof request.stream === 'boolean' ? request.stream : undefined,
    },
    systemInstructions:
      instructions.length === 0
        ? undefined
        : instructions.flatMap((message) => contentParts(asObject(message)?.content)),
    messages: messages?.slice(instructions.length).map(toMessage),
    toolDefinitions: (tools ?? functions)?.map(toToolDefinition),
    toolResults: toolResultsOf(messages ?? []),
  }
}

/** Azure names the deployment in the address, and OpenAI once named an engine. */
function deploymentIn(url: URL | null): string | undefined {
  const [, name] =
    /\/(?:deployments|engines)\/([^/]+)\/(?:chat\/)?completions/.exec(url?.pathname ?? '') ?? []
  if (name === undefined) return undefined
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

/** In a text the quotes would be escaped, so these are keys or values: few answers have to be parsed for them. */
const marks = ['"tool_calls"', '"function_call"', '"error"']

/** The tool calls of the first choice: complete when the choice is. */
class ChatAnswerReader implements AnswerReader {
  #body: StreamedBody | undefined
  #length = 0
  /** Calls that were taken before their end had come, by their places. */
  readonly #taken = new Set<number>()
  hasError = false

  get openLength(): number {
    return this.#length
  }

  takeEvent({ data }: AnswerEvent): ToolCallRequest[] {
    const isMarked = marks.some((mark) => data.includes(mark))
    if (!isMarked && this.#body === undefined) return []
    const chunk = asObject(parseJson(data))
    if (errorOf(chunk) !== undefined) this.hasError = true
    const choice = (asArray(chunk?.choices) ?? [])
      .map(asObject)
      .find((each) => (asNumber(each?.index) ?? 0) === 0)
    const { tool_calls, function_call } = asObject(choice?.delta) ?? asObject(choice?.message) ?? {}
    if (tool_calls || function_call) {
      this.#body ??= new StreamedBody()
      this.#body.add({ tool_calls, function_call })
      this.#length += data.length
    }
    const isComplete = finishReasonOf(choice ?? {}) !== undefined || data.trim() === '[DONE]'
    return isComplete ? this.#take() : []
  }

  takeJson(text: string): readonly ToolCallRequest[] {
    if (!marks.some((mark) => text.includes(mark))) return []
    const answer = asObject(parseJson(text))
    this.hasError = errorOf(answer) !== undefined
    const [choice] = asArray(answer?.choices) ?? []
    return toolCallsOf(asObject(asObject(choice)?.message) ?? {})
  }

  takeWhole(): ToolCallRequest[] {
    const calls = toolCallsOf(this.#body?.members ?? {})
    return calls.filter((call, place) => {
      if (this.#taken.has(place) || asObject(parseJson(call.arguments)) === undefined) return false
      this.#taken.add(place)
      return true
    })
  }

  #take(): ToolCallRequest[] {
    const calls = toolCallsOf(this.#body?.members ?? {})
    const others = calls.filter((_, place) => !this.#taken.has(place))
    this.#body = undefined
    this.#length = 0
    this.#taken.clear()
    return others
  }
}
