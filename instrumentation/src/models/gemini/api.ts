/**
 * Google's Gemini: `generateContent` and `streamGenerateContent`, as the Gemini API, Vertex AI, Code Assist, their
 * proxies and compatible servers speak it.
 */
import {
  asArray,
  asNumber,
  asObject,
  asString,
  isObject,
  type JsonObject,
} from '@turnlog/conventions/plain'
import type { AnswerEvent } from '../answer-events.ts'
import type { AnswerReader } from '../answer-watcher.ts'
import { createModelApi } from '../dialect.ts'
import type { ModelRequest } from '../map-exchange.ts'
import type { ToolCallRequest } from '../model-api.ts'
import {
  type AnswerPiece,
  errorOf,
  piecesOf,
  readJsonAnswer,
  readStreamedAnswer,
} from './answer.ts'
import { FunctionCalls, writtenParts } from './calls.ts'
import {
  instructionParts,
  lastResultsOf,
  memberOf,
  newResultsOf,
  toMessage,
  toolResultsOf,
  toToolDefinitions,
} from './parts.ts'

const pathPattern = /\/([^/]+)(?::|%3A)(generateContent|streamGenerateContent)\/?$/i

const vertexPath = /\/(?:projects\/[^/]+\/locations|publishers\/google)\//

export const gemini = createModelApi({
  name: 'gemini',
  operation: 'generate_content',
  provider: ({ hostname, pathname }) =>
    hostname.includes('aiplatform.') || vertexPath.test(pathname) ? 'gcp.vertex_ai' : 'gcp.gemini',
  /** Not `countTokens`, not `embedContent`, not batches: their methods have other names. */
  matches: (method, { pathname }) =>
    method === 'POST' && pathPattern.test(pathname) ? 'yes' : 'no',
  // Small and older models give no ids: then `newResults` finds the calls by their names.
  resultId: 'id',
  newResults: (request) => newResultsOf(contentsOf(inner(request)) ?? []),
  lastResults: (request) => lastResultsOf(contentsOf(inner(request)) ?? []),
  conversation(request) {
    const messages = contentsOf(inner(request))
    const instructions = memberOf(inner(request), 'systemInstruction')
    return messages && { instructions, messages }
  },
  // The part of the key `functionCallingConfig` that is in `function_calling_config`, too.
  forcedTool: {
    key: 'alling',
    pattern:
      /^alling(?:C|_c)onfig"\s*:\s*\{(?=[^{}]*"mode"\s*:\s*"ANY")[^{}]*"allowed(?:FunctionNames|_function_names)"\s*:\s*\[\s*"[^"]*"\s*\]/,
  },
  openReader: () => new GeminiAnswerReader(),
  readRequest,
  readEvents: readStreamedAnswer,
  readJson: readJsonAnswer,
})

/** Code Assist wraps the request. */
function inner(body: JsonObject): JsonObject {
  return body.contents === undefined ? (asObject(body.request) ?? body) : body
}

function contentsOf({ contents }: JsonObject): readonly unknown[] | undefined {
  return listOf(contents)
}

function readRequest(body: JsonObject, url: URL | null): ModelRequest {
  const request = inner(body)
  const contents = contentsOf(request)
  const config = asObject(memberOf(request, 'generationConfig'))
  const number = (name: string) => asNumber(memberOf(config, name))
  const stops = asArray(memberOf(config, 'stopSequences'))?.filter(
    (each) => typeof each === 'string',
  )
  const [, , method] = pathPattern.exec(url?.pathname ?? '') ?? []
  return {
    attributes: {
      'gen_ai.request.model': modelIn(url) ?? asString(body.model)?.replace(/^models\//, ''),
      'gen_ai.request.max_tokens': number('maxOutputTokens'),
      'gen_ai.request.temperature': number('temperature'),
      'gen_ai.request.top_p': number('topP'),
      'gen_ai.request.top_k': number('topK'),
      'gen_ai.request.stop_sequences': stops?.length ? stops : undefined,
      'gen_ai.request.stream': method?.toLowerCase().startsWith('stream'),
    },
    systemInstructions: instructionParts(memberOf(request, 'systemInstruction')),
    messages: contents?.map(toMessage),
    toolDefinitions: listOf(request.tools)?.flatMap(toToolDefinitions),
    toolResults: toolResultsOf(contents ?? []),
  }
}

/** The API takes a single element in place of a list: some clients send their tools so. */
function listOf(value: unknown): readonly unknown[] | undefined {
  return asArray(value) ?? (isObject(value) ? [value] : undefined)
}

/** `models/gemini-2.5-pro` is named without its collection, `tunedModels/…` and `endpoints/…` with it. */
function modelIn(url: URL | null): string | undefined {
  const found = /([^/]+)\/([^/]+)(?::|%3A)[^/]*\/?$/i.exec(url?.pathname ?? '')
  const [, collection = '', id = ''] = found ?? []
  if (!/(?:models|endpoints)$/i.test(collection)) return undefined
  const name = collection === 'models' ? id : `${collection}/${id}`
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

class GeminiAnswerReader implements AnswerReader {
  readonly #calls = new FunctionCalls()
  hasError = false

  get openLength(): number {
    return this.#calls.openLength
  }

  takeEvent({ data }: AnswerEvent): ToolCallRequest[] {
    if (!mayMatter(data)) return []
    return piecesOf(data).flatMap((piece) => this.#take(piece))
  }

  takeJson(text: string): readonly ToolCallRequest[] {
    if (!mayMatter(text)) return []
    return piecesOf(text).flatMap((piece) => this.#take(piece))
  }

  #take({ answer, text }: AnswerPiece): ToolCallRequest[] {
    if (errorOf(answer) !== undefined) this.hasError = true
    const candidates = asArray(answer.candidates)?.map(asObject) ?? []
    const position = candidates.findIndex((each, at) => (each?.index ?? at) === 0)
    const parts = asArray(asObject(candidates[position]?.content)?.parts) ?? []
    if (!parts.some((part) => asObject(part)?.functionCall !== undefined)) return []
    const written = writtenParts(text, position)
    return parts.flatMap((part, at) =>
      isObject(part) && isObject(part.functionCall)
        ? this.#calls.take(part, written[at] ?? '').flatMap(({ request }) => request ?? [])
        : [],
    )
  }
}

/** In a text the quotes would be escaped, so these are keys: few events have to be parsed. */
const keys = ['"functionCall"', '"error"', '"blockReason"']

function mayMatter(data: string): boolean {
  return keys.some((key) => data.includes(key))
}
