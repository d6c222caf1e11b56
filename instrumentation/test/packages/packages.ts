/** The packages that are run, with their versions, and the app of `apps/` that drives each. */
import { type Situation, situations } from './situations.ts'

export const loaders = { ESM: 'load.mjs', CJS: 'load.cjs' } as const
export const modes = ['JSON', 'stream'] as const
export const nodeLines = ['24', '22'] as const

export type Loader = keyof typeof loaders
export type Mode = (typeof modes)[number]
export type NodeLine = (typeof nodeLines)[number]

export interface Tracing {
  readonly by: string
  /** The app registers an SDK of OpenTelemetry, which then gets its spans. */
  readonly hasSdk: boolean
}

export interface PackageEntry {
  /** Exact versions by name, installed together. The first is the one that is tested. */
  readonly packages: Readonly<Record<string, string>>
  /** A file of `apps/`, without its ending. */
  readonly app: string
  /** The model API that the app calls. */
  readonly api: string
  readonly loaders: readonly Loader[]
  readonly modes: readonly Mode[]
  readonly nodes: readonly NodeLine[]
  readonly situations: readonly Situation[]
  /**
   * How the app takes the failure of a tool. `told`: the model is sent a result that is marked, or a library says so. `hidden`: the
   * result is a text like any other. `thrown`: the agent ends.
   */
  readonly toolFailures: 'told' | 'hidden' | 'thrown'
  /** How the app traces itself, if it does. */
  readonly tracing?: Tracing
}

/** One app in one process: an entry in one of its forms. */
export interface Run {
  readonly id: string
  readonly entry: PackageEntry
  readonly loader: Loader
  readonly mode: Mode
  readonly node: NodeLine
  readonly situation: Situation
}

type Details = Partial<Omit<PackageEntry, 'packages' | 'app' | 'api'>>

function entry(
  packages: PackageEntry['packages'],
  app: string,
  api: string,
  details: Details = {},
): PackageEntry {
  return {
    packages,
    app,
    api,
    loaders: ['ESM'],
    modes,
    nodes: ['24'],
    situations: ['tool'],
    toolFailures: 'told',
    ...details,
  }
}

const chat = 'OpenAI Chat Completions'
const responses = 'OpenAI Responses'
const messages = 'Anthropic Messages'
const gemini = 'Gemini'
const invoke = 'Anthropic Messages at Bedrock'
const vertex = 'Anthropic Messages at Vertex AI'
const converse = 'Bedrock Converse'
const http2Converse = 'Bedrock Converse over HTTP/2'
const ollama = 'Ollama'
const cohere = 'Cohere'

const zod = '4.6.7'
/** For packages that were made before version 4. */
const zod3 = '3.25.76'

/** Both builds of a package, where it has two. */
const both: Details = { loaders: ['ESM', 'CJS'] }
const onlyCjs: Details = { loaders: ['CJS'] }
const bothNodes: Details = { nodes: nodeLines }
const failing: Details = { situations }
const hiding: Details = { situations, toolFailures: 'hidden' }
const without = (...names: readonly Situation[]): Details => ({
  situations: situations.filter((each) => !names.includes(each)),
})

export const entries: readonly PackageEntry[] = [
  entry({}, 'fetch', chat, bothNodes),
  entry({ axios: '1.21.1' }, 'axios', chat, both),
  entry({ got: '11.8.6' }, 'got', chat, onlyCjs),
  entry({ got: '16.1.0' }, 'got', chat),
  entry({ 'node-fetch': '2.7.0' }, 'node-fetch', chat, onlyCjs),
  entry({ 'node-fetch': '3.3.2' }, 'node-fetch', chat),
  entry({ undici: '6.29.1' }, 'undici', chat, onlyCjs),
  entry({ undici: '8.13.1' }, 'undici', chat, onlyCjs),
  entry({ openai: '4.104.0' }, 'openai-chat', chat, both),
  entry({ openai: '4.104.0' }, 'openai-responses', responses),
  entry({ openai: '5.23.2' }, 'openai-chat', chat),
  entry({ openai: '5.23.2' }, 'openai-responses', responses),
  entry({ openai: '6.49.0' }, 'openai-chat', chat),
  entry({ openai: '6.49.0' }, 'openai-responses', responses),
  entry({ openai: '7.59.0' }, 'openai-chat', chat, { ...both, ...bothNodes, ...hiding }),
  entry({ openai: '7.59.0' }, 'openai-responses', responses, { ...both, ...hiding }),
  entry({ '@anthropic-ai/sdk': '0.22.0' }, 'anthropic', messages, both),
  entry({ '@anthropic-ai/sdk': '1.14.0' }, 'anthropic', messages, {
    ...both,
    ...bothNodes,
    ...failing,
  }),
  entry({ '@anthropic-ai/bedrock-sdk': '1.1.3' }, 'anthropic-bedrock', invoke),
  entry({ '@anthropic-ai/vertex-sdk': '1.1.3' }, 'anthropic-vertex', vertex),
  entry({ '@aws-sdk/client-bedrock-runtime': '3.600.0' }, 'bedrock', converse, both),
  entry({ '@aws-sdk/client-bedrock-runtime': '3.1164.0' }, 'bedrock-http2', http2Converse, {
    ...both,
    ...bothNodes,
  }),
  entry({ '@google/genai': '1.0.0' }, 'google-genai', gemini),
  entry({ '@google/genai': '3.3.0' }, 'google-genai', gemini, {
    ...both,
    ...bothNodes,
    ...failing,
  }),
  entry({ '@google/generative-ai': '0.24.1' }, 'generative-ai', gemini, both),
  entry({ '@mistralai/mistralai': '1.0.3', zod: zod3 }, 'mistral', chat, both),
  entry({ '@mistralai/mistralai': '2.7.0' }, 'mistral', chat),
  entry({ 'groq-sdk': '0.3.3' }, 'groq', chat),
  entry({ 'groq-sdk': '1.6.0' }, 'groq', chat, both),
  entry({ ollama: '0.5.0' }, 'ollama', ollama),
  entry({ ollama: '0.6.4' }, 'ollama', ollama, both),
  entry({ 'cohere-ai': '8.1.0' }, 'cohere', cohere, both),
  ...aiSdkEntries('4.3.19', { openai: '1.3.24', anthropic: '1.2.12', google: '1.2.22' }, zod3),
  ...aiSdkEntries('5.0.277', { openai: '2.0.131', anthropic: '2.0.112', google: '2.0.108' }),
  ...aiSdkEntries('6.0.326', { openai: '3.0.141', anthropic: '3.0.140', google: '3.0.141' }),
  ...aiSdkEntries('7.0.173', { openai: '4.0.118', anthropic: '4.0.105', google: '4.0.121' }),
  entry({ ai: '7.0.173', '@ai-sdk/amazon-bedrock': '5.0.101', zod }, 'ai-sdk-bedrock', converse),
  entry({ ai: '7.0.173', '@ai-sdk/mistral': '4.0.87', zod }, 'ai-sdk-mistral', chat),
  entry({ ai: '7.0.173', '@ai-sdk/cohere': '4.0.52', zod }, 'ai-sdk-cohere', cohere),
  entry({ ai: '7.0.173', '@ai-sdk/openai-compatible': '3.0.92', zod }, 'ai-sdk-compatible', chat),
  langchainEntry({ '@langchain/openai': '1.6.0' }, 'langchain', chat, { ...both, ...failing }),
  langchainEntry({ '@langchain/anthropic': '1.5.11' }, 'langchain-anthropic', messages),
  langchainEntry({ '@langchain/google-genai': '2.3.2' }, 'langchain-google', gemini),
  langchainEntry({ '@langchain/aws': '1.4.5' }, 'langchain-aws', http2Converse),
  entry(
    { '@langchain/langgraph': '1.7.3', '@langchain/openai': '1.6.0', '@langchain/core': '1.4.0' },
    'langgraph',
    chat,
  ),
  entry({ '@openai/agents': '0.20.0', zod }, 'openai-agents', responses, both),
  entry({ '@mastra/core': '1.71.0', zod }, 'mastra', chat, both),
  entry(
    { llamaindex: '0.12.1', '@llamaindex/openai': '0.4.23', '@llamaindex/workflow': '1.1.25', zod },
    'llamaindex',
    chat,
    { modes: ['stream'] },
  ),
  entry({ '@google/adk': '2.0.0', zod }, 'google-adk', gemini),
  entry({ '@strands-agents/sdk': '1.19.0', zod }, 'strands', http2Converse, { modes: ['stream'] }),
  entry({ '@tanstack/ai': '0.58.0', '@tanstack/ai-openai': '0.23.1' }, 'tanstack-ai', responses),
  ...tracedEntries(),
]

/** Apps that trace themselves with OpenTelemetry. */
function tracedEntries(): readonly PackageEntry[] {
  const calls = 'experimental_telemetry'
  const sdk = { hasSdk: true }
  const spans = { '@opentelemetry/api': '1.9.1', '@opentelemetry/sdk-trace-node': '2.6.1' }
  const langchain = {
    langchain: '1.5.14',
    '@langchain/openai': '1.6.0',
    '@langchain/core': '1.4.0',
  }
  const openInference = {
    ...langchain,
    '@arizeai/openinference-instrumentation-langchain': '4.1.1',
  }
  const aiSdk5 = { ai: '5.0.277', '@ai-sdk/openai': '2.0.131', zod }
  return [
    traced({ ai: '4.3.19', '@ai-sdk/openai': '1.3.24', zod: zod3 }, 'ai-sdk-traced', chat, calls, {
      toolFailures: 'thrown',
    }),
    traced(aiSdk5, 'ai-sdk-traced', responses, calls, both),
    traced({ ...aiSdk5, ...spans }, 'ai-sdk-traced-sdk', responses, calls, {
      ...both,
      ...sdk,
      ...hiding,
    }),
    traced({ ai: '6.0.326', '@ai-sdk/openai': '3.0.141', zod }, 'ai-sdk-traced', responses, calls),
    traced(
      { ai: '7.0.173', '@ai-sdk/openai': '4.0.118', '@ai-sdk/otel': '1.0.173', zod },
      'ai-sdk-otel',
      responses,
      '@ai-sdk/otel',
    ),
    traced(openInference, 'langchain-openinference', chat, 'OpenInference', both),
    traced(
      { ...openInference, ...spans },
      'langchain-openinference-sdk',
      chat,
      'OpenInference',
      sdk,
    ),
    traced(
      { '@strands-agents/sdk': '1.19.0', '@opentelemetry/api': '1.9.1', openai: '6.49.0', zod },
      'strands-traced',
      chat,
      'Strands',
      // It cannot be stopped by a signal, and takes several calls of one streamed answer for one.
      { modes: ['stream'], ...without('two tools', 'abort') },
    ),
    traced(
      {
        '@mastra/core': '1.71.0',
        '@mastra/observability': '1.17.9',
        '@mastra/otel-bridge': '1.5.4',
        zod,
      },
      'mastra-traced',
      chat,
      '@mastra/otel-bridge',
    ),
    traced(
      { openai: '6.49.0', '@traceloop/instrumentation-openai': '0.27.0' },
      'openai-openllmetry',
      chat,
      'OpenLLMetry',
      hiding,
    ),
    traced(
      { openai: '6.49.0', '@traceloop/node-server-sdk': '0.27.0' },
      'openai-traceloop',
      chat,
      'Traceloop',
      { ...sdk, ...hiding },
    ),
    traced(
      {
        openai: '6.49.0',
        '@langfuse/openai': '5.11.1',
        '@langfuse/tracing': '5.11.1',
        '@opentelemetry/api': '1.9.1',
      },
      'openai-langfuse',
      chat,
      'Langfuse',
    ),
    traced(
      {
        openai: '6.49.0',
        '@langfuse/openai': '5.11.1',
        '@langfuse/tracing': '5.11.1',
        '@langfuse/otel': '5.11.1',
        '@opentelemetry/exporter-trace-otlp-http': '0.219.0',
        ...spans,
      },
      'openai-langfuse-sdk',
      chat,
      'Langfuse',
      { ...sdk, ...hiding },
    ),
    traced(
      {
        openai: '6.49.0',
        langsmith: '0.12.0',
        '@opentelemetry/context-async-hooks': '2.6.1',
        '@opentelemetry/exporter-trace-otlp-proto': '0.219.0',
        '@opentelemetry/sdk-trace-base': '2.6.1',
        ...spans,
      },
      'openai-langsmith',
      chat,
      'LangSmith',
      { ...sdk, ...hiding },
    ),
    traced({ genkit: '1.42.0', '@genkit-ai/compat-oai': '1.42.0' }, 'genkit', chat, 'Genkit', {
      ...sdk,
      situations: ['tool'],
    }),
  ]
}

function traced(
  packages: PackageEntry['packages'],
  app: string,
  api: string,
  by: string,
  details: Details & { readonly hasSdk?: boolean } = {},
): PackageEntry {
  const { hasSdk = false, ...rest } = details
  return entry(packages, app, api, { ...failing, ...rest, tracing: { by, hasSdk } })
}

function langchainEntry(
  provider: PackageEntry['packages'],
  app: string,
  api: string,
  details: Details = {},
): PackageEntry {
  const packages = { langchain: '1.5.14', ...provider, '@langchain/core': '1.4.0' }
  return entry(packages, app, api, details)
}

/** The AI SDK in one version, with three of its providers. */
function aiSdkEntries(
  ai: string,
  { openai, anthropic, google }: Readonly<Record<'openai' | 'anthropic' | 'google', string>>,
  zodVersion: string = zod,
): readonly PackageEntry[] {
  const isOld = ai.startsWith('4.')
  return [
    entry(
      { ai, '@ai-sdk/openai': openai, zod: zodVersion },
      'ai-sdk-openai',
      isOld ? chat : responses,
      isOld ? without('failing tool') : ai.startsWith('7.') ? failing : hiding,
    ),
    entry(
      { ai, '@ai-sdk/anthropic': anthropic, zod: zodVersion },
      'ai-sdk-anthropic',
      messages,
      isOld ? without('failing tool') : failing,
    ),
    entry({ ai, '@ai-sdk/google': google, zod: zodVersion }, 'ai-sdk-google', gemini),
  ]
}

/** `fetch` needs no package. */
export function nameOf({ packages, tracing }: PackageEntry): string {
  const shown = Object.entries(packages)
    .filter(([name]) => !isHelper(name))
    .map(([name, version]) => `${name} ${version}`)
  const [first = 'fetch', ...others] = shown
  const name = others.length === 0 ? first : `${first} with ${others.join(' and ')}`
  if (tracing === undefined) return name
  return `${name}; traces: ${tracing.by}${tracing.hasSdk ? ', with an SDK' : ''}`
}

/** Packages that others need, and that do not speak to a model. */
function isHelper(name: string): boolean {
  return name === 'zod' || name === '@langchain/core' || name.startsWith('@opentelemetry/')
}

export const runs: readonly Run[] = entries.flatMap((entry) =>
  entry.nodes.flatMap((node) =>
    entry.loaders.flatMap((loader) =>
      entry.modes.flatMap((mode) =>
        entry.situations
          .filter((situation) => isRun(situation, { entry, loader, mode, node }))
          .map((situation) => ({
            id: `${nameOf(entry)}, ${entry.api}, ${loader}, ${mode}, Node ${node}${situation === 'tool' ? '' : `, ${situation}`}`,
            entry,
            loader,
            mode,
            node,
            situation,
          })),
      ),
    ),
  ),
)

/** What fails is run in one form of each app: the first one, as a stream if it has that. Only a stream can be stopped. */
function isRun(
  situation: Situation,
  { entry, loader, mode, node }: Omit<Run, 'id' | 'situation'>,
): boolean {
  if (situation === 'tool') return true
  const isFirst = loader === entry.loaders[0] && node === entry.nodes[0]
  return isFirst && mode === entry.modes.at(-1)
}
