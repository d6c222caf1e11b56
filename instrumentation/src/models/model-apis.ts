/** The model APIs that are understood. A new one is one line here and one folder. */
import { anthropicMessages } from './anthropic/api.ts'
import { bedrockConverse } from './bedrock/converse.ts'
import { bedrockInvoke } from './bedrock/invoke.ts'
import { cohere } from './cohere/api.ts'
import { cohereV1 } from './cohere/v1.ts'
import { gemini } from './gemini/api.ts'
import { mistralConversations } from './mistral/api.ts'
import type { ModelApi } from './model-api.ts'
import { ollama } from './ollama/api.ts'
import { openAiChat } from './openai-chat/api.ts'
import { openAiResponses } from './openai-responses/api.ts'
import { textCompletions } from './text-completions/api.ts'

export const modelApis: readonly ModelApi[] = [
  anthropicMessages,
  openAiResponses,
  openAiChat,
  gemini,
  bedrockConverse,
  bedrockInvoke,
  mistralConversations,
  ollama,
  textCompletions,
  cohere,
  cohereV1,
]

/** The API that a request with this method and URL is a call of; `undefined`: none, or the body decides. */
export function findModelApi(method: string, url: URL | null): ModelApi | undefined {
  return url === null ? undefined : modelApis.find((api) => api.matches(method, url) === 'yes')
}

/** The APIs that a request may be a call of, if its body is one of theirs. */
export function findPossibleApis(method: string, url: URL | null): readonly ModelApi[] {
  return url === null ? [] : modelApis.filter((api) => api.matches(method, url) === 'by body')
}

export function modelApiNamed(name: string): ModelApi | undefined {
  return modelApis.find((api) => api.name === name)
}
