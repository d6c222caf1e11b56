import { expect, test } from 'vitest'
import { startChat, turnTrees } from '../support/chat.ts'
import type { ApiRequest } from '../support/messages-api.ts'
import type { Recorded, RecordedSpan } from '../support/recorded.ts'

const tools = [
  { id: 't1', name: 'write', input: { path: 'a' } },
  { id: 't2', name: 'write', input: { path: 'b' } },
]

function answer({ messages }: ApiRequest) {
  const [first] = messages
  const isAnswered = messages.length > 1 || first?.content === 'no tools'
  return isAnswered ? { text: 'Answer.' } : { tools }
}

async function record(kind: string, env: Readonly<Record<string, string>> = {}) {
  await using chat = await startChat({ program: 'traced-host.ts', answer, env })
  await chat.post('please', { client: kind })
  return chat.recorded()
}

/** What the spans of the turns tell of, as the receiver counts it. */
function operationsIn({ spans }: Recorded): readonly string[] {
  return spans
    .flatMap(({ attributes }) => {
      const operation = attributes['gen_ai.operation.name']
      if (operation === undefined || attributes['turnlog.agent.in_turn'] === true) return []
      return [String(operation)]
    })
    .sort()
}

const expected = ['chat', 'chat', 'execute_tool', 'execute_tool', 'invoke_agent']

function nativeIn({ spans }: Recorded): readonly RecordedSpan[] {
  return spans.filter(({ scope }) => scope !== '@turnlog/instrumentation')
}

/** The tool call that each file belongs to. */
function callsOfFiles({ spans }: Recorded): Readonly<Record<string, unknown>> {
  const files = spans.filter(({ attributes }) => attributes['file.path'] !== undefined)
  return Object.fromEntries(
    files.map(({ attributes, parentSpanId }) => {
      const call = spans.find(({ spanId }) => spanId === parentSpanId)
      return [attributes['file.path'], call?.attributes['gen_ai.tool.call.id']]
    }),
  )
}

test.each(['ai-sdk', 'openinference', 'genkit', 'gen-ai'])(
  'spans in the dialect %s are in the one turn, and nothing is counted twice',
  async (kind) => {
    const recorded = await record(kind)
    expect(operationsIn(recorded)).toEqual(expected)
    expect(new Set(recorded.spans.map(({ traceId }) => traceId)).size).toBe(1)
    expect(nativeIn(recorded).length).toBeGreaterThan(2)
  },
)

test.each(['ai-sdk', 'gen-ai'])(
  'a file that no argument names belongs to the call in whose span it is written (%s)',
  async (kind) => {
    expect(callsOfFiles(await record(kind))).toEqual({ 'by-t1.txt': 't1', 'by-t2.txt': 't2' })
  },
)

test("a call's times are those of its library's span", async () => {
  const { spans } = await record('ai-sdk')
  const [first] = spans.filter(({ name }) => name.startsWith('chat'))
  for (const call of spans.filter(({ name }) => name === 'execute_tool write')) {
    expect(call.attributes['turnlog.tool_call.inferred']).toBe(false)
    expect(call.startMs).toBeGreaterThanOrEqual(Math.floor(first?.endMs ?? 0))
    expect(call.attributes['gen_ai.tool.call.result']).toBe('done')
  }
})

test('the conversation of a turn is the one that its spans name, if the request names none', async () => {
  const { spans } = await record('ai-sdk')
  const turn = spans.find(({ name }) => name.startsWith('invoke_agent'))
  expect(turn?.attributes['gen_ai.conversation.id']).toBe('c-1')
})

test('spans of a provider that the app does not register are not ours, and nothing is recorded below them', async () => {
  const recorded = await record('gen-ai', { TRACER: 'own' })
  expect(nativeIn(recorded)).toEqual([])
  expect(turnTrees(recorded)).toEqual([
    [
      'turn',
      '  chat',
      '  execute_tool write',
      '    file.create by-t1.txt',
      '  execute_tool write',
      '    file.create by-t2.txt',
      '  chat',
    ].join('\n'),
  ])
  expect(callsOfFiles(recorded)).toEqual({ 'by-t1.txt': 't1', 'by-t2.txt': 't2' })
})

test('a tool call that only a library tells of is one, with its file', async () => {
  const recorded = await record('own tool')
  expect(operationsIn(recorded)).toEqual(['chat', 'execute_tool', 'invoke_agent'])
  const call = recorded.spans.find(({ name }) => name === 'execute_tool own')
  const file = recorded.spans.find(({ attributes }) => attributes['file.path'] === 'own.txt')
  expect(file?.parentSpanId).toBe(call?.spanId)
})
