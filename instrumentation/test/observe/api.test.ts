/** Records of an app that declares its turns, tool calls and file operations: `turn()`, `toolCall()`, `fileOperation()`. */
import { expect, test } from 'vitest'
import { turnTrees } from '../support/chat.ts'
import { type ApiAnswer, type ApiRequest, startMessagesApi } from '../support/messages-api.ts'
import { type Outcome, startProgram } from '../support/observed-program.ts'
import { type Recorded, type RecordedSpan, readRecorded } from '../support/recorded.ts'
import { makeWorkspace } from '../support/workspace.ts'
import { copied } from '../support/workspace-copies.ts'

const twoFiles: ApiAnswer = {
  tools: ['a', 'b'].map((name) => ({
    id: `tool_${name}`,
    name: 'write_file',
    input: { path: `${name}.txt`, content: name },
  })),
}
/** To the prompt `sent`, asks for two files first. */
const answer = ({ messages }: ApiRequest): ApiAnswer => {
  const isFirst = messages.length === 1 && messages[0]?.content === 'sent'
  return isFirst ? twoFiles : { text: 'all done' }
}

interface AppRun extends Recorded {
  readonly outcome: Outcome
  readonly lines: readonly string[]
  span(name: string): RecordedSpan | undefined
  turn(prompt: string): RecordedSpan | undefined
}

async function runApp(
  scenario: string,
  { program = 'turnlog-api.ts', isRecorded = true, kill = false } = {},
): Promise<AppRun> {
  using workspace = makeWorkspace()
  await using api = await startMessagesApi(answer)
  await using host = startProgram(program, {
    cwd: workspace.folder,
    spool: isRecorded ? workspace.spool : undefined,
    env: { API: api.url },
    args: [scenario],
  })
  if (kill) {
    await host.line('working')
    host.child.kill('SIGKILL')
  }
  const outcome = await host.ended()
  const recorded = isRecorded ? readRecorded(workspace.spool) : { spans: [], logs: [] }
  const { spans } = recorded
  return {
    ...recorded,
    outcome,
    lines: outcome.stdout.split('\n').slice(0, -1),
    span: (name) => spans.find((span) => span.name === name),
    turn: (prompt) => spans.find((span) => promptOf(span) === prompt),
  }
}

function textOf(span: RecordedSpan | undefined, name: string): unknown {
  const value = span?.attributes[name]
  return value === undefined ? undefined : JSON.parse(String(value))[0]?.parts[0]?.content
}
const promptOf = (span: RecordedSpan | undefined) => textOf(span, 'gen_ai.input.messages')
const answerOf = (span: RecordedSpan | undefined) => textOf(span, 'gen_ai.output.messages')
const turnsOf = ({ spans }: Recorded) =>
  spans.filter(
    ({ attributes, parentSpanId }) =>
      attributes['gen_ai.operation.name'] === 'invoke_agent' && parentSpanId === '',
  )
const toolsOf = ({ spans }: Recorded) =>
  spans.filter(({ attributes }) => attributes['gen_ai.operation.name'] === 'execute_tool')
const filesOf = ({ spans }: Recorded) =>
  spans.filter(({ attributes }) => attributes['turnlog.file_operation.id'] !== undefined)

test('a declared turn has its prompt, its last answer, its conversation and its agent', async () => {
  const app = await runApp('turn')
  expect(app.lines).toEqual(['{"value":42}'])
  expect(app.span('invoke_agent fixer')).toMatchObject({
    parentSpanId: '',
    status: 0,
    attributes: {
      'gen_ai.agent.name': 'fixer',
      'gen_ai.conversation.id': 'c1',
      'turnlog.turn.outcome': 'completed',
    },
  })
  const turn = app.turn('fix it')
  expect(answerOf(turn)).toBe('fixed')
  expect(turn?.attributes).not.toHaveProperty('turnlog.turn.transport')
  expect(turn?.endMs).toBeGreaterThan(turn?.startMs ?? 0)
  expect(app.logs.map(({ event }) => event)).toEqual(['session.start', 'session.end'])
})

test('a callback that is not async ends its turn or call at once', async () => {
  const app = await runApp('sync')
  expect(app.lines).toEqual(['7', '3'])
  expect(answerOf(app.turn('now'))).toBe('done')
  expect(app.span('execute_tool add')?.attributes).toMatchObject({
    'gen_ai.tool.call.arguments': '[1,2]',
    'gen_ai.tool.call.result': '3',
  })
})

test('a reported call takes over the inferred one, by its id or by name and arguments, and is never doubled', async () => {
  const app = await runApp('loop')
  expect(app.lines).toEqual(['all done all done'])
  expect(turnTrees(app)).toEqual(
    Array(2)
      .fill(
        [
          'turn',
          '  chat',
          '  execute_tool write_file',
          '    file.create a.txt',
          '  execute_tool write_file',
          '    file.create b.txt',
          '  chat',
        ]
          .join('\n')
          .replaceAll('create', 'X'),
      )
      .map((tree, index) => tree.replaceAll('X', index === 0 ? 'create' : 'write')),
  )
  expect(toolsOf(app).map(({ attributes }) => attributes)).toMatchObject(
    ['a', 'b', 'a', 'b'].map((name) => ({
      'gen_ai.tool.call.id': `tool_${name}`,
      'turnlog.tool_call.inferred': false,
      'gen_ai.tool.call.arguments': `{"path":"${name}.txt","content":"${name}"}`,
      'gen_ai.tool.call.result': `wrote ${name}.txt`,
    })),
  )
  // It begins when the app begins it, after the model call that asked for it.
  const [chat] = app.spans.filter(({ name }) => name.startsWith('chat'))
  for (const tool of toolsOf(app).slice(0, 2)) {
    expect(tool.startMs).toBeGreaterThanOrEqual(Math.floor(chat?.endMs ?? 0))
    expect(tool.endMs).toBeGreaterThanOrEqual(tool.startMs)
  }
})

test('what the app does not declare of a turn is found in its model calls', async () => {
  const app = await runApp('found')
  const [turn] = turnsOf(app)
  expect([promptOf(turn), answerOf(turn)]).toEqual(['from the model', 'all done'])
  expect(turn?.attributes).toMatchObject({
    'gen_ai.request.model': 'claude-test',
    'gen_ai.usage.input_tokens': 10,
  })
})

test('a turn inside a tool call is a sub-agent’s: in the same trace, with its own sums, which count for the outer turn too', async () => {
  const app = await runApp('nested')
  expect(turnTrees(app)).toEqual([
    [
      'turn',
      '  chat',
      '  execute_tool research',
      '    invoke_agent researcher',
      '      file.create inner.txt',
      '      chat',
    ].join('\n'),
  ])
  const inner = app.turn('inner')
  expect(answerOf(inner)).toBe('all done')
  expect(inner?.attributes).toMatchObject({ 'gen_ai.usage.input_tokens': 10 })
  const outer = app.turn('outer')
  expect(answerOf(outer)).toBe('found all done')
  expect(outer?.attributes).toMatchObject({ 'gen_ai.usage.input_tokens': 20 })
})

test.each(['tool alone', 'tool in request'])(
  'a tool call outside a turn is recorded without one (%s)',
  async (scenario) => {
    const app = await runApp(scenario)
    expect(turnsOf(app)).toEqual([])
    const [tool] = toolsOf(app)
    expect(tool?.parentSpanId).toBe('')
    const inside = app.spans
      .filter(({ parentSpanId }) => parentSpanId === tool?.spanId)
      .toSorted((a, b) => a.startMs - b.startMs)
    expect(inside.map(({ name }) => name)).toEqual(
      scenario === 'tool alone' ? ['file.create', 'chat claude-test'] : ['chat claude-test'],
    )
    expect(new Set(app.spans.map(({ traceId }) => traceId)).size).toBe(1)
  },
)

test('a turn declared while a request is handled is that request’s turn: what is declared precedes what is found', async () => {
  const app = await runApp('http')
  expect(turnTrees(app)).toHaveLength(1)
  const turn = app.turn('given found /a')
  expect(answerOf(turn)).toBe('given answer')
  expect(turn).toMatchObject({
    name: 'invoke_agent helper',
    attributes: {
      'gen_ai.conversation.id': 'c-given',
      'turnlog.turn.transport': 'rest',
      'url.path': '/a',
      'http.response.status_code': 200,
      'turnlog.turn.outcome': 'completed',
    },
  })
})

test('also when a model call has made it a turn before', async () => {
  const app = await runApp('http, late')
  expect(turnTrees(app)).toEqual([['turn', '  chat', '  chat'].join('\n')])
  expect(app.turn('given late')?.attributes).toMatchObject({ 'gen_ai.conversation.id': 'c-late' })
})

test('a second one in the same request is part of its turn', async () => {
  const app = await runApp('http, twice')
  expect(turnsOf(app)).toHaveLength(1)
  const [first, again] = [app.turn('first'), app.turn('again')]
  expect(again?.parentSpanId).toBe(first?.spanId)
  expect(answerOf(again)).toBe('got it')
})

test('unless it names another conversation: then it is a turn of its own', async () => {
  const app = await runApp('http, batch')
  expect(
    turnsOf(app).map((turn) => [promptOf(turn), turn.attributes['gen_ai.conversation.id']]),
  ).toEqual(
    expect.arrayContaining([
      ['c1', 'c1'],
      ['c2', 'c2'],
    ]),
  )
  expect(app.turn('c2')?.links).toMatchObject([{ traceId: app.turn('c1')?.traceId }])
})

test('a request that is answered first is the first turn declared after it; the next one is a turn of its own', async () => {
  const app = await runApp('http, answered first')
  const [one, two] = [app.turn('one'), app.turn('two')]
  expect(one?.attributes).toMatchObject({ 'url.path': '/a', 'turnlog.turn.outcome': 'completed' })
  expect(one?.parentSpanId).toBe('')
  expect(two?.parentSpanId).toBe('')
  expect(two?.traceId).not.toBe(one?.traceId)
  expect(turnsOf(app)).toHaveLength(2)
})

test('two turns at once do not mix their tool calls, files and answers', async () => {
  const app = await runApp('http, side by side')
  for (const name of ['a', 'b']) {
    const turn = app.turn(`found /${name}`)
    const tool = app.span(`execute_tool tool /${name}`)
    const file = app.spans.find(({ attributes }) => attributes['file.path'] === `${name}.txt`)
    expect(answerOf(turn)).toBe(`/${name}`)
    expect([tool?.parentSpanId, file?.parentSpanId]).toEqual([turn?.spanId, tool?.spanId])
  }
  expect(turnsOf(app)).toHaveLength(2)
})

test('a turn declared in a listener that returns nothing is its message’s, and ends when the app says so', async () => {
  const app = await runApp('websocket')
  expect(turnsOf(app).map(promptOf)).toEqual(['given one', 'given two'])
  for (const turn of turnsOf(app)) {
    expect(turn.attributes).toMatchObject({
      'turnlog.turn.transport': 'websocket',
      'turnlog.turn.outcome': 'completed',
    })
    expect(answerOf(turn)).toBe('yes')
  }
})

test('what a callback throws is recorded as its error, and thrown on unchanged', async () => {
  const app = await runApp('throws')
  expect(app.lines).toEqual(['true'])
  const failed = {
    status: 2,
    attributes: { 'error.type': 'Refused', 'turnlog.turn.outcome': 'failed' },
  }
  expect(app.turn('p')).toMatchObject(failed)
  expect(app.turn('sync')).toMatchObject(failed)
  expect(app.turn('said')).toMatchObject(failed)
  const tool = app.span('execute_tool t')
  expect(tool).toMatchObject({ status: 2, attributes: { 'error.type': 'Refused' } })
  expect(tool?.attributes).not.toHaveProperty('gen_ai.tool.call.result')
  const copes = app.span('execute_tool copes')
  expect(copes).toMatchObject({
    status: 2,
    attributes: { 'error.type': 'string', 'gen_ai.tool.call.result': 'sorry' },
  })
  const errors = app.logs.filter(({ event }) => event === 'exception')
  expect(errors).toMatchObject([
    {
      spanId: tool?.spanId,
      attributes: { 'exception.message': 'not today', 'turnlog.error.origin': 'tool' },
    },
    { spanId: copes?.spanId, attributes: { 'exception.message': 'no luck' } },
  ])
  expect(String(errors[0]?.attributes['exception.stacktrace'])).toContain('turnlog-api.ts')
})

test('arguments and results of any kind are recorded without loss, or with the reason why not', async () => {
  const app = await runApp('results')
  const results = Object.fromEntries(
    toolsOf(app).map(({ attributes }) => [
      attributes['gen_ai.tool.name'],
      ['arguments', 'result'].map((name) => attributes[`gen_ai.tool.call.${name}`]),
    ]),
  )
  const both = (value: unknown) => [value, value]
  expect(results).toEqual({
    text: both('as it is'),
    object: both('{"a":["1",[[1,2]],["x"]],"b":{"name":"Refused","message":"r"}}'),
    bytes: both('text in bytes'),
    binary: both('{"raw":"data:;base64,AP8="}'),
    nothing: both(undefined),
    null: both('null'),
    loop: both(undefined),
    given: [undefined, 'two'],
  })
  expect(app.span('execute_tool loop')?.attributes).toMatchObject({
    'gen_ai.tool.call.arguments.omitted': 'not_json',
    'gen_ai.tool.call.result.omitted': 'not_json',
  })
})

test('calls after the end change nothing', async () => {
  const app = await runApp('late')
  const turn = app.turn('early')
  expect(answerOf(turn)).toBe('in time')
  expect(turn?.status).toBe(0)
  expect(turn?.attributes).not.toHaveProperty('gen_ai.conversation.id')
  expect(app.span('execute_tool t')?.attributes).toMatchObject({
    'gen_ai.tool.call.result': 'result',
  })
  expect(app.logs.filter(({ event }) => event === 'exception')).toEqual([])
})

test('a generator is part of its turn as long as its values are taken', async () => {
  const app = await runApp('generators')
  expect(app.lines).toEqual([
    JSON.stringify(['all done', 'all done', [1, 2], 'Refused', { done: true }]),
  ])
  for (const prompt of ['streams', 'piped']) {
    const turn = app.turn(prompt)
    expect(answerOf(turn)).toBe('streamed')
    const inside = app.spans.filter(({ parentSpanId }) => parentSpanId === turn?.spanId)
    expect(inside.map(({ name }) => name)).toEqual([
      'chat claude-test',
      prompt === 'streams' ? 'file.create' : 'file.write',
    ])
  }
  // Closed by its reader before it had declared an answer.
  expect(answerOf(app.turn('left'))).toBe('all done')
  expect(app.span('execute_tool counts')?.attributes).toMatchObject({
    'gen_ai.tool.call.result': 'three',
  })
  expect(app.turn('fails')).toMatchObject({ status: 2, attributes: { 'error.type': 'Refused' } })
})

test('a call that a library has a span for is that span', async () => {
  const app = await runApp('native tool')
  expect(turnTrees(app)).toEqual([
    ['turn', '  execute_tool native', '    file.create native.txt'].join('\n'),
  ])
  expect(toolsOf(app)).toMatchObject([
    {
      scope: 'some-sdk',
      attributes: {
        'gen_ai.tool.call.arguments': '{"a":1}',
        'gen_ai.tool.call.result': 'given result',
      },
    },
  ])
})

test('reported file operations have before, after, diff and the call they belong to', async () => {
  const app = await runApp('files')
  const tool = app.span('execute_tool patch')
  const turn = app.turn('edit')
  const files = filesOf(app).map(({ name, parentSpanId, attributes }) => ({
    name,
    path: attributes['file.path'],
    parent:
      parentSpanId === tool?.spanId
        ? 'tool'
        : parentSpanId === turn?.spanId
          ? 'turn'
          : parentSpanId,
    before: told8(attributes['turnlog.file_operation.before']),
    after: told8(attributes['turnlog.file_operation.after']),
    omitted: attributes['turnlog.file_operation.before.omitted'],
  }))
  const inTool = { parent: 'tool', omitted: undefined }
  const notTold = 'not_told'
  expect(files).toEqual([
    { ...inTool, name: 'file.create', path: 'new.txt', before: undefined, after: 'new\n' },
    { ...inTool, name: 'file.edit', path: 'sub/there.txt', before: 'before\n', after: 'on disk\n' },
    { ...inTool, name: 'file.delete', path: 'gone.txt', before: 'was\n', after: undefined },
    { ...inTool, name: 'file.rename', path: 'to.txt', before: 'a\n', after: 'b\n' },
    { ...inTool, name: 'file.rename', path: 'moved.bin', before: '\0\u0001', after: '\0\u0001' },
    {
      name: 'file.edit',
      path: '/etc/hosts',
      parent: 'turn',
      before: undefined,
      after: undefined,
      omitted: 'outside_workspace',
    },
    ...['edit', 'delete'].map((type) => ({
      name: `file.${type}`,
      path: 'unknown.txt',
      parent: 'turn',
      before: undefined,
      after: undefined,
      omitted: notTold,
    })),
    {
      name: 'file.write',
      path: 'same.txt',
      parent: 'turn',
      before: 'same',
      after: 'same',
      omitted: undefined,
    },
    {
      name: 'file.create',
      path: 'outside-any-turn.txt',
      parent: '',
      before: undefined,
      after: 'free',
      omitted: undefined,
    },
  ])
  const [create] = filesOf(app)
  expect(create?.attributes).toMatchObject({
    'turnlog.file_operation.id': app.lines[0],
    'turnlog.file_operation.source': 'api',
    'turnlog.file_operation.lines_added': 1,
  })
  expect(String(create?.attributes['turnlog.file_operation.diff'])).toContain('+new')
})

function told8(value: unknown): unknown {
  return Buffer.isBuffer(value) ? value.toString('latin1') : value
}

test('a program killed with -9 leaves what it had declared, closed as abandoned', async () => {
  const app = await runApp('at work', { kill: true })
  const turn = app.turn('never ends')
  expect(answerOf(turn)).toBe('so far')
  expect(turn?.attributes).toMatchObject({
    'gen_ai.conversation.id': 'c-open',
    'turnlog.turn.outcome': 'abandoned',
    'turnlog.abandoned': true,
  })
  expect(app.span('execute_tool stuck')?.attributes).toMatchObject({
    'gen_ai.tool.call.arguments': '{"a":1}',
    'gen_ai.tool.call.result': 'part',
    'turnlog.abandoned': true,
  })
})

test('each thread records what it declares', async () => {
  const app = await runApp('worker')
  expect(turnsOf(app).map(promptOf).toSorted()).toEqual(['in a worker', 'main'])
  expect(app.span('execute_tool w')?.traceId).toBe(app.turn('in a worker')?.traceId)
})

test('any copy of the package reports to the one preload', async () => {
  const app = await runApp('copies')
  expect(app.lines).toEqual(['false'])
  expect(app.span('execute_tool other copy')?.parentSpanId).toBe(app.turn('one copy')?.spanId)
})

test('the package can be required, too', async () => {
  const app = await runApp('', { program: 'turnlog-api.cjs' })
  const [turn] = turnsOf(app)
  expect([promptOf(turn), answerOf(turn)]).toEqual(['from CommonJS', 'done'])
  const [file] = filesOf(app)
  expect(
    app.logs.find(({ event }) => event === 'turnlog.change.decision')?.attributes,
  ).toMatchObject({
    'turnlog.file_operation.id': file?.attributes['turnlog.file_operation.id'],
    'turnlog.decision.type': 'accept',
  })
})

/** With the preload and without it, the app does and prints the same. */
test.each([
  'turn',
  'sync',
  'loop',
  'http',
  'throws',
  'results',
  'late',
  'generators',
  'misused',
  'thenables',
  'unhandled',
  'at the end',
])('without the preload everything runs the same: %s', async (scenario) => {
  const [bare, app] = await Promise.all([runApp(scenario, { isRecorded: false }), runApp(scenario)])
  expect(app.outcome).toEqual(bare.outcome)
  expect(bare.outcome).toMatchObject({ code: 0, stderr: '' })
})

test('the workspace of an app that loads the API is looked at before its first turn', async () => {
  using workspace = makeWorkspace({ 'a.txt': 'before the turn\n' })
  const { folder: cwd, spool } = workspace
  await using _host = startProgram('loads-api.ts', { cwd, spool })
  await copied(spool, ['before the turn\n'])
})
