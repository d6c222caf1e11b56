/** The addresses of Amazon Bedrock's models, behind any host and any prefix: `…/model/{id}/converse` and so on. Pure. */

export interface BedrockAddress {
  /** The id or the ARN of a model, of an inference profile or of a prompt. */
  readonly modelId: string
  readonly speaks: Speech
  readonly isStream: boolean
  /** Its host or the id is Amazon's. Others may have such a path, too. */
  readonly isCertain: boolean
}

/**
 * `messages`: Anthropic's; `other`: the own API of another vendor; `unknown`: the id does not show whose model it is; `nothing`: the model gives vectors, ranks, images or films, not texts.
 */
export type Speech = 'converse' | 'messages' | 'other' | 'unknown' | 'nothing'

const actionPattern = /\/(converse|converse-stream|invoke|invoke-with-response-stream)\/?$/
const modelSegment = '/model/'
const hostPattern = /(?:^|\.)bedrock[a-z-]*\.(?:.*\.)?(?:amazonaws\.com(?:\.cn)?|api\.aws)$/
const vendorPattern =
  /(?:^|[./])(ai21|amazon|anthropic|cohere|deepseek|google|luma|meta|minimax|mistral|moonshot|moonshotai|nvidia|openai|qwen|stability|twelvelabs|writer|zai)\.(?=[^.])/

/** Models that give no text. */
const textlessPattern = /embed|rerank|image|canvas|reel|marengo|(?:^|[./])(?:stability|luma)\./

export function bedrockAddress({ hostname, pathname }: URL): BedrockAddress | undefined {
  const end = actionPattern.exec(pathname)
  const action = end?.[1]
  if (end === null || action === undefined) return undefined
  const start = pathname.lastIndexOf(modelSegment, end.index)
  if (start === -1) return undefined
  const modelId = decoded(pathname.slice(start + modelSegment.length, end.index))
  if (modelId === '') return undefined
  const vendor = vendorPattern.exec(modelId)?.[1]
  return {
    modelId,
    speaks: action.startsWith('converse') ? 'converse' : speechOf(modelId, vendor),
    isStream: action.endsWith('-stream'),
    isCertain: vendor !== undefined || modelId.startsWith('arn:aws') || isBedrockHost(hostname),
  }
}

/** The format of the bodies that a model takes at `invoke`. */
function speechOf(modelId: string, vendor: string | undefined): Speech {
  if (textlessPattern.test(modelId)) return 'nothing'
  if (vendor === undefined) return 'unknown'
  if (vendor === 'anthropic') return 'messages'
  return modelId.includes('amazon.nova') ? 'converse' : 'other'
}

export function isBedrockHost(hostname: string): boolean {
  return hostPattern.test(hostname)
}

/** A segment of a path, decoded as far as it can be. */
export function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
