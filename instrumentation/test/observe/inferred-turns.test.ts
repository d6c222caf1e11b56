/** Agents without a server: what they send to the model shows where a turn begins, and what belongs to it. */
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { isTurn, textOf, turnTrees } from '../support/chat.ts'
import { type ApiAnswer, type ApiRequest, startMessagesApi } from '../support/messages-api.ts'
import { runProgram } from '../support/observed-program.ts'
import { type Recorded, readRecorded } from '../support/recorded.ts'
import { makeWorkspace } from '../support/workspace.ts'

interface Run {
  readonly prompts: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly answer?: (request: ApiRequest) => ApiAnswer
  /** Runs the agent without the preload, too, and expects the same. */
  readonly isCompared?: boolean
}

async function recordedOf(run: Run): Promise<Recorded> {
  const { prompts, env = {}, answer = writesAFile, isCompared = false } = run
  await using api = await startMessagesApi(answer)
  using workspace = makeWorkspace()
  const settings = { API: api.url, PROMPTS: JSON.stringify(prompts), ...env }
  const program = 'terminal-agent.ts'
  const { folder, spool } = workspace
  const outcome = await runProgram(program, { cwd: folder, spool, env: settings })
  if (isCompared) {
    using plain = makeWorkspace()
    const expected = await runProgram(program, { cwd: plain.folder, env: settings })
    expect({ ...outcome, pid: 0 }).toEqual({ ...expected, pid: 0 })
  }
  return readRecorded(spool)
}

/** What the user has asked last; it is a string, or the last part of a message. */
function asked({ messages }: ApiRequest): string {
  const texts = messages.flatMap(({ role, content }) => {
    if (role !== 'user') return []
    const last: unknown = Array.isArray(content) ? content.at(-1)?.text : content
    return typeof last === 'string' ? [last] : []
  })
  return texts.at(-1) ?? ''
}

const hasResult = ({ messages }: ApiRequest): boolean =>
  JSON.stringify(messages.at(-1)).includes('tool_result')

const fileOf = (prompt: string): string => `${prompt.replaceAll(/\W+/g, '-')}.txt`

let calls = 0

/** Asks for a file in the user's name, then answers. */
function writesAFile(request: ApiRequest): ApiAnswer {
  const prompt = asked(request)
  if (prompt.startsWith('A title')) return { text: 'A title' }
  if (hasResult(request)) return { text: `Done: ${prompt}.` }
  calls += 1
  const input = { path: fileOf(prompt), content: prompt }
  return { tools: [{ id: `call_${calls}`, name: 'write_file', input }] }
}

const tree = (prompt: string): string =>
  [
    'turn',
    '  chat',
    '  execute_tool write_file',
    `    file.create ${fileOf(prompt)}`,
    '  chat',
  ].join('\n')

const sorted = (texts: readonly string[]): string[] =>
  texts.toSorted((one, other) => one.localeCompare(other))

/** Of each turn, by its prompt: its answer. */
function answersIn({ spans }: Recorded): Record<string, string | undefined> {
  return Object.fromEntries(
    spans
      .filter(isTurn)
      .map((turn) => [
        String(textOf(turn, 'gen_ai.input.messages')),
        textOf(turn, 'gen_ai.output.messages'),
      ]),
  )
}

test.for(['fetch', 'sdk'])('each text of the user is a turn (%s)', async (CLIENT) => {
  const prompts = ['Write the first file', 'Write the second file']
  const recorded = await recordedOf({ prompts, env: { CLIENT }, isCompared: true })
  expect(turnTrees(recorded)).toEqual(prompts.map(tree))
  expect(answersIn(recorded)).toEqual({
    'Write the first file': 'Done: Write the first file.',
    'Write the second file': 'Done: Write the second file.',
  })
  const [first, second] = recorded.spans.filter(isTurn)
  expect(first?.attributes).toMatchObject({
    'turnlog.turn.inferred': true,
    'turnlog.turn.outcome': 'completed',
    'gen_ai.usage.input_tokens': 20,
  })
  expect(second?.links).toMatchObject([
    { spanId: first?.spanId, attributes: { 'turnlog.link.type': 'previous_turn' } },
  ])
  expect(recorded.spans).toHaveLength(10)
})

test.for(['before', 'after'])(
  'a title belongs to the turn, and is no answer (%s)',
  async (TITLE) => {
    const prompt = 'Write a file, please'
    const recorded = await recordedOf({ prompts: [prompt], env: { TITLE } })
    expect(answersIn(recorded)).toEqual({ [prompt]: `Done: ${prompt}.` })
    const [turn] = recorded.spans.filter(isTurn)
    expect(turn?.attributes['gen_ai.usage.output_tokens']).toBe(15)
  },
)

test.for(['fetch', 'sdk'])(
  'a call that is repeated after an error is in its turn (%s)',
  async (CLIENT) => {
    let left = 1
    const answer = (request: ApiRequest): ApiAnswer =>
      left-- > 0 ? { status: 529 } : writesAFile(request)
    const prompt = 'Write a file, please'
    const recorded = await recordedOf({ prompts: [prompt], env: { CLIENT }, answer })
    expect(answersIn(recorded)).toEqual({ [prompt]: `Done: ${prompt}.` })
    expect(recorded.spans.find(isTurn)?.attributes['turnlog.turn.outcome']).toBe('completed')
  },
)

test('the same text, asked twice in one conversation, is two turns', async () => {
  const prompts = ['continue', 'continue', 'continue']
  expect(turnTrees(await recordedOf({ prompts }))).toEqual([
    tree('continue'),
    tree('continue').replace('create', 'write'),
    tree('continue').replace('create', 'write'),
  ])
})

test('jobs that run at once are turns of their own, each with its tool call and file', async () => {
  const prompts = Array.from({ length: 12 }, (_, index) => `job ${index}`)
  const recorded = await recordedOf({ prompts, env: { WAY: 'jobs' } })
  expect(sorted(turnTrees(recorded))).toEqual(sorted(prompts.map(tree)))
  expect(answersIn(recorded)).toEqual(
    Object.fromEntries(prompts.map((prompt) => [prompt, `Done: ${prompt}.`])),
  )
})

test('jobs with equal texts, at once, are turns of their own', async () => {
  const prompts = Array.from({ length: 6 }, () => 'the same job')
  const { spans } = await recordedOf({ prompts, env: { WAY: 'jobs' } })
  const turns = spans.filter(isTurn)
  expect(turns).toHaveLength(6)
  for (const { traceId } of turns) {
    const own = spans.filter((span) => span.traceId === traceId).map(({ name }) => name)
    expect(own.filter((name) => name.startsWith('chat'))).toHaveLength(2)
    expect(own.filter((name) => name.startsWith('execute_tool'))).toHaveLength(1)
  }
})

test.for(['worker', 'pool', 'fork'])('each %s has the turn that it works on', async (WAY) => {
  const prompts = ['job one', 'job two']
  const recorded = await recordedOf({ prompts, env: { WAY } })
  expect(sorted(turnTrees(recorded))).toEqual(prompts.map(tree))
  // Also where the thread is stopped as soon as it has answered.
  for (const { attributes } of recorded.spans.filter(isTurn)) {
    expect(attributes['turnlog.turn.outcome']).toBe('completed')
  }
})

test('a command of a tool, and the file that it changes, are in the turn', async () => {
  const answer = (request: ApiRequest): ApiAnswer =>
    hasResult(request)
      ? { text: 'done' }
      : { tools: [{ id: 'a', name: 'shell', input: { command: 'printf hello > made.txt' } }] }
  const env = { TELEMETRY_PROCESS_WAIT_MS_MAX: '10000' }
  const { spans } = await recordedOf({ prompts: ['Make a file'], answer, env })
  const [turn] = spans.filter(isTurn)
  expect(turnTrees({ spans, logs: [] })).toEqual([
    ['turn', '  chat', '  execute_tool shell', '    file.create made.txt', '  chat'].join('\n'),
  ])
  expect(turn?.attributes['turnlog.turn.outcome']).toBe('completed')
})

test('a file outside the workspace is recorded if a tool call names it, else counted', async () => {
  using elsewhere = makeWorkspace()
  const outside = path.join(elsewhere.folder, 'named.txt')
  const input = { path: outside, content: 'x' }
  const answer = (request: ApiRequest): ApiAnswer =>
    hasResult(request) ? { text: 'done' } : { tools: [{ id: 'a', name: 'write_file', input }] }
  const { spans } = await recordedOf({
    prompts: ['Make a file'],
    answer,
    env: { LOG: elsewhere.folder },
  })
  expect(turnTrees({ spans, logs: [] })).toEqual([
    ['turn', '  chat', '  execute_tool write_file', `    file.create ${outside}`, '  chat'].join(
      '\n',
    ),
  ])
  const call = spans.find(({ name }) => name.startsWith('execute_tool'))
  expect(call?.attributes['turnlog.file_operations.left_out.reasons']).toEqual(['outside_unnamed'])
  expect(call?.attributes['turnlog.file_operations.left_out']).toBeGreaterThan(5)
})

test('a file that comes into the workspace from an unnamed one outside is new there', async () => {
  using elsewhere = makeWorkspace({ 'template/one.txt': 'one', 'two.txt': 'two' })
  const answer = (request: ApiRequest): ApiAnswer =>
    hasResult(request) ? { text: 'done' } : { tools: [{ id: 'a', name: 'bring', input: {} }] }
  const { spans } = await recordedOf({
    prompts: ['Bring the templates'],
    answer,
    env: { TEMPLATES: elsewhere.folder },
  })
  expect(turnTrees({ spans, logs: [] })).toEqual([
    [
      'turn',
      '  chat',
      '  execute_tool bring',
      '    file.create copied/one.txt',
      '    file.create two.txt',
      '    file.create moved/one.txt',
      '    file.delete two.txt',
      '    file.delete copied/one.txt',
      '  chat',
    ].join('\n'),
  ])
})

test('what the app puts beside the text of the user is not the prompt', async () => {
  const prompt = 'Write a file, please'
  const recorded = await recordedOf({ prompts: [prompt], env: { REMINDER: 'Today is Tuesday.' } })
  expect(answersIn(recorded)).toEqual({ [prompt]: `Done: ${prompt}.` })
})

test('a tool whose result no model needs ends the turn with the process, which has not failed', async () => {
  const answer = (): ApiAnswer => ({ tools: [{ id: 'a', name: 'finish', input: {} }] })
  const { spans } = await recordedOf({ prompts: ['Think about it'], answer })
  expect(spans.find(isTurn)?.attributes['turnlog.turn.outcome']).toBe('completed')
  expect(turnTrees({ spans, logs: [] })).toEqual(['turn\n  chat\n  execute_tool finish'])
})

test('an agent that is the tool of another one works in its turn', async () => {
  const prompt = 'Let somebody write a file'
  function answer(request: ApiRequest): ApiAnswer {
    if (asked(request) !== prompt) return writesAFile(request)
    if (hasResult(request)) return { text: 'The helper has done it.' }
    return { tools: [{ id: 'help', name: 'ask_helper', input: { prompt: 'Write it' } }] }
  }
  const recorded = await recordedOf({ prompts: [prompt], answer })
  expect(answersIn(recorded)).toEqual({ [prompt]: 'The helper has done it.' })
  const [turn] = recorded.spans.filter(isTurn)
  expect(recorded.spans.filter(({ traceId }) => traceId !== turn?.traceId)).toEqual([])
})

test('a process that fails in a turn has failed that turn', async () => {
  const answer = (): ApiAnswer => ({ status: 400 })
  const { spans } = await recordedOf({ prompts: ['Try'], answer, isCompared: true })
  expect(spans.find(isTurn)?.attributes).toMatchObject({
    'turnlog.turn.outcome': 'failed',
    'process.exit.code': 1,
  })
})

test('an answer ends the turn after a while, and nothing is lost of the next one', async () => {
  const prompts = ['Write the first file', 'Write the second file']
  const recorded = await recordedOf({ prompts, env: { WAY: 'slow' } })
  expect(turnTrees(recorded)).toEqual(prompts.map(tree))
  const [first, second] = recorded.spans.filter(isTurn)
  expect(second?.startMs).toBeGreaterThan(2_000 + (first?.endMs ?? 0))
})
