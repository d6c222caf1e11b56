/** Who answers at an address, in the words of OpenTelemetry's registry for `gen_ai.provider.name`. */

const byHost: readonly (readonly [suffix: string, provider: string])[] = [
  ['api.openai.com', 'openai'],
  ['openai.azure.com', 'azure.ai.openai'],
  ['cognitiveservices.azure.com', 'azure.ai.openai'],
  ['services.ai.azure.com', 'azure.ai.inference'],
  ['inference.ai.azure.com', 'azure.ai.inference'],
  ['api.anthropic.com', 'anthropic'],
  ['aiplatform.googleapis.com', 'gcp.vertex_ai'],
  ['generativelanguage.googleapis.com', 'gcp.gemini'],
  ['api.groq.com', 'groq'],
  ['api.mistral.ai', 'mistral_ai'],
  ['api.deepseek.com', 'deepseek'],
  ['api.x.ai', 'x_ai'],
  ['api.perplexity.ai', 'perplexity'],
  ['api.cohere.com', 'cohere'],
  ['api.cohere.ai', 'cohere'],
  ['ml.cloud.ibm.com', 'ibm.watsonx.ai'],
]
/** `bedrock-runtime.eu-west-1.amazonaws.com`. */
const bedrockHost = /^bedrock(?:-[a-z]+)*\.[a-z0-9-]+\.amazonaws\.com$/

/** `undefined`: a proxy, a server of the user's own, or a provider that the registry does not know. */
export function providerOf({ hostname }: URL): string | undefined {
  if (bedrockHost.test(hostname)) return 'aws.bedrock'
  const found = byHost.find(
    ([suffix]) =>
      hostname === suffix || hostname.endsWith(`.${suffix}`) || hostname.endsWith(`-${suffix}`),
  )
  return found?.[1]
}
