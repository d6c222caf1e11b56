/**
 * A person approves or rejects a tool call in a later request: that request continues the turn. The app has a loop of its own
 * and asks over HTTP.
 */
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { isTurn, startChat, textOf, turnTrees } from '../support/chat.ts'
import type { ApiAnswer, ApiRequest } from '../support/messages-api.ts'
import type { Recorded } from '../support/recorded.ts'
import { processesEnded } from '../support/workspace-copies.ts'

/** Asks for tools as the text of the user names them, and answers once it has the results. */
function answer({ messages }: ApiRequest): ApiAnswer {
  const content = messages.at(-1)?.content
  const blocks = Array.isArray(content) ? content : []
  const text: string = blocks.find(({ type }) => type === 'text')?.text ?? ''
  const [verb, id = 'a'] = text.split(' ')
  const use = (name: string, more: object = {}) => ({
    id: `toolu_${id}_${name}`,
    name,
    input: more,
  })
  if (verb === 'write') return { text: 'May I?', tools: [use('write_file', { path: 'it.txt' })] }
  if (verb === 'both') return { tools: [use('one', { ms: '20' }), use('two')] }
  if (verb === 'shell') {
    return {
      tools: [
        use('write_file', { path: 'it.txt' }),
        use('bash', { command: 'echo sh > shell.txt' }),
      ],
    }
  }
  if (verb === 'shells') {
    return { tools: ['one', 'two'].map((name) => use(name, { command: 'echo sh >> shell.txt' })) }
  }
  if (verb === 'repeat') return { tools: [{ ...use('write_file'), id: 'toolu_same' }] }
  return { text: text === '' ? 'Done.' : `Answer to ${text}.` }
}

async function startApp(client = 'sdk') {
  const chat = await startChat({ program: 'approval-host.ts', client, answer })
  return {
    ...chat,
    async send(path: string, body: object): Promise<void> {
      const response = await fetch(`http://${chat.address}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ conversation_id: 'c', ...body }),
      })
      expect(response.status).toBe(200)
    },
  }
}

function tree(...calls: readonly string[]): string {
  return ['turn', '  chat', ...calls, '  wait_for_user', '  chat'].join('\n')
}

function decisionsOf({ logs }: Recorded) {
  return logs
    .filter(({ event }) => event === 'turnlog.tool.decision')
    .map(({ attributes }) => ({
      call: attributes['gen_ai.tool.call.id'],
      type: attributes['turnlog.decision.type'],
      source: attributes['turnlog.decision.source'],
      reason: attributes['turnlog.decision.reason'],
    }))
}

const clients = ['sdk', 'fetch']

test.each(clients)(
  'an approval continues its turn, whose answer is the last (%s)',
  async (client) => {
    await using app = await startApp(client)
    await app.send('/chat', { message: 'write it' })
    await app.send('/decide', {
      approve: true,
      tool_call_id: 'toolu_it_write_file',
      reason: 'fine',
    })
    const recorded = await app.recorded()
    expect(turnTrees(recorded)).toEqual([
      tree('  execute_tool write_file', '    file.create it.txt'),
    ])
    const [turn] = recorded.spans.filter(isTurn)
    expect(turn?.attributes).toMatchObject({
      'turnlog.turn.outcome': 'completed',
      'url.path': '/chat',
      'gen_ai.usage.input_tokens': 20,
    })
    expect(textOf(turn, 'gen_ai.input.messages')).toBe('write it')
    expect(textOf(turn, 'gen_ai.output.messages')).toBe('Done.')
    const call = recorded.spans.find(({ name }) => name === 'execute_tool write_file')
    expect(call?.attributes).toMatchObject({ 'gen_ai.tool.call.result': 'written' })
    expect(call?.attributes['turnlog.tool_call.waited']).toBeGreaterThanOrEqual(0)
    expect(decisionsOf(recorded)).toEqual([
      { call: 'toolu_it_write_file', type: 'accept', source: 'user', reason: 'fine' },
    ])
  },
)

test.each(clients)(
  'an approval that names only the conversation continues it too (%s)',
  async (client) => {
    await using app = await startApp(client)
    await app.send('/chat', { message: 'write it' })
    await app.send('/decide', { approve: true })
    const recorded = await app.recorded()
    expect(turnTrees(recorded)).toEqual([
      tree('  execute_tool write_file', '    file.create it.txt'),
    ])
    expect(decisionsOf(recorded)).toMatchObject([{ type: 'accept' }])
  },
)

test('a rejection is recorded as a decision, and the model’s answer to it ends the turn', async () => {
  await using app = await startApp()
  await app.send('/chat', { message: 'write it' })
  await app.send('/decide', { approve: false, reason: 'not there' })
  await app.send('/chat', { message: 'write again' })
  await app.send('/decide', { anything: 'else' })
  const recorded = await app.recorded()
  expect(turnTrees(recorded)).toEqual([
    tree('  execute_tool write_file'),
    tree('  execute_tool write_file', '    file.create it.txt'),
  ])
  expect(decisionsOf(recorded)).toEqual([
    { call: 'toolu_it_write_file', type: 'reject', source: 'user', reason: 'not there' },
  ])
})

test('the known text of a refusal is recorded as a decision, and another error of a tool is not', async () => {
  await using app = await startApp()
  await app.send('/chat', { message: 'write it' })
  await app.send('/decide', { refusal: 'The user rejected this tool call.' })
  await app.send('/chat', { message: 'write more' })
  await app.send('/decide', { refusal: 'Permission denied.' })
  await app.send('/chat', { message: 'write last' })
  await app.send('/decide', { refusal: 'The call was interrupted by the user.' })
  expect(decisionsOf(await app.recorded())).toMatchObject([
    { call: 'toolu_it_write_file', type: 'reject', reason: 'The user rejected this tool call.' },
  ])
})

test('a new message is a new turn, linked to the one it leaves unanswered', async () => {
  await using app = await startApp()
  await app.send('/chat', { message: 'write it' })
  await app.send('/chat', { message: 'hello' })
  const recorded = await app.recorded()
  expect(turnTrees(recorded)).toEqual(['turn\n  chat\n  execute_tool write_file', 'turn\n  chat'])
  const [first, second] = recorded.spans.filter(isTurn).toSorted((a, b) => a.startMs - b.startMs)
  expect(second?.links).toMatchObject([{ spanId: first?.spanId }])
  expect(textOf(second, 'gen_ai.input.messages')).toBe('hello')
  expect(decisionsOf(recorded)).toEqual([])
})

test('if two users have equal calls, each request continues the turn of its own user', async () => {
  await using app = await startApp()
  await app.send('/chat', { message: 'write a', conversation_id: 'a' })
  await app.send('/chat', { message: 'write b', conversation_id: 'b' })
  await app.send('/decide', { approve: true, conversation_id: 'b' })
  await app.send('/decide', { approve: false, conversation_id: 'a' })
  const recorded = await app.recorded()
  expect(turnTrees(recorded)).toEqual([
    tree('  execute_tool write_file'),
    tree('  execute_tool write_file', '    file.create it.txt'),
  ])
  expect(decisionsOf(recorded)).toMatchObject([
    { call: 'toolu_b_write_file', type: 'accept' },
    { call: 'toolu_a_write_file', type: 'reject' },
  ])
})

test('equal ids of two turns are two calls', async () => {
  await using app = await startApp()
  await app.send('/chat', { message: 'repeat', conversation_id: 'a' })
  await app.send('/chat', { message: 'repeat', conversation_id: 'b' })
  await app.send('/decide', { conversation_id: 'b' })
  expect(turnTrees(await app.recorded())).toEqual([
    'turn\n  chat\n  execute_tool write_file',
    tree('  execute_tool write_file', '    file.create write_file.txt'),
  ])
})

test('if two users are asked at once about calls with one id, each request continues the turn of its own user', async () => {
  await using app = await startApp()
  const user = (of: string) => ({ of, conversation_id: undefined })
  await Promise.all([
    app.send('/chat', { message: 'repeat one', ...user('a') }),
    app.send('/chat', { message: 'repeat two', ...user('b') }),
  ])
  await app.send('/decide', { approve: true, reason: 'two', ...user('b') })
  await app.send('/decide', { approve: false, reason: 'one', ...user('a') })
  const recorded = await app.recorded()
  const asked = tree('  execute_tool write_file')
  const written = tree('  execute_tool write_file', '    file.create write_file.txt')
  expect(new Set(turnTrees(recorded))).toEqual(new Set([asked, written]))
  const prompts = new Map(
    recorded.spans
      .filter(isTurn)
      .map((turn) => [turn.traceId, textOf(turn, 'gen_ai.input.messages')]),
  )
  const decisions = recorded.logs.filter(({ event }) => event === 'turnlog.tool.decision')
  expect(
    decisions.map(({ traceId, attributes }) => [
      prompts.get(traceId),
      attributes['turnlog.decision.type'],
    ]),
  ).toEqual([
    ['repeat two', 'accept'],
    ['repeat one', 'reject'],
  ])
})

test('a result continues no turn if nothing shows which of two calls it is for', async () => {
  await using app = await startApp()
  const user = (of: string) => ({ of, conversation_id: undefined })
  for (const of of ['a', 'b']) await app.send('/chat', { message: 'repeat', ...user(of) })
  await app.send('/decide', { approve: true, ...user('b') })
  const recorded = await app.recorded()
  const asked = 'turn\n  chat\n  execute_tool write_file'
  expect(turnTrees(recorded)).toEqual([asked, asked, 'turn\n  file.create write_file.txt\n  chat'])
  expect(decisionsOf(recorded)).toEqual([])
})

test.each(['by id', 'by name'])(
  'a tool call that the app reports %s continues the turn that asked',
  async (how) => {
    await using app = await startApp()
    await app.send('/chat', { message: 'write it' })
    await app.send('/decide', { approve: true, how })
    const recorded = await app.recorded()
    // The call begins when the app runs it, after the wait.
    expect(turnTrees(recorded)).toEqual([
      'turn\n  chat\n  wait_for_user\n  execute_tool write_file\n    file.create it.txt\n  chat',
    ])
    expect(decisionsOf(recorded)).toMatchObject([{ type: 'accept' }])
  },
)

test('parallel calls that the app reports have their own files, even if no argument names a file', async () => {
  await using app = await startApp()
  await app.send('/chat', { message: 'both' })
  await app.send('/decide', { approve: true, how: 'by id' })
  const { spans } = await app.recorded()
  const files = spans.filter(({ attributes }) => attributes['file.path'] !== undefined)
  const parents = files.map(({ parentSpanId }) =>
    spans.find(({ spanId }) => spanId === parentSpanId),
  )
  expect(parents.map((parent) => parent?.name)).toEqual(['execute_tool two', 'execute_tool one'])
  expect(files.map(({ attributes }) => attributes['turnlog.file_operation.shared'])).toEqual([
    undefined,
    undefined,
  ])
})

test('a shell command that runs before the first model call of its request belongs to the call whose argument it is', async () => {
  await using app = await startApp()
  await app.send('/chat', { message: 'shell' })
  await app.send('/decide', { approve: true })
  await processesEnded(app.workspace.spool, 1)
  const recorded = await app.recorded()
  expect(turnTrees(recorded)).toEqual([
    tree(
      '  execute_tool write_file',
      '    file.create it.txt',
      '  execute_tool bash',
      '    file.create shell.txt',
    ),
  ])
  const call = recorded.spans.find(({ name }) => name === 'execute_tool bash')
  const processes = recorded.logs.filter(({ event }) => event.startsWith('turnlog.process.'))
  expect(processes.map(({ event, spanId }) => [event, spanId])).toEqual([
    ['turnlog.process.started', call?.spanId],
    ['turnlog.process.ended', call?.spanId],
  ])
  expect(decisionsOf(recorded)).toMatchObject([
    { call: 'toolu_a_write_file', type: 'accept' },
    { call: 'toolu_a_bash', type: 'accept' },
  ])
})

test('equal commands of two approved calls are shared', async () => {
  await using app = await startApp()
  await app.send('/chat', { message: 'shells' })
  await app.send('/decide', { approve: true })
  await processesEnded(app.workspace.spool, 2)
  const { spans } = await app.recorded()
  const files = spans.filter(({ attributes }) => attributes['file.path'] !== undefined)
  expect(files.length).toBeGreaterThan(0)
  for (const { attributes } of files) {
    expect(attributes['turnlog.file_operation.shared']).toBe(true)
  }
})

test('a request that only runs the approved call, by its id, is part of the turn too', async () => {
  await using app = await startApp()
  await app.send('/chat', { message: 'write it' })
  await app.send('/decide', { approve: true, tool_call_id: 'toolu_it_write_file', how: 'only run' })
  await app.send('/next', {})
  const recorded = await app.recorded()
  expect(recorded.spans.filter(isTurn)).toHaveLength(1)
  expect(textOf(recorded.spans.find(isTurn), 'gen_ai.output.messages')).toBe('Done.')
  expect(decisionsOf(recorded)).toMatchObject([{ type: 'accept' }])
})

test('calls that are approved one by one, each in a request that only runs it, have their own files', async () => {
  await using app = await startApp()
  await app.send('/chat', { message: 'both' })
  for (const id of ['toolu_a_two', 'toolu_a_one']) {
    await app.send('/decide', { approve: true, tool_call_id: id, how: 'only run' })
  }
  await app.send('/next', {})
  const recorded = await app.recorded()
  expect(recorded.spans.filter(isTurn)).toHaveLength(1)
  const files = recorded.spans.filter(({ attributes }) => attributes['file.path'] !== undefined)
  const calls = files.map(({ parentSpanId }) =>
    recorded.spans.find(({ spanId }) => spanId === parentSpanId),
  )
  expect(files.map(({ attributes }) => attributes['file.path'])).toEqual(['two.txt', 'one.txt'])
  expect(calls.map((call) => call?.name)).toEqual(['execute_tool two', 'execute_tool one'])
})

test('over a WebSocket, the message that approves continues the turn of the one that asked', async () => {
  await using app = await startApp()
  const socket = new WebSocket(`ws://${app.address}`)
  await once(socket, 'open')
  for (const [route, body] of [
    ['/chat', { message: 'write it' }],
    ['/decide', { approve: true }],
  ] as const) {
    socket.send(JSON.stringify({ route, conversation_id: 's', ...body }))
    await once(socket, 'message')
  }
  socket.close()
  const recorded = await app.recorded()
  expect(turnTrees(recorded)).toEqual([tree('  execute_tool write_file', '    file.create it.txt')])
  expect(decisionsOf(recorded)).toMatchObject([{ type: 'accept' }])
})

test('a person may approve in words, in the same conversation', async () => {
  await using app = await startApp()
  await app.send('/chat', { message: 'write it' })
  await app.send('/decide', { message: 'go ahead' })
  const recorded = await app.recorded()
  expect(recorded.spans.filter(isTurn)).toHaveLength(1)
  expect(decisionsOf(recorded)).toEqual([])
})

// A queue may run the rest of one turn in the async context of another message.
test('a message of another conversation is not taken for an approval, even if a model call is made in its context', async () => {
  await using app = await startApp()
  await app.send('/chat', { message: 'write it' })
  await app.send('/decide', { message: 'hello', conversation_id: 'other', of: 'c' })
  const turns = (await app.recorded()).spans.filter(isTurn)
  expect(new Set(turns.map((turn) => textOf(turn, 'gen_ai.input.messages')))).toEqual(
    new Set(['write it', 'hello']),
  )
})
