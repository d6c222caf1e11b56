/**
 * The Gemini API: `POST /v1beta/models/{model}:generateContent`, or `:streamGenerateContent` with server-sent events, as
 * the SDKs ask for them.
 */

import {
  type Dialect,
  newId,
  pieces,
  type RequestFacts,
  type ServerSentEvent,
  toEvent,
  tokens,
} from './dialect.ts'
import type { ToolUse } from './plan.ts'
import {
  type Block,
  findMismatch,
  invalid,
  isRecord,
  type Message,
  type Mismatch,
  type ParsedRequest,
} from './request.ts'
import type { ScriptedAnswer } from './script.ts'

const path = /^\/v1(?:beta)?\/models\/([^/:]+):(generateContent|streamGenerateContent)$/

const errors = {
  invalid: { code: 400, status: 'INVALID_ARGUMENT' },
  unauthenticated: { code: 401, status: 'UNAUTHENTICATED' },
  not_found: { code: 404, status: 'NOT_FOUND' },
  too_large: { code: 413, status: 'INVALID_ARGUMENT' },
} as const

export const gemini: Dialect = {
  matches: (pathname) => path.test(pathname),
  checkHeaders(headers) {
    if (headers['x-goog-api-key']) return undefined
    const message =
      "Method doesn't allow unregistered callers: the header x-goog-api-key is missing."
    return { kind: 'unauthenticated', message }
  },
  parse: parseRequest,
  write(answer, facts) {
    const response = toResponse(answer, facts)
    return { json: response, events: toEvents(response) }
  },
  writeRefusal: ({ kind, message }) => ({ error: { ...errors[kind], message } }),
}

function parseRequest(body: unknown, pathname: string): ParsedRequest {
  if (!isRecord(body)) return invalid('Invalid JSON payload received.')
  const [, model = '', method] = path.exec(pathname) ?? []
  const { contents, tools = [] } = body
  if (!Array.isArray(contents) || contents.length === 0) {
    return invalid('* GenerateContentRequest.contents: contents is not specified')
  }
  const toolNames = parseToolNames(tools)
  if (typeof toolNames === 'string') return invalid(toolNames)
  const messages: Message[] = []
  for (const [at, content] of contents.entries()) {
    const message = parseContent(content, `contents[${at}]`, messages.at(-1))
    if (typeof message === 'string') return invalid(message)
    messages.push(message)
  }
  const mismatch = findMismatch(messages)
  if (mismatch !== undefined) return invalid(explainMismatch(mismatch))
  const stream = method === 'streamGenerateContent'
  return {
    status: 'ok',
    request: { model, messages, toolNames, stream },
  }
}

function parseToolNames(tools: unknown): readonly string[] | string {
  if (!Array.isArray(tools)) return "Invalid value at 'tools': expected a list."
  const names: string[] = []
  for (const tool of tools) {
    const functions: unknown = isRecord(tool) ? (tool.functionDeclarations ?? []) : undefined
    if (!Array.isArray(functions)) return "Invalid value at 'tools': expected objects."
    for (const each of functions) {
      if (!isRecord(each) || typeof each.name !== 'string') {
        return '* GenerateContentRequest.tools.function_declarations: name is required'
      }
      names.push(each.name)
    }
  }
  return names
}

/** `asking`: the content before, whose calls this one may answer. */
function parseContent(
  content: unknown,
  where: string,
  asking: Message | undefined,
): Message | string {
  if (!isRecord(content)) return `Invalid value at '${where}': expected an object.`
  const { role = 'user', parts } = content
  if (role !== 'user' && role !== 'model') return 'Please use a valid role: user, model.'
  if (!Array.isArray(parts) || parts.length === 0) {
    return `* GenerateContentRequest.${where}.parts: contents.parts must not be empty.`
  }
  const unanswered = (asking?.content ?? []).filter((block) => block.type === 'tool_use')
  const blocks = parts.map((part, at): Block => {
    if (!isRecord(part)) return { type: 'other' }
    const { text, thought, functionCall, functionResponse } = part
    if (typeof text === 'string')
      return thought === true ? { type: 'other' } : { type: 'text', text }
    if (isRecord(functionCall)) return parseCall(functionCall, `${where}.parts[${at}]`)
    if (!isRecord(functionResponse)) return { type: 'other' }
    const { id, name, response } = functionResponse
    // Without an id a response belongs to the first call of its function that has none yet.
    const found = unanswered.findIndex((use) =>
      typeof id === 'string' ? use.id === id : use.name === name,
    )
    const [use] = found === -1 ? [] : unanswered.splice(found, 1)
    return {
      type: 'tool_result',
      toolUseId: use?.id ?? String(id ?? name),
      ...parseResponse(response),
    }
  })
  return { role: role === 'model' ? 'assistant' : 'user', content: blocks }
}

/** A call without an id is named by its place in the request. */
function parseCall({ id, name, args }: Record<string, unknown>, where: string): Block {
  return {
    type: 'tool_use',
    id: typeof id === 'string' ? id : where,
    name: String(name),
    input: isRecord(args) ? args : {},
  }
}

/** By the API's advice a result is called `output`, an error `error`. */
function parseResponse(response: unknown): { readonly text: string; readonly isError: boolean } {
  const { output, error } = isRecord(response) ? response : {}
  const isError = error !== undefined
  const value = isError ? error : (output ?? response)
  return { text: typeof value === 'string' ? value : JSON.stringify(value ?? ''), isError }
}

function explainMismatch(mismatch: Mismatch): string {
  return mismatch.kind === 'unasked'
    ? `Please ensure that function response turn comes immediately after a function call turn: ${mismatch.id}`
    : 'Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.'
}

type Part =
  | { readonly text: string }
  | { readonly functionCall: { readonly id: string; readonly name: string; readonly args: object } }

function toCallPart({ name, input }: ToolUse): Part {
  return { functionCall: { id: newId('').slice(0, 8), name, args: input } }
}

function toResponse({ text, toolUses }: ScriptedAnswer, { model, bodyChars }: RequestFacts) {
  const parts: Part[] = [...(text === '' ? [] : [{ text }]), ...toolUses.map(toCallPart)]
  const promptTokenCount = tokens(bodyChars)
  const candidatesTokenCount = tokens(JSON.stringify(parts).length)
  return {
    candidates: [{ content: { parts, role: 'model' }, finishReason: 'STOP', index: 0 }],
    usageMetadata: {
      promptTokenCount,
      candidatesTokenCount,
      totalTokenCount: promptTokenCount + candidatesTokenCount,
      promptTokensDetails: [{ modality: 'TEXT', tokenCount: promptTokenCount }],
    },
    modelVersion: model,
    responseId: newId('').slice(0, 22),
  }
}

/** Each event is an answer with the next part. A function call comes whole. */
function* toEvents(response: ReturnType<typeof toResponse>): Generator<ServerSentEvent> {
  const { candidates, ...facts } = response
  for (const { content, finishReason, index } of candidates) {
    for (const part of content.parts) {
      for (const piece of 'text' in part
        ? [...pieces(part.text)].map((text) => ({ text }))
        : [part]) {
        const candidate = { content: { ...content, parts: [piece] }, index }
        yield toEvent({ candidates: [candidate], ...facts }, { isPiece: true })
      }
    }
    const candidate = { content: { ...content, parts: [{ text: '' }] }, finishReason, index }
    yield toEvent({ candidates: [candidate], ...facts })
  }
}
