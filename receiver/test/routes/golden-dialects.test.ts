/** Captured spans of well-known instrumentations: the views show what a person expects. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  type Attributes,
  type Json,
  nanoseconds,
  newSpanId,
  newTraceId,
  post,
  span,
  traceRequest,
} from '../../../test/support/otlp.ts'
import { withReceiver } from '../../../test/support/receiver.ts'

/** `$+n` is n nanoseconds after the first span. */
function golden(name: string): Json {
  const text = readFileSync(new URL(`golden/${name}.json`, import.meta.url), 'utf8')
  const start = BigInt(Date.now()) * 1_000_000n
  return JSON.parse(text.replaceAll(/\$\+(\d+)/g, (_, after) => String(start + BigInt(after))))
}

async function land(requests: readonly Json[]) {
  const { database, receiver } = await withReceiver()
  for (const request of requests) {
    expect(await (await post(receiver, 'traces', request)).json()).toEqual({})
  }
  return database
}

const text = (role: string, content: string) => ({ role, parts: [{ type: 'text', content }] })
const asked = text('user', 'What is 2+3?')

/** Each app was given the same task: two model calls, and between them one call of the tool `add`. */
test.each([
  { name: 'openinference-langchain', agent: 'Agent', calls: 2, input: 162, cacheWrite: 50 },
  // Anthropic's SDK sends its own spans; nothing links them to the framework's spans of the same calls.
  { name: 'openllmetry-langchain', agent: 'Agent', calls: 4, input: 162, cacheWrite: 50 },
  // It counts cached tokens separately.
  { name: 'vercel-ai-5', agent: 'calc', calls: 2, input: 12, cacheWrite: null },
])(
  '$name: its turn, model calls and tool call',
  async ({ name, agent, calls: count, input, cacheWrite }) => {
    await using database = await land([golden(name)])
    expect(await database.query('select * from turns')).toMatchObject([
      {
        agent,
        session_id: 's-1',
        prompt: 'What is 2+3?',
        answer: 'It is 5.',
        model_calls: count,
        tool_calls: 1,
        input_tokens: input * count,
        output_tokens: 7 * count,
      },
    ])
    const calls = await database.query(
      `select m.* from model_calls m join turns t using (team_id, trace_id)
      where m.input_messages is not null
      order by m.started_at`,
    )
    const messages = calls.map(({ input_messages, output_messages }) => [
      JSON.parse(String(input_messages)),
      JSON.parse(String(output_messages)),
    ])
    const one = { input_tokens: input, output_tokens: 7, cache_write_tokens: cacheWrite }
    expect(calls).toMatchObject([one, one])
    expect(messages[0]?.[0]).toContainEqual(asked)
    expect(messages[0]?.[1]).toMatchObject([
      {
        role: 'assistant',
        parts: expect.arrayContaining([
          expect.objectContaining({ type: 'tool_call', id: 'toolu_1', name: 'add' }),
        ]),
      },
    ])
    expect(messages[1]?.[1]).toMatchObject([text('assistant', 'It is 5.')])
    const [tool] = await database.query('select tool, arguments, result from tool_calls')
    expect(tool).toMatchObject({
      tool: 'add',
      arguments: expect.stringMatching(/"a": ?2/),
      result: expect.stringContaining('5'),
    })
  },
)

test('messages that older versions of OpenLLMetry flatten into attributes become messages again', async () => {
  const attributes: Attributes = {
    'llm.request.type': 'chat',
    'gen_ai.system': 'OpenAI',
    'gen_ai.request.model': 'gpt-4o',
    'gen_ai.usage.prompt_tokens': 9,
    'gen_ai.prompt.1.role': 'assistant',
    'gen_ai.prompt.1.tool_calls.0.id': 'c-1',
    'gen_ai.prompt.1.tool_calls.0.name': 'add',
    'gen_ai.prompt.1.tool_calls.0.arguments': '{"a":12345678901234567890}',
    'gen_ai.prompt.10.role': 'user',
    'gen_ai.prompt.10.content': 'And now?',
    'gen_ai.prompt.2.role': 'tool',
    'gen_ai.prompt.2.tool_call_id': 'c-1',
    'gen_ai.prompt.2.content': '5',
    'gen_ai.prompt.0.role': 'user',
    'gen_ai.prompt.0.content': 'What is 2+3?',
    'gen_ai.prompt.0.content.extra': 'a name below a value',
    'gen_ai.completion.0.role': 'assistant',
    'gen_ai.completion.0.content': 'Six.',
    'gen_ai.completion.0.finish_reason': 'stop',
  }
  await using database = await land([traceRequest([span(attributes)])])
  const [call] = await database.query('select * from model_calls')
  expect(call).toMatchObject({ provider: 'OpenAI', request_model: 'gpt-4o', input_tokens: 9 })
  const call1 = { id: 'c-1', name: 'add', arguments: '{"a":12345678901234567890}' }
  expect(JSON.parse(String(call?.input_messages))).toEqual([
    asked,
    { role: 'assistant', parts: [{ type: 'tool_call', ...call1 }] },
    { role: 'tool', parts: [{ type: 'tool_call_response', id: 'c-1', response: '5' }] },
    text('user', 'And now?'),
  ])
  expect(JSON.parse(String(call?.output_messages))).toEqual([
    { ...text('assistant', 'Six.'), finish_reason: 'stop' },
  ])
})

test.each<[string, Attributes]>([
  ['no JSON', { 'ai.operationId': 'ai.generateText', 'ai.prompt': '{"prompt":' }],
  [
    'nested deeply',
    { 'ai.operationId': 'ai.generateText.doGenerate', 'ai.prompt.messages': '['.repeat(1_000) },
  ],
  [
    'deep, and JSON',
    {
      'ai.operationId': 'ai.generateText.doGenerate',
      'ai.prompt.messages': `${'['.repeat(500)}${']'.repeat(500)}`,
    },
  ],
  ['another kind', { 'openinference.span.kind': 'RERANKER', 'input.value': 'x' }],
  ['no text', { 'openinference.span.kind': 7 }],
  [
    'an operation already',
    { 'openinference.span.kind': 'LLM', 'gen_ai.operation.name': 'embeddings' },
  ],
])('a span of a dialect that cannot be read lands unchanged: %s', async (_name, attributes) => {
  await using database = await land([traceRequest([span(attributes)])])
  expect(await database.query('select attributes from spans')).toEqual([{ attributes }])
})

test('GenAI’s own attributes take precedence, and every sent attribute stays', async () => {
  const attributes: Attributes = {
    'openinference.span.kind': 'TOOL',
    'tool.name': 'theirs',
    'gen_ai.tool.name': 'ours',
    'input.value': '{}',
  }
  await using database = await land([traceRequest([span(attributes)])])
  expect(await database.query('select tool, arguments from tool_calls')).toEqual([
    { tool: 'ours', arguments: '{}' },
  ])
  const [row] = await database.query('select attributes from spans')
  expect(row).toMatchObject({ attributes: { ...attributes, 'turnlog.dialect': 'openinference' } })
})

test('a framework’s model call and its SDK’s directly below are one call, whichever arrives first', async () => {
  const traceId = newTraceId()
  const [agent, outer, inner] = [newSpanId(), newSpanId(), newSpanId()]
  const chat = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.usage.input_tokens': 10,
    'gen_ai.usage.output_tokens': 1,
  }
  // All start at one time: the outer span of a call must not start after the inner one.
  const common = { traceId, startTimeUnixNano: nanoseconds() }
  const spans = [
    span(chat, { ...common, spanId: inner, parentSpanId: outer }),
    span(chat, { ...common, spanId: outer, parentSpanId: agent }),
    span(
      { 'gen_ai.operation.name': 'invoke_agent', 'session.id': 's-1' },
      { ...common, spanId: agent },
    ),
    // A model call inside a tool call is a separate call.
    span(
      { 'gen_ai.operation.name': 'execute_tool' },
      { ...common, spanId: 'aa'.repeat(8), parentSpanId: outer },
    ),
    span(chat, { ...common, parentSpanId: 'aa'.repeat(8) }),
  ]
  await using database = await land(
    spans.map((one) => traceRequest([one], { 'session.id': 's-1' })),
  )
  expect(
    await database.query('select model_calls, input_tokens, output_tokens from turns'),
  ).toEqual([{ model_calls: 2, input_tokens: 20, output_tokens: 2 }])
  expect(
    await database.query('select count(*)::int from model_calls where span_id = $1', [inner]),
  ).toEqual([{ count: 0 }])
  expect(await database.query('select model_calls from sessions')).toEqual([{ model_calls: 2 }])
})

test('model calls that are their own or each other’s parents stay in the view', async () => {
  const traceId = newTraceId()
  const [one, two, three] = [newSpanId(), newSpanId(), newSpanId()]
  const chat = { 'gen_ai.operation.name': 'chat' }
  await using database = await land([
    traceRequest([
      span(chat, { traceId, spanId: one, parentSpanId: two }),
      span(chat, { traceId, spanId: two, parentSpanId: one }),
      span(chat, { traceId, spanId: three, parentSpanId: three }),
    ]),
  ])
  expect(await database.query('select span_id from model_calls')).toHaveLength(3)
})

test('what the sender has counted elsewhere is not counted here', async () => {
  const traceId = newTraceId()
  const [turn, handler, agent, call] = [newSpanId(), newSpanId(), newSpanId(), newSpanId()]
  const spans = [
    span({ 'gen_ai.operation.name': 'invoke_agent' }, { traceId, spanId: turn }),
    // A span of the app between the two has no operation.
    span({}, { traceId, spanId: handler, parentSpanId: turn }),
    span(
      { 'ai.operationId': 'ai.generateText', 'turnlog.agent.in_turn': true },
      { traceId, spanId: agent, parentSpanId: handler },
    ),
    span(
      { 'ai.operationId': 'ai.generateText.doGenerate', 'turnlog.repeated_operation': 'chat' },
      { traceId, spanId: call, parentSpanId: agent },
    ),
    span({ 'gen_ai.operation.name': 'chat' }, { traceId, parentSpanId: call }),
    span(
      { 'openinference.span.kind': 'TOOL', 'turnlog.repeated_operation': 'execute_tool' },
      { traceId, parentSpanId: agent },
    ),
    span({ 'gen_ai.operation.name': 'execute_tool' }, { traceId, parentSpanId: turn }),
  ]
  await using database = await land([traceRequest(spans)])
  expect(await database.query('select span_id, model_calls, tool_calls from turns')).toEqual([
    { span_id: turn, model_calls: 1, tool_calls: 1 },
  ])
})
