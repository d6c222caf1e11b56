/**
 * The one interface to a model API, and the plain values it gives. An API that is not behind this interface is not
 * seen: its requests are ordinary requests of the host.
 *
 * All but `map` run on the host's main thread, for the bytes as they pass; `map` runs in the
 * sealing worker, on the bytes that were recorded. None of them throws, whatever the bytes are.
 */
import type { AttributeName } from '@turnlog/conventions'
import type { JsonObject } from '@turnlog/conventions/plain'

export interface ModelApi {
  /** Its name in journals, which outlive a version: it never changes. */
  readonly name: string
  /** `gen_ai.operation.name` of its model calls. */
  readonly operation: 'chat' | 'generate_content' | 'text_completion'
  /** `gen_ai.provider.name`: who answers at this address. */
  provider(url: URL): string
  /** Whether a request is a model call. Asked for every HTTP request of the host; any host, any path prefix. */
  matches(method: string, url: URL): Match
  /** Whether this is the body of a model call, for an address at which others have something else. */
  isRequest(requestBody: Uint8Array): boolean
  /** Reads one successful answer while its bytes pass. */
  watch(answer: AnswerHead): AnswerWatcher
  /** Those of the open tool calls whose results the request brings. */
  findAnswered<Call extends OpenToolCall>(requestBody: Uint8Array, open: Iterable<Call>): Call[]
  /** The results of tools with which the request ends; `undefined` if it ends with anything else, or is too long. */
  lastResults(requestBody: Uint8Array): readonly ToolResult[] | undefined
  /** The conversation that the request repeats; `undefined` when it cannot be read, or is too long. */
  history(requestBody: Uint8Array): RequestHistory | undefined
  /** What the user has asked for in this request; `undefined` when it cannot be read, or is too long. */
  asked(requestBody: Uint8Array): Asked | undefined
  /** The earlier answer or the conversation that the request names, where the server keeps them. */
  goesOnFrom(url: URL, requestBody: Uint8Array): KeptBefore
  /** Whether this piece of a request forces the model to call one certain tool. */
  forcesTool(requestPiece: string | Uint8Array): boolean
  map(exchange: WireExchange): ModelCallRecord
}

/** `by body`: its address does not show it. */
export type Match = 'yes' | 'no' | 'by body'

/** The messages as texts: equal messages have equal texts. */
export interface RequestHistory {
  readonly instructions: string
  readonly messages: readonly string[]
  /** The request names what came before instead of repeating it. */
  readonly isPartial: boolean
}

export interface Asked {
  /** What the user wrote last; empty if there is no text in it, as in an image. */
  readonly text: string
  /** The user's texts before it, oldest first: the last `saidMax`, each up to `saidLengthMax`. */
  readonly said: readonly string[]
  /** No other message comes after it. */
  readonly isLast: boolean
  /** The system prompt, comparable with that of another request. */
  readonly instructions: string
  /** How many messages the request has. */
  readonly messageCount: number
  /** The model may ask for tools. */
  readonly offersTools: boolean
}

/** An earlier answer, and a conversation, by the names that the server has given them. */
export interface KeptBefore {
  readonly answer?: string
  readonly conversation?: string
}

export interface AnswerHead {
  readonly contentType: string | undefined
  readonly contentEncoding: string | undefined
}

export interface AnswerWatcher {
  /** Takes the next bytes; returns the tool calls that are complete with them. */
  push(chunk: Uint8Array): ToolCallRequest[]
  /**
   * The tool calls whose arguments are a whole JSON object, although the API has not said that they are complete: an app may run
   * them now. Each is returned once, here or later.
   */
  takeWhole(): ToolCallRequest[]
  /** The answer has ended, perhaps too early. */
  end(): ToolCallRequest[]
  /** Whether the API has put an error into an answer whose status was a success. */
  readonly hasError: boolean
  /** The last event of a stream has come: if the client hangs up then, it has cut nothing. */
  readonly isWhole: boolean
  /** The name by which a later request may go on from this answer. */
  readonly id: string | undefined
  /** The name of the conversation that the server keeps. */
  readonly conversation: string | undefined
  /** The server works on in the background: the app will ask for the answer. */
  readonly isPending: boolean
}

/** A tool call the model asks for. */
export interface ToolCallRequest {
  /** Not every API gives one. */
  readonly id?: string
  readonly name: string
  /** JSON, exactly as the model wrote it; only its beginning where the answer was cut inside. */
  readonly arguments: string
}

/** A tool call whose result the model has not been sent. */
export interface OpenToolCall {
  readonly id: string | undefined
  readonly name: string
  /** The turn that it is part of. A call whose result is found by name is looked for in each turn. */
  readonly owner?: object | undefined
}

/** The result of a tool call, as a later request sends it to the model. */
export interface ToolResult {
  /** The id of the call. An API without ids names the tool instead. */
  readonly callId?: string
  readonly name?: string
  readonly isError: boolean
  /** The text; JSON where the content is anything but one text; empty where there is none. */
  readonly content: string
}

/** One request and its answer, as they were on the wire. Either body may be encoded, or cut off anywhere. */
export interface WireExchange {
  /** Absolute. */
  readonly url: string
  readonly requestBody: Uint8Array
  readonly status?: number | undefined
  readonly responseHeaders?: readonly (readonly [name: string, value: string])[] | undefined
  readonly responseBody: Uint8Array
  /** The name or code of the error that ended the exchange early. */
  readonly error?: string | undefined
  /** The app ended it early. */
  readonly isAborted?: boolean
  /** The response came to its end. */
  readonly isComplete: boolean
  /** There was a response, and none of its bytes were seen: nothing is known of it. */
  readonly isUnseen?: boolean
}

/** Absent is unknown, never 0. */
export interface TokenUsage {
  /** Includes the tokens read from the cache and written to it. */
  readonly inputTokens?: number
  readonly outputTokens?: number
  readonly cacheReadInputTokens?: number
  readonly cacheWriteInputTokens?: number
  readonly reasoningOutputTokens?: number
}

export interface ApiError {
  readonly type?: string
  readonly message?: string
}

export type AttributeValue = string | number | boolean | string[]
export type ModelAttributes = {
  readonly [Name in AttributeName]?: AttributeValue | undefined
}

/** A model call in the words of OpenTelemetry's GenAI conventions. */
export interface ModelCallRecord {
  readonly attributes: { readonly [Name in AttributeName]?: AttributeValue }
  /** JSON, as are the next three: values of `gen_ai.system_instructions` and so on. */
  readonly systemInstructions?: string
  readonly inputMessages?: string
  readonly outputMessages?: string
  readonly toolDefinitions?: string
  /** The request as text, if it could not be read as messages. */
  readonly requestText?: string
  readonly usage: TokenUsage
  readonly finishReasons: string[]
  readonly errorType?: string
  readonly errorMessage?: string
  /** The text of the answer, as far as it came; may be empty. */
  readonly answerText: string
  readonly lastUserText?: string
  /** The tool calls that the answer asks for. */
  readonly toolCalls: readonly ToolCallRequest[]
  /** The results that the request brings: those of the whole conversation. */
  readonly toolResults: readonly ToolResult[]
}

/** A message part of the GenAI conventions; members the conventions do not know are legal. */
export interface Part extends JsonObject {
  readonly type: string
}

export interface Message extends JsonObject {
  readonly role: string
  readonly parts: readonly Part[]
}
