/**
 * The addresses at which Anthropic's messages are sent, on any host and behind any prefix: `…/v1/messages`, Google's
 * `…/publishers/anthropic/models/{model}:rawPredict`, Amazon's `…/model/{id}/invoke`. Pure.
 */
import { bedrockAddress, decoded, isBedrockHost } from '../bedrock/address.ts'
import type { Match } from '../model-api.ts'

/** The model's name, and `:rawPredict` or `:streamRawPredict`. */
const vertexPattern =
  /\/publishers\/anthropic\/models\/([^/]+?)(?::|%3A)(rawPredict|streamRawPredict)\/?$/i
/** It is at the place of a model's name, but counts tokens. */
const vertexCounter = 'count-tokens'

export function anthropicMatch(url: URL): Match {
  const { pathname } = url
  const bedrock = bedrockAddress(url)
  if (bedrock !== undefined) {
    if (bedrock.speaks === 'messages') return bedrock.isCertain ? 'yes' : 'by body'
    return bedrock.speaks === 'unknown' ? 'by body' : 'no'
  }
  if (/(?:^|\/)v1\/messages\/?$/.test(pathname)) return 'yes'
  if (/(?:^|\/)messages\/?$/.test(pathname)) return 'by body'
  const vertexModel = vertexPattern.exec(pathname)?.[1]
  return vertexModel === undefined || vertexModel === vertexCounter ? 'no' : 'yes'
}

/** The model, and whether the answer is a stream, where the address says so. The body may leave out what is in the address. */
export function requestAt(url: URL | null): { readonly model?: string; readonly stream?: boolean } {
  if (url === null) return {}
  const bedrock = bedrockAddress(url)
  if (bedrock !== undefined) return { model: bedrock.modelId, stream: bedrock.isStream }
  const [, model, verb = ''] = vertexPattern.exec(url.pathname) ?? []
  if (model === undefined) return {}
  return { model: decoded(model), stream: verb.toLowerCase() === 'streamrawpredict' }
}

export function anthropicProvider(url: URL): string {
  const { hostname, pathname } = url
  if (isBedrockHost(hostname) || bedrockAddress(url) !== undefined) return 'aws.bedrock'
  if (vertexPattern.test(pathname)) return 'gcp.vertex_ai'
  return /\.azure\.(?:com|us|cn)$|\.azure\.anthropic\.com$/.test(hostname)
    ? 'azure.ai.inference'
    : 'anthropic'
}
