/** The model APIs that are understood. A new one is one line here and one file beside this one. */
import { anthropicMessages } from './anthropic.ts'
import type { ModelApi } from './model-api.ts'

const modelApis: readonly ModelApi[] = [anthropicMessages]

/** The API that a request with this method and URL is a call of; `undefined`: it is not a model call. */
export function findModelApi(method: string, url: URL | null): ModelApi | undefined {
  if (url === null) return undefined
  return modelApis.find((api) => api.matches(method, url.pathname))
}
