/**
 * Finds the user's prompt and the id of the conversation in the body of an HTTP chat request, or in a WebSocket message. Pure,
 * and never throws.
 */
import { decodeText } from '@turnlog/conventions/content/text'
import { asArray, asObject, asString, type JsonObject, parseJson } from '@turnlog/conventions/plain'
import type { ConversationAddress } from '../record/candidate.ts'
import { conversationOfAddress } from './address-conversation.ts'
import { carried, frameValues } from './frames.ts'

/** Larger bodies are not parsed: no chat message is this long. */
export const promptBodyBytesMax = 4 * 1024 ** 2

/** `text` comes late: beside a prompt it is what the prompt is about, such as a file. */
const promptKeys = ['message', 'prompt', 'question', 'query', 'input', 'text', 'content'] as const
const conversationKeys = [
  'conversation_id',
  'conversationId',
  'chat_id',
  'chatId',
  'thread_id',
  'threadId',
] as const
/** Of a request they name its conversation, too; an answer may have them for something else. */
const sessionKeys = ['sessionId', 'session_id'] as const
/** Members in which some protocols wrap their messages, in the order tried. */
const wrapperKeys = ['data', 'payload', 'body', 'input'] as const
/** A wrapper in a wrapper is searched, but no deeper one: a sender may nest without limit. */
const wrapperDepthMax = 2

export interface ChatRequest {
  readonly prompt?: string | undefined
  /** Where the settings say that the conversation is named. */
  readonly namedId?: string | undefined
  /** Where bodies usually name it. */
  readonly conversationId?: string | undefined
  /** The address seems to name it. */
  readonly addressId?: string | undefined
}

export interface RequestFacts {
  readonly contentType?: string | undefined
  readonly address?: ConversationAddress | undefined
}

/** Finds all, parsing the body once. */
export function chatRequestOf(
  body: Uint8Array,
  { contentType, address }: RequestFacts = {},
): ChatRequest {
  const content = parseBody(body, contentType)
  const inBody = address?.fields.map((members) => memberOf(content, members)).find(isId)
  const namedId = inBody === undefined ? address?.id : String(inBody)
  return {
    prompt: promptOf(content),
    namedId,
    conversationId: conversationIdOf(content) ?? requestIdOf(content),
    addressId: address?.url === undefined ? undefined : conversationOfAddress(address.url),
  }
}

function memberOf(value: unknown, members: readonly string[]): unknown {
  return members.reduce<unknown>((inner, name) => asObject(inner)?.[name], value)
}

export function conversationIdOf(json: unknown): string | undefined {
  for (const object of unwrap(json)) {
    const own = conversationKeys.map((key) => object[key]).find(isId)
    if (own !== undefined) return String(own)
  }
  return undefined
}

/** `useChat` of the AI SDK calls its conversation `id`, beside the messages. */
function requestIdOf(json: unknown): string | undefined {
  for (const object of unwrap(json)) {
    const id = Array.isArray(object.messages) ? object.id : undefined
    const own = [...sessionKeys.map((key) => object[key]), id].find(isId)
    if (own !== undefined) return String(own)
  }
  return undefined
}

/** The object, and the ones it wraps. */
function unwrap(value: unknown): JsonObject[] {
  const objects: JsonObject[] = []
  let object = asObject(value)
  while (object !== undefined && objects.length <= wrapperDepthMax) {
    objects.push(object)
    const outer: JsonObject = object
    object = wrapperKeys.map((key) => asObject(outer[key])).find((inner) => inner !== undefined)
  }
  return objects
}

function isId(value: unknown): value is string | number {
  return (typeof value === 'string' && value !== '') || Number.isFinite(value)
}

/** A JSON value, the fields of a form, or text. */
function parseBody(body: Uint8Array, contentType = ''): unknown {
  if (body.byteLength === 0 || body.byteLength > promptBodyBytesMax) return undefined
  const text = decodeText(body)
  if (text === undefined || /^\s*multipart\//i.test(contentType)) return undefined
  // `curl -d` calls JSON a form. In a form the first character would be encoded.
  if (/^\s*application\/x-www-form-urlencoded\b/i.test(contentType) && !/^\s*[{["]/.test(text)) {
    return Object.fromEntries(new URLSearchParams(text))
  }
  const frames = frameValues(text)
  if (frames !== undefined) return frames.find((each) => promptOf(each) !== undefined) ?? frames[0]
  const isJson = /[/+]json\b/i.test(contentType)
  if (isJson || /^\s*[{["]/.test(text)) {
    const value = parseJson(text)
    if (value !== undefined || isJson) return carried(value)
  }
  return text
}

function promptOf(value: unknown): string | undefined {
  if (typeof value === 'string') return nonBlank(value)
  for (const object of unwrap(value)) {
    for (const key of promptKeys) {
      const text = textOfContent(object[key]) ?? textOfMessages(object[key])
      if (text !== undefined) return text
    }
    const text = textOfMessages(object.messages)
    if (text !== undefined) return text
  }
  return textOfMessages(value)
}

/** The last message of the user in a list of messages. */
function textOfMessages(value: unknown): string | undefined {
  const messages = asArray(value) ?? []
  // CopilotKit wraps each message.
  const all = messages.map((message) => asObject(message)?.textMessage ?? message)
  return textOfContent(all.findLast((message) => asObject(message)?.role === 'user'))
}

/** A string, a list of parts, or an object that holds either. */
function textOfContent(content: unknown): string | undefined {
  if (typeof content === 'string') return nonBlank(content)
  const parts = asArray(content)
  if (parts !== undefined) return textOfParts(parts)
  const object = asObject(content)
  if (object === undefined) return undefined
  for (const key of ['content', 'text', 'parts'] as const) {
    const inner = object[key]
    const text = asString(inner) ?? textOfParts(asArray(inner) ?? [])
    if (text !== undefined && text !== '') return nonBlank(text)
  }
  return undefined
}

function textOfParts(parts: readonly unknown[]): string | undefined {
  const texts = parts.flatMap((part) => {
    if (typeof part === 'string') return [part]
    const { type, text, content, role } = (asObject(part) ?? {}) as JsonObject
    if (role !== undefined || (type !== undefined && !/text$/.test(String(type)))) return []
    return [asString(text) ?? asString(content) ?? '']
  })
  return nonBlank(texts.join(''))
}

function nonBlank(text: string): string | undefined {
  return text.trim() === '' ? undefined : text
}
