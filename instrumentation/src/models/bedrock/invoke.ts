/**
 * Bedrock's `…/model/{id}/invoke`, for models whose bodies are in the API of their vendor. There are three such APIs:
 *
 *     Chat Completions        gpt-oss, Qwen, DeepSeek, Jamba, Mistral
 *     Cohere's, version 1     Command R
 *     a text and its answer   Llama, Titan, and older models
 *
 * The body of any other model is recorded as text. Anthropic's messages and Amazon's Nova have the same address, and files of their
 * own.
 */
import { asArray, asObject, type JsonObject, parseJson } from '@turnlog/conventions/plain'
import type { AnswerEvent } from '../answer-events.ts'
import type { AnswerReader } from '../answer-watcher.ts'
import {
  commandConversation,
  commandRequest,
  commandResultsOf,
  commandToolCalls,
} from '../cohere/command.ts'
import { createModelApi } from '../dialect.ts'
import type { ModelRequest } from '../map-exchange.ts'
import type { ToolCallRequest } from '../model-api.ts'
import { chatDialect } from '../openai-chat/api.ts'
import { bedrockAddress } from './address.ts'
import { readInvokedEvents, readInvokedJson } from './invoked-answer.ts'
import { promptRequest } from './prompt.ts'

export const bedrockInvoke = createModelApi({
  ...chatDialect,
  name: 'bedrock-invoke',
  provider: () => 'aws.bedrock',
  matches(method, url) {
    const address = method === 'POST' ? bedrockAddress(url) : undefined
    if (address?.speaks === 'other') return 'yes'
    return address?.speaks === 'unknown' && address.isCertain ? 'by body' : 'no'
  },
  isRequest: ({ messages, prompt, message, inputText }) =>
    Array.isArray(messages) ||
    [prompt, message, inputText].some((each) => typeof each === 'string'),
  newResults: (request) => [...chatDialect.newResults(request), ...commandResultsOf(request)],
  lastResults: (request) => [...chatDialect.lastResults(request), ...commandResultsOf(request)],
  conversation: (request) => chatDialect.conversation(request) ?? commandConversation(request),
  openReader: () => new InvokedAnswerReader(),
  readRequest,
  readEvents: readInvokedEvents,
  readJson: readInvokedJson,
})

function readRequest(request: JsonObject, url: URL | null): ModelRequest {
  const address = url === null ? undefined : bedrockAddress(url)
  const read = readerOf(request)(request, url)
  return {
    ...read,
    attributes: {
      ...read.attributes,
      'gen_ai.request.model': address?.modelId,
      'gen_ai.request.stream': address?.isStream,
    },
  }
}

function readerOf({ messages, message }: JsonObject) {
  if (asArray(messages) !== undefined) return chatDialect.readRequest
  return typeof message === 'string' ? commandRequest : promptRequest
}

const callMark = '"tool_calls"'

/** Finds the tool calls of Chat Completions and of Command R. */
export class InvokedAnswerReader implements AnswerReader {
  readonly #chat = chatDialect.openReader()
  #hasFailed: boolean = false

  get openLength(): number {
    return this.#chat.openLength
  }

  get hasError(): boolean {
    return this.#hasFailed || this.#chat.hasError
  }

  takeEvent(event: AnswerEvent): ToolCallRequest[] {
    if (event.isError === true) this.#hasFailed = true
    const calls = this.#chat.takeEvent(event)
    if (!event.data.includes(callMark)) return calls
    const fields = asObject(parseJson(event.data)) ?? {}
    // The last event of Command R repeats the calls.
    return fields.event_type === 'tool-calls-generation' ? commandToolCalls(fields) : calls
  }

  takeJson(text: string): ToolCallRequest[] {
    const calls = [...this.#chat.takeJson(text)]
    if (calls.length > 0 || !text.includes(callMark)) return calls
    return commandToolCalls(asObject(parseJson(text)) ?? {})
  }
}
