import { expect, test } from 'vitest'
import { isTurn, startChat, textOf, turnTrees } from '../support/chat.ts'
import { lastText } from '../support/messages-api.ts'
import { runProgram } from '../support/observed-program.ts'
import { type RecordedSpan, readRecorded } from '../support/recorded.ts'
import { makeWorkspace } from '../support/workspace.ts'

const isCall = ({ attributes }: RecordedSpan): boolean =>
  attributes['gen_ai.operation.name'] === 'chat'

test('retries of an SDK are attempts of one call', async () => {
  let count = 0
  await using chat = await startChat({
    answer: () => (++count < 3 ? { status: 529 } : { text: 'At last.' }),
  })
  await chat.post('hello')
  const recorded = await chat.recorded()
  expect(turnTrees(recorded)).toEqual(['turn\n  chat'])
  const call = recorded.spans.find(isCall)
  expect(call?.attributes).toMatchObject({
    'turnlog.model_call.attempt': 3,
    'http.response.status_code': 200,
  })
  expect(textOf(call, 'gen_ai.output.messages')).toBe('At last.')
  expect(recorded.spans.find(isTurn)?.attributes['turnlog.turn.outcome']).toBe('completed')
})

test('an answer that breaks off has what came and why it ended', async () => {
  const clients = ['sdk', 'sdk-stream', 'fetch', 'http']
  await using chat = await startChat({
    env: { RETRIES: '0' },
    answer: () => ({ text: 'Half of it.', breaks: true }),
  })
  for (const client of clients) await chat.post('hello', { client })
  const { spans } = await chat.recorded()
  const calls = spans.filter(isCall)
  expect(calls).toHaveLength(clients.length)
  for (const call of calls) {
    expect(call.status).toBe(2)
    expect(call.attributes['error.type']).toEqual(expect.any(String))
  }
  for (const turn of spans.filter(isTurn)) {
    expect(turn.attributes['turnlog.turn.outcome']).toBe('failed')
  }
  expect(textOf(calls[1], 'gen_ai.output.messages')).toBe('Half o')
})

test('a stream that ends in an error of the API is a failed call, and its turn a failed turn', async () => {
  const clients = ['sdk-stream', 'sdk-create-stream']
  await using chat = await startChat({
    env: { RETRIES: '0' },
    answer: () => ({ text: 'Half of it.', fails: true }),
  })
  for (const client of clients) await chat.post('hello', { client })
  const { spans } = await chat.recorded()
  for (const call of spans.filter(isCall)) {
    expect(call).toMatchObject({ status: 2, attributes: { 'error.type': 'overloaded_error' } })
    expect(textOf(call, 'gen_ai.output.messages')).toBe('Half of it.')
  }
  const turns = spans.filter(isTurn)
  expect(turns.map(({ attributes }) => attributes['turnlog.turn.outcome'])).toEqual([
    'failed',
    'failed',
  ])
})

test('a request that is answered before it has ended still closes the tools it answers', async () => {
  await using chat = await startChat({
    client: 'http-late-end',
    answer: (request) =>
      lastText(request) === ''
        ? { text: 'Waited.' }
        : { tools: [{ id: 'tu_1', name: 'wait', input: { ms: 1 } }] },
  })
  await chat.post('hello')
  const { spans } = await chat.recorded()
  const tool = spans.find(({ name }) => name === 'execute_tool wait')
  expect(tool?.attributes['gen_ai.tool.call.result']).toBe('done')
  expect(tool?.attributes).not.toHaveProperty('turnlog.tool_call.unfinished')
})

test('tools that the SDK runs are one call each, with the right files', async () => {
  await using chat = await startChat({
    program: 'tool-runner.ts',
    answer: (request) => {
      if (lastText(request) === '') return { text: 'Both ran.' }
      const tools = ['alpha', 'beta'].map((name) => ({
        id: `tu_${name}_${request.stream}`,
        name,
        input: { text: name === 'beta' ? 'fail' : 'fine' },
      }))
      return { text: 'I use them.', tools }
    },
  })
  await fetch(`http://${chat.address}/`)
  await fetch(`http://${chat.address}/stream`)
  const recorded = await chat.recorded()
  const tools = recorded.spans.filter(({ name }) => name.startsWith('execute_tool'))
  expect(tools.map(({ name, status }) => [name, status])).toEqual([
    ['execute_tool alpha', 1],
    ['execute_tool beta', 2],
    ['execute_tool alpha', 1],
    ['execute_tool beta', 2],
  ])
  expect(recorded.spans.some(({ name }) => name.startsWith('anthropic.custom_tool_use'))).toBe(
    false,
  )
  for (const { spanId, name, attributes } of tools) {
    const [, tool] = name.split(' ')
    const files = recorded.spans.filter((span) => span.parentSpanId === spanId)
    expect(files.map((file) => file.attributes['file.path'])).toEqual([`${tool}.txt`])
    expect(attributes['gen_ai.tool.call.result']).toContain(
      tool === 'alpha' ? 'alpha done' : 'beta failed',
    )
  }
  const turns = recorded.spans.filter(isTurn)
  expect(turns).toHaveLength(2)
  expect(recorded.spans.filter(isCall)).toHaveLength(4)
})

/** The program makes every kind of model call once outside a turn and once inside one. */
test('each request is one call, with its own outcome', async () => {
  using workspace = makeWorkspace()
  const { code } = await runProgram('differential/requests.ts', {
    cwd: workspace.folder,
    spool: workspace.spool,
  })
  expect(code).toBe(0)
  const { spans } = readRecorded(workspace.spool)
  // Outside of it, calls begin turns of their own.
  const turn = spans.find(
    (span) => isTurn(span) && span.attributes['turnlog.turn.inferred'] !== true,
  )
  const ended = (span: RecordedSpan): string => {
    const { attributes } = span
    return [
      attributes['gen_ai.request.model'],
      attributes['http.response.status_code'] ?? '-',
      attributes['turnlog.model_call.attempt'] ?? 1,
      attributes['error.type'] ?? (attributes['turnlog.aborted'] === true ? 'aborted' : 'ok'),
    ].join(' ')
  }
  const expected = [
    'plain 200 1 ok',
    'retried 200 2 ok',
    'refused 400 1 400',
    'broken 200 1 UND_ERR_SOCKET',
    'gzip 200 1 ok',
    'hanging - 1 TimeoutError',
    'hanging - 1 aborted',
    'plain 200 1 ok',
    'plain 200 1 ok',
    'refused 400 1 400',
    'broken 200 1 ECONNRESET',
    'gzip 200 1 ok',
    'plain 200 1 ok',
    'plain 200 1 ok',
    'hanging - 1 TimeoutError',
    'plain - 1 ECONNREFUSED',
    'plain 200 1 ok',
  ]
  const calls = spans
    .toSorted((a, b) => a.startMs - b.startMs)
    .filter(isCall)
    .filter((span) => span.attributes['gen_ai.request.model'] !== 'm')
  expect(calls.filter(({ traceId }) => traceId !== turn?.traceId).map(ended)).toEqual(expected)
  expect(calls.filter(({ traceId }) => traceId === turn?.traceId).map(ended)).toEqual(expected)
})
