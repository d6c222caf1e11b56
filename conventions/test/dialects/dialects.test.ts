/**
 * The dialects recognise spans that real libraries have made. `instrumentation/test/packages/record-dialects.ts` runs the libraries and
 * writes their spans to `spans.json`. If our instrumentation had inferred a tool call, the span there is ours, with the library's
 * attributes.
 */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { toldBy } from '../../src/dialects/dialects.ts'
import type { ToldSpan } from '../../src/dialects/span-role.ts'

interface RecordedSpan {
  readonly name: string
  readonly scope: string
  readonly attributes: Readonly<Record<string, unknown>>
}

const recorded: Readonly<Record<string, readonly RecordedSpan[]>> = JSON.parse(
  readFileSync(new URL('spans.json', import.meta.url), 'utf8'),
)

function toldOf({ name, scope, attributes }: RecordedSpan): ToldSpan | undefined {
  return toldBy({ name, scope, get: (attribute) => attributes[attribute] })
}

/** By package, what each of its spans is. */
function rolesOf(name: string): Readonly<Record<string, string | undefined>> {
  const [, spans = []] = Object.entries(recorded).find(([key]) => key.includes(name)) ?? []
  return Object.fromEntries(spans.map((span) => [span.name, toldOf(span)?.role]))
}

test.each(['ai 4.', 'ai 5.', 'ai 6.'])('AI SDK: %s', (version) => {
  expect(rolesOf(version)).toEqual({
    'ai.generateText': 'agent',
    'ai.generateText.doGenerate': 'model_call',
    'execute_tool write_file': 'tool_call',
  })
})

test('AI SDK 7 follows the GenAI convention', () => {
  expect(rolesOf('ai 7.')).toEqual({
    'invoke_agent model-of-the-test': 'agent',
    'step 1': 'step',
    'step 2': 'step',
    'chat model-of-the-test': 'model_call',
    'execute_tool write_file': 'tool_call',
  })
})

test('OpenInference of LangChain', () => {
  expect(rolesOf('traces: OpenInference')).toEqual({
    __start__: 'step',
    LangGraph: 'step',
    RunnableLambda: 'step',
    model_request: 'step',
    tools: 'step',
    ChatOpenAI: 'model_call',
    write_file: 'tool_call',
  })
})

test('Strands', () => {
  expect(rolesOf('traces: Strands')).toEqual({
    'invoke_agent Writer': 'agent',
    execute_agent_loop_cycle: undefined,
    chat: 'model_call',
    'execute_tool write_file': 'tool_call',
  })
})

test('Mastra', () => {
  expect(rolesOf('traces: @mastra')).toEqual({
    'invoke_agent Writer': 'agent',
    'chat model-of-the-test': 'model_call',
    'model_step Writer': 'step',
    'model_inference Writer': 'step',
    'model_chunk Writer': 'step',
    'execute_tool write_file': 'tool_call',
  })
})

test("Mastra's spans name themselves before they have attributes", () => {
  const atStart = (name: string) => toldOf({ name, scope: '@mastra/otel-bridge', attributes: {} })
  expect(atStart("agent run: 'writer'")).toEqual({ role: 'agent' })
  expect(atStart("tool: 'write_file'")).toEqual({ role: 'tool_call', call: { name: 'write_file' } })
  expect(atStart("llm: 'm'")).toEqual({ role: 'step' })
})

test('OpenLLMetry, Langfuse, LangSmith and Genkit', () => {
  expect(rolesOf('traces: Traceloop')).toEqual({
    'writer.workflow': 'agent',
    'chat model-of-the-test': 'model_call',
    'write_file.tool': 'tool_call',
  })
  expect(rolesOf('traces: Langfuse')).toEqual({
    writer: 'agent',
    'OpenAI.chat': 'model_call',
    write_file: 'tool_call',
  })
  expect(rolesOf('traces: LangSmith')).toEqual({
    writer: 'step',
    ChatOpenAI: 'model_call',
    write_file: 'tool_call',
  })
  expect(rolesOf('traces: Genkit')).toEqual({
    generate: 'step',
    'local/model-of-the-test': 'model_call',
    write_file: 'tool_call',
  })
})

test('every tool call has its name; most have their arguments and their result, too', () => {
  const calls = Object.entries(recorded).flatMap(([name, spans]) =>
    spans.flatMap((span) => {
      const told = toldOf(span)
      return told?.role === 'tool_call' ? [{ by: name.split('; traces: ')[1], ...told.call }] : []
    }),
  )
  expect(calls).toHaveLength(Object.keys(recorded).length - 1)
  expect(new Set(calls.map(({ name }) => name))).toEqual(new Set(['write_file']))
  const without = (member: 'arguments' | 'result') =>
    calls.flatMap((call) =>
      typeof call[member] === 'string' && call[member] !== '' ? [] : [call.by],
    )
  expect({ arguments: without('arguments'), result: without('result') }).toEqual({
    arguments: ['Traceloop, with an SDK', 'LangSmith, with an SDK'],
    result: ['Langfuse', 'LangSmith, with an SDK'],
  })
})

test('a span of no dialect tells nothing', () => {
  expect(toldOf({ name: 'GET /', scope: 'http', attributes: { 'http.method': 'GET' } })).toBe(
    undefined,
  )
})
