/** A model as the agent's loop uses it. Each API has one file beside this one, which turns an ask into a call of its SDK. */

import type { ToolDefinition } from '../../tools/tool.ts'

export const modelApis = ['anthropic', 'openai', 'responses', 'gemini'] as const
export type ModelApi = (typeof modelApis)[number]

export interface Model {
  readonly name: string
  /** Throws the SDK's error when the model cannot be reached or refuses; the SDK has retried then. */
  ask(ask: Ask): Promise<ModelAnswer>
  /** Whether the SDK's error says that the model cannot be reached, or that it refuses; `undefined` for any other error. */
  whyFailed(error: unknown): 'unreachable' | 'refused' | undefined
}

export interface Ask {
  readonly systemPrompt: string
  readonly tools: readonly ToolDefinition[]
  readonly messages: readonly Message[]
  readonly signal: AbortSignal
  /** Called with each piece of text as it arrives; if set, the answer is streamed. */
  readonly onText?: ((text: string) => void) | undefined
}

export interface ModelAnswer {
  readonly text: string
  /** Empty if the answer is complete without tools, or was cut. */
  readonly toolUses: readonly ToolUse[]
  readonly asSent: AsSent
}

/** A message in the form in which the API sent it. The APIs want it back unchanged: it has signatures, for example. */
export type AsSent = unknown

/** One message of a conversation, in the same form for all APIs. */
export type Message =
  | { readonly role: 'user'; readonly text: string }
  /** An answer that asks for tools has `asSent`, and the results follow it. */
  | { readonly role: 'assistant'; readonly text: string; readonly asSent?: AsSent }
  | { readonly role: 'tools'; readonly results: readonly ToolResult[] }

export interface ToolUse {
  /** Undefined if the API gave none. */
  readonly id: string | undefined
  readonly name: string
  readonly input: unknown
}

export interface ToolResult {
  readonly use: ToolUse
  readonly text: string
  readonly isError: boolean
}

export interface ModelAccess {
  readonly name: string
  readonly apiKey: string
  /** Undefined for the real API. */
  readonly baseUrl: string | undefined
  /** How often a call is sent again after a failure that may pass. */
  readonly retriesMax?: number
}

/** The number of retries, if an access does not say it: the default of most SDKs. */
export const retriesMaxDefault = 2

/** The limit of an answer. Anthropic's SDK has it without streaming. */
export const answerTokensMax = 16_000

/** Arguments of a tool as they were written; the text itself if it is not JSON, which the tool then refuses. */
export function parseArguments(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
