/** Who answers at an address, by the names of OpenTelemetry's registry for `gen_ai.provider.name`. Pure. */

/** The first host that fits counts. */
const providers: readonly (readonly [host: RegExp, provider: string])[] = [
  [/(?:^|\.)openai\.com$/, 'openai'],
  [/\.openai\.azure\.(?:com|us|cn)$|\.cognitiveservices\.azure\.(?:com|us|cn)$/, 'azure.ai.openai'],
  [/\.services\.ai\.azure\.(?:com|us|cn)$/, 'azure.ai.openai'],
  [/\.(?:models|inference)\.(?:ai|ml)\.azure\.com$/, 'azure.ai.inference'],
  [/^bedrock(?:-[\w-]+)?\.[\w.-]*(?:amazonaws\.com(?:\.cn)?|api\.aws)$/, 'aws.bedrock'],
  [/(?:^|\.)anthropic\.com$/, 'anthropic'],
  [/(?:^|\.)x\.ai$/, 'x_ai'],
  [/(?:^|\.)groq\.com$/, 'groq'],
  [/(?:^|\.)deepseek\.com$/, 'deepseek'],
  [/(?:^|\.)mistral\.ai$/, 'mistral_ai'],
  [/(?:^|\.)perplexity\.ai$/, 'perplexity'],
  [/(?:^|\.)cohere\.(?:com|ai)$/, 'cohere'],
  [/\.ml\.cloud\.ibm\.com$/, 'ibm.watsonx.ai'],
  [/(?:^|[.-])aiplatform\.googleapis\.com$/, 'gcp.vertex_ai'],
  [/^generativelanguage\.googleapis\.com$/, 'gcp.gemini'],
]

/** `undefined`: a proxy, a server of the user's own, or a provider that the registry does not know. */
export function providerOf({ hostname }: URL): string | undefined {
  return providers.find(([host]) => host.test(hostname))?.[1]
}
