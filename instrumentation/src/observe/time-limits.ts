/**
 * Whether a request is being ended by a time limit. `AbortSignal.timeout` says so itself. SDKs and HTTP clients that have a `timeout`
 * mostly abort from a timer of their own, and then give the same reason as one whose user presses Esc. So the stack is looked at, in
 * the moment of the end: it is a time limit if a timer runs, and no function other than those of Node and of such libraries has a
 * part in it. In an app that is bundled with its SDK, or that aborts from a timer of its own, this is not known: it counts as stopped.
 */
import * as util from 'node:util'
import { isOwnFile } from './own-frames.ts'

/** A deeper stack is not that of a timer which does nothing else. */
const framesMax = 64

const libraries = [
  '@ai-sdk/[\\w-]+',
  '@anthropic-ai/(?:aws-|bedrock-|foundry-|vertex-)?sdk',
  '@aws-sdk/[\\w-]+',
  '@google/(?:genai|generative-ai)',
  '@google-cloud/vertexai',
  '@langchain/[\\w-]+',
  '@mistralai/[\\w-]+',
  '@smithy/[\\w-]+',
  'abort-controller',
  'agentkeepalive',
  'ai',
  'axios',
  'cohere-ai',
  'event-target-shim',
  'follow-redirects',
  'gaxios',
  'got',
  'groq-sdk',
  'ky',
  'node-fetch',
  'ollama',
  'openai',
  'superagent',
  'undici\\d*',
]
const inLibrary = new RegExp(`^(?:${libraries.join('|')})/`)
const folderOfPackages = 'node_modules/'
const taskQueue = 'node:internal/process/task_queues'

/** Called where a request is stopped. */
export function isTimeLimit(): boolean {
  const sites = util.getCallSites(framesMax, { sourceMap: false })
  const isInTimer = sites.some(({ functionName }) => functionName === 'listOnTimeout')
  // What has waited for a promise may go on while Node runs its timers.
  const isAfterWait = sites.some(({ scriptName }) => scriptName === taskQueue)
  return isInTimer && !isAfterWait && sites.every(({ scriptName }) => isOfLibrary(scriptName))
}

/** Functions that are built in have no file. */
function isOfLibrary(file: string): boolean {
  return file === '' || file.startsWith('node:') || isOwnFile(file) || isLibrary(file)
}

function isLibrary(file: string): boolean {
  const path = file.replaceAll('\\', '/')
  const at = path.lastIndexOf(folderOfPackages)
  return at !== -1 && inLibrary.test(path.slice(at + folderOfPackages.length))
}
