/**
 * Some of the runs of `npm run test:models`: what they show is what `outcomes.json` says. They need packages from npm; if
 * they are not in the cache and npm's registry does not answer, the runs are skipped, and a line says so.
 */
import { expect, test } from 'vitest'
import { askRegistry } from '../../../packaging/test/support/project.ts'
import { ChangeStore } from '../../src/changes/store.ts'
import { makeWorkspace } from '../support/workspace.ts'
import { aspects, faultsOf } from './compare-records.ts'
import { isInstalled } from './install.ts'
import { outcomeOf, readOutcomes } from './outcomes.ts'
import { type Run, runs } from './packages.ts'

const sample = runs.filter(({ id }) =>
  [
    'fetch, OpenAI Chat Completions, ESM, stream, Node 24',
    'node-fetch 2.7.0, OpenAI Chat Completions, CJS, stream, Node 24',
    'openai 7.59.0, OpenAI Responses, ESM, stream, Node 24',
    '@anthropic-ai/sdk 0.22.0, Anthropic Messages, CJS, JSON, Node 24',
    '@google/genai 3.3.0, Gemini, ESM, stream, Node 24',
    '@aws-sdk/client-bedrock-runtime 3.1164.0, Bedrock Converse over HTTP/2, CJS, stream, Node 24',
    'ollama 0.6.4, Ollama, ESM, stream, Node 24',
    'ai 5.0.277 with @ai-sdk/openai 2.0.131; traces: experimental_telemetry, OpenAI Responses, CJS, stream, Node 24',
    'langchain 1.5.14 with @langchain/openai 1.6.0 and @arizeai/openinference-instrumentation-langchain 4.1.1; traces: OpenInference, OpenAI Chat Completions, ESM, JSON, Node 24',
    'openai 6.49.0 with @traceloop/node-server-sdk 0.27.0; traces: Traceloop, with an SDK, OpenAI Chat Completions, ESM, stream, Node 24',
    'openai 7.59.0, OpenAI Responses, ESM, stream, Node 24, abort',
    '@google/genai 3.3.0, Gemini, ESM, stream, Node 24, refusal',
    'ai 5.0.277 with @ai-sdk/openai 2.0.131; traces: experimental_telemetry, OpenAI Responses, ESM, stream, Node 24, failing tool',
    'ai 5.0.277 with @ai-sdk/openai 2.0.131; traces: experimental_telemetry, OpenAI Responses, ESM, stream, Node 24, retry',
    'langchain 1.5.14 with @langchain/openai 1.6.0 and @arizeai/openinference-instrumentation-langchain 4.1.1; traces: OpenInference, OpenAI Chat Completions, ESM, stream, Node 24, two tools',
  ].includes(id),
)
const outcomes = readOutcomes()
const registry = sample.every(({ entry }) => isInstalled(entry))
  ? { status: 'ok' as const }
  : await askRegistry(process.env)
if (registry.status === 'missing') {
  console.log(`Skipped: ${registry.reason} Only packages in the cache are run.`)
}

test('the sample has fifteen runs', () => {
  expect(sample).toHaveLength(15)
})

test.for(sample)('$id: the outcome is the one in outcomes.json', async (run, { skip }) => {
  skip(!canRun(run), 'The packages are not in the cache.')
  const { notWhole, missing } = await outcomeOf(run)
  const expected = outcomes[run.id]
  expect(Object.keys(notWhole)).toEqual(Object.keys(expected?.notWhole ?? {}))
  expect(missing).toEqual(expected?.missing)
})

function canRun({ entry }: Run): boolean {
  return registry.status === 'ok' || isInstalled(entry)
}

test('every run has an outcome, and there are no others', () => {
  expect(Object.keys(outcomes)).toEqual(runs.map(({ id }) => id))
})

test('no two runs have the same id', () => {
  expect(new Set(runs.map(({ id }) => id)).size).toBe(runs.length)
})

test('an app of which nothing is recorded is whole in nothing', () => {
  using workspace = makeWorkspace()
  const store = new ChangeStore({ directory: workspace.spool })
  const faults = faultsOf({ spans: [], logs: [] }, store)
  expect(Object.keys(faults)).toEqual(aspects.filter((aspect) => aspect !== 'host'))
})
