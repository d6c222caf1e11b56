/** Who answers at an address that speaks one of OpenAI's APIs, by the names of OpenTelemetry's registry. Pure. */

/** Hosts that are not OpenAI's; the first that fits counts. */
const providers: readonly (readonly [host: RegExp, provider: string])[] = [
  [/\.openai\.azure\.(?:com|us|cn)$|\.cognitiveservices\.azure\.(?:com|us|cn)$/, 'azure.ai.openai'],
  [/\.services\.ai\.azure\.(?:com|us|cn)$/, 'azure.ai.openai'],
  [/\.(?:models\.ai|inference\.ml)\.azure\.com$/, 'azure.ai.inference'],
  [/^bedrock(?:-[\w-]+)?\.[\w.-]*(?:amazonaws\.com(?:\.cn)?|api\.aws)$/, 'aws.bedrock'],
  [/(?:^|\.)x\.ai$/, 'x_ai'],
  [/(?:^|\.)groq\.com$/, 'groq'],
  [/(?:^|\.)deepseek\.com$/, 'deepseek'],
  [/(?:^|\.)mistral\.ai$/, 'mistral_ai'],
  [/(?:^|\.)perplexity\.ai$/, 'perplexity'],
  [/(?:^|[.-])aiplatform\.googleapis\.com$/, 'gcp.vertex_ai'],
  [/^generativelanguage\.googleapis\.com$/, 'gcp.gemini'],
]

export function openAiProvider({ hostname }: URL): string {
  return providers.find(([host]) => host.test(hostname))?.[1] ?? 'openai'
}
