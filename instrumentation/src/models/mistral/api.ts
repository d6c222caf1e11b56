/**
 * Mistral's conversations: `POST …/v1/conversations` starts one, `…/{id}` adds to it, `…/{id}/restart` goes on from an
 * earlier entry. The server keeps the conversation, so that a request need not repeat it. Its id is not recorded:
 * `gen_ai.conversation.id` is the app's own id of the chat.
 */
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
import { createModelApi } from '../dialect.ts'
import type { ModelRequest } from '../map-exchange.ts'
import type { KeptBefore, ToolCallRequest } from '../model-api.ts'
import { entryKey, readJsonAnswer, readStreamedAnswer, toolCallsOf, toToolCall } from './answer.ts'
import { addToEntry } from './entry.ts'
import { toMessages, toolResultsOf, toParts, toToolDefinition } from './parts.ts'

const pathPattern = /(?:^|\/)v1\/conversations(?:\/[^/]+(?:\/restart)?)?\/?$/

export const mistralConversations = createModelApi({
  name: 'mistral-conversations',
  operation: 'chat',
  provider: () => 'mistral_ai',
  /** OpenAI has such a path, too, and many an app. */
  matches: (method, { pathname }) =>
    method === 'POST' && pathPattern.test(pathname) ? 'by body' : 'no',
  isRequest,
  resultId: 'tool_call_id',
  lastResults({ inputs }) {
    const entries = asArray(inputs) ?? []
    const results = toolResultsOf(entries)
    return results.length === entries.length ? results : []
  },
  conversation({ instructions, inputs, model, agent_id }) {
    // The request that adds to a conversation does not repeat it, and names no model.
    const isWhole = typeof model === 'string' || typeof agent_id === 'string'
    const entries = isWhole ? asArray(inputs) : undefined
    return entries && { instructions, messages: entries }
  },
  kept: { marks: [], before: (_, { pathname }) => conversationIn(pathname) },
  openReader: () => new ConversationReader(),
  readRequest,
  readEvents: readStreamedAnswer,
  readJson: readJsonAnswer,
})

function conversationIn(pathname: string): KeptBefore {
  const [, conversation] = /conversations\/([^/]+)(?:\/restart)?\/?$/.exec(pathname) ?? []
  return conversation === undefined ? {} : { conversation }
}

/** Members that a request of another app with `inputs` does not have. */
const ownMembers = [
  'agent_id',
  'completion_args',
  'from_entry_id',
  'handoff_execution',
  'model',
  'tool_confirmations',
] as const

function isRequest(request: JsonObject): boolean {
  const { inputs } = request
  const entries = asArray(inputs)
  const isOwn = ownMembers.some((name) => request[name] !== undefined)
  if (inputs === undefined) return asArray(request.tool_confirmations) !== undefined
  if (entries === undefined) return typeof inputs === 'string' && isOwn
  return entries.every((entry) => isEntry(entry, isOwn))
}

/** The type of a message may be left out, if the request is known by another member. */
function isEntry(entry: unknown, isOwn: boolean): boolean {
  const { type, role, content } = asObject(entry) ?? {}
  if (type === undefined) return isOwn && typeof role === 'string' && content !== undefined
  return /^(?:message\.(?:in|out)put|function\.(?:call|result)|tool\.execution|agent\.handoff)$/.test(
    String(type),
  )
}

function readRequest(request: JsonObject): ModelRequest {
  const { instructions, inputs, stream } = request
  const args = asObject(request.completion_args)
  const stop = asString(args?.stop)
  const stops = asArray(args?.stop)?.filter((each) => typeof each === 'string')
  return {
    attributes: {
      'gen_ai.request.model': asString(request.model),
      'gen_ai.request.max_tokens': asNumber(args?.max_tokens),
      'gen_ai.request.temperature': asNumber(args?.temperature),
      'gen_ai.request.top_p': asNumber(args?.top_p),
      'gen_ai.request.stop_sequences': stop === undefined ? nonEmpty(stops) : [stop],
      'gen_ai.request.stream': typeof stream === 'boolean' ? stream : undefined,
    },
    systemInstructions: typeof instructions === 'string' ? toParts(instructions) : undefined,
    messages: toMessages(inputs),
    toolDefinitions: asArray(request.tools)?.map(toToolDefinition),
    toolResults: toolResultsOf(inputs),
  }
}

function nonEmpty(list: string[] | undefined): string[] | undefined {
  return list?.length ? list : undefined
}

const errorMark = 'conversation.response.error'
const callMark = 'function.call'
/** In a text the quotes would be escaped. */
const conversationMember = /"conversation_id"\s*:\s*"([^"\\]+)"/

/** A call has no end of its own: it is complete when the answer goes on with something else. */
class ConversationReader implements AnswerReader {
  readonly #open = new Map<string, JsonObject>()
  hasError = false
  conversation: string | undefined

  get openLength(): number {
    let length = 0
    for (const entry of this.#open.values()) length += asString(entry.arguments)?.length ?? 0
    return length
  }

  takeEvent({ name, data }: AnswerEvent): ToolCallRequest[] {
    if (name === errorMark) this.hasError = true
    if (this.conversation === undefined) this.#readConversation(data)
    const isRead = this.#open.size > 0 || data.includes(callMark) || data.includes(errorMark)
    const event = isRead ? asObject(parseJson(data)) : undefined
    if (event === undefined) return []
    if (event.type !== `${callMark}.delta`) {
      const complete = [...this.#open.keys()].flatMap((key) => this.#take(key))
      const isError = event.type === errorMark
      this.hasError ||= isError
      return isError ? [] : complete
    }
    const key = entryKey(event)
    const earlier = this.#open.get(key)
    // The pieces of two calls may be mixed: an earlier one is complete if it can be read.
    const complete = earlier === undefined ? this.#takeReadable() : []
    const entry = addToEntry(earlier, event)
    if (entry !== undefined) this.#open.set(key, entry)
    return complete
  }

  takeJson(text: string): readonly ToolCallRequest[] {
    this.#readConversation(text)
    const answer = text.includes(callMark) ? asObject(parseJson(text)) : undefined
    return answer === undefined ? [] : toolCallsOf(answer, text)
  }

  #readConversation(json: string): void {
    this.conversation = conversationMember.exec(json)?.[1]
  }

  #takeReadable(): ToolCallRequest[] {
    return [...this.#open].flatMap(([key, entry]) =>
      asObject(parseJson(asString(entry.arguments) ?? '')) === undefined ? [] : this.#take(key),
    )
  }

  #take(key: string): ToolCallRequest[] {
    const entry = this.#open.get(key)
    this.#open.delete(key)
    return entry === undefined ? [] : toToolCall(entry)
  }
}
