/**
 * The versions of packages that speak to models, or trace those that do: those in the `node_modules` of the program's folder
 * and of the folders above, and copies of undici and of OpenTelemetry's API wherever they are loaded from. It takes a
 * few milliseconds.
 */
import { createRequire } from 'node:module'
import { asString } from '@turnlog/conventions/plain'
import { findPackage, folderOfProgram, manifestIn } from './program-packages.ts'

const named = [
  '@anthropic-ai/bedrock-sdk',
  '@anthropic-ai/claude-agent-sdk',
  '@anthropic-ai/sdk',
  '@anthropic-ai/vertex-sdk',
  '@aws-sdk/client-bedrock-runtime',
  '@google-cloud/vertexai',
  '@google/genai',
  '@google/generative-ai',
  '@langchain/core',
  '@langchain/langgraph',
  '@mastra/core',
  '@mistralai/mistralai',
  '@openai/agents',
  '@strands-agents/sdk',
  '@tanstack/ai',
  'ai',
  'cohere-ai',
  'genkit',
  'groq-sdk',
  'langchain',
  'langfuse',
  'langsmith',
  'llamaindex',
  'ollama',
  'openai',
]

/** Of these a copy counts once it is loaded, since apps often have several, also under names such as `undici6`. */
const copied = /^(.*[\\/]node_modules[\\/](undici\d*|@opentelemetry[\\/]api))[\\/]/

export function packageVersions(): Readonly<Record<string, string>> {
  const program = folderOfProgram()
  const found = new Map<string, Set<string>>()
  const add = (name: string, manifest: Readonly<Record<string, unknown>> | undefined): void => {
    const version = asString(manifest?.version)
    if (version !== undefined) found.set(name, (found.get(name) ?? new Set()).add(version))
  }
  if (program !== undefined) {
    for (const name of named) add(name, findPackage(name, program)?.manifest)
  }
  for (const [folder, name] of loadedCopies()) add(`${name}, loaded`, manifestIn(folder))
  return Object.fromEntries([...found].map(([name, versions]) => [name, [...versions].join(', ')]))
}

/** Only CommonJS modules are known; both packages are such, also where they are imported. */
function loadedCopies(): ReadonlyMap<string, string> {
  const copies = new Map<string, string>()
  for (const file of Object.keys(createRequire(import.meta.url).cache)) {
    const [, folder, name] = copied.exec(file) ?? []
    if (folder !== undefined && name !== undefined)
      copies.set(folder, name.startsWith('undici') ? 'undici' : '@opentelemetry/api')
  }
  return copies
}
