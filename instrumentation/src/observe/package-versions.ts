/**
 * The versions of packages that speak to models, or trace those that do: those in the `node_modules` of the program's folder
 * and of the folders above, and copies of undici and of OpenTelemetry's API wherever they are loaded from. It takes a
 * millisecond or two.
 */
import { createRequire } from 'node:module'
import * as path from 'node:path'
import { asString, parseObject } from '@turnlog/conventions/plain'
import { attempt, originalFs } from '../file-system.ts'

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
  const folders = packageFolders()
  const found = new Map<string, Set<string>>()
  const add = (name: string, manifest: string | undefined): void => {
    const version = manifest === undefined ? undefined : versionIn(manifest)
    if (version !== undefined) found.set(name, (found.get(name) ?? new Set()).add(version))
  }
  for (const name of named) add(name, manifestOf(name, folders))
  for (const [folder, name] of loadedCopies()) add(`${name}, loaded`, `${folder}/package.json`)
  return Object.fromEntries([...found].map(([name, versions]) => [name, [...versions].join(', ')]))
}

/** Each `node_modules` in which the program's own modules look for a package, the nearest first. */
function packageFolders(): readonly string[] {
  const [, program] = process.argv
  if (program === undefined) return []
  const folders: string[] = []
  const first = path.dirname(attempt(() => originalFs.realpathSync(program)) ?? program)
  for (let folder = first; ; folder = path.dirname(folder)) {
    const packages = path.join(folder, 'node_modules')
    if (originalFs.existsSync(packages)) folders.push(packages)
    if (folder === path.dirname(folder)) return folders
  }
}

function manifestOf(name: string, folders: readonly string[]): string | undefined {
  return folders
    .map((folder) => path.join(folder, name, 'package.json'))
    .find((manifest) => originalFs.existsSync(manifest))
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

function versionIn(manifest: string): string | undefined {
  const text = attempt(() => originalFs.readFileSync(manifest, 'utf8'))
  return text === undefined ? undefined : asString(parseObject(text)?.version)
}
