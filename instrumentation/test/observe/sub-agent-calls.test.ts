/** Agents as tools, in hand-written loops: what they do is below the tool call, and counts once for the turn. */
import { expect, test } from 'vitest'
import { isTurn, startChat, textOf, turnTrees } from '../support/chat.ts'
import { type ApiAnswer, type ApiRequest, lastText } from '../support/messages-api.ts'

type Answers = Readonly<Record<string, ApiAnswer>>

const tool = (id: string, name: string, input: object) => ({ id, name, input })

/** Answers by the last text of the user, and then by how many results of tools the request has. */
async function turnOf(answers: Answers, { message = 'go on', client = 'fetch' } = {}) {
  await using chat = await startChat({
    program: 'sub-agent-host.ts',
    client,
    answer(request: ApiRequest) {
      const [first] = request.messages
      const results = request.messages.length > 1 ? ` ${(request.messages.length - 1) / 2}` : ''
      return answers[`${String(first?.content)}${results}`] ?? { text: lastText(request) }
    },
  })
  await chat.post(message)
  const recorded = await chat.recorded()
  const [turn] = recorded.spans.filter(isTurn)
  return { recorded, turn, trees: turnTrees(recorded) }
}

test.for(['fetch', 'sdk'])(
  'an agent as a tool: its calls, its tools and their files are below the tool call (%s)',
  async (client) => {
    const answers = {
      'go on': { tools: [tool('t1', 'research', { query: 'find cats' })] },
      'find cats': { tools: [tool('t2', 'write_file', { path: 'cats.txt' })] },
      'find cats 1': { text: 'Cats were found.' },
      'go on 1': { text: 'Here are cats.' },
    }
    const { turn, trees } = await turnOf(answers, { client })
    expect(trees).toEqual([
      [
        'turn',
        '  chat',
        '  execute_tool research',
        '    chat',
        '    execute_tool write_file',
        '      file.create cats.txt',
        '    chat',
        '  chat',
      ].join('\n'),
    ])
    expect(turn && textOf(turn, 'gen_ai.input.messages')).toBe('go on')
    expect(turn && textOf(turn, 'gen_ai.output.messages')).toBe('Here are cats.')
    // Four calls, each once.
    expect(turn?.attributes).toMatchObject({
      'gen_ai.usage.input_tokens': 40,
      'gen_ai.usage.output_tokens': 20,
      'turnlog.turn.outcome': 'completed',
    })
  },
)

test('agents side by side: each call is below the tool call that has its words as an argument', async () => {
  const { trees } = await turnOf({
    'go on': {
      tools: [
        tool('t1', 'research', { query: 'find cats' }),
        tool('t2', 'research', { query: 'find dogs' }),
      ],
    },
    'find cats': { text: 'Cats.' },
    'find dogs': { text: 'Dogs.' },
    'go on 1': { text: 'Both.' },
  })
  const research = '  execute_tool research\n    chat'
  expect(trees).toEqual([`turn\n  chat\n${research}\n${research}\n  chat`])
})

test('an agent with words of its own is below the only open tool call, and a failing one fails no turn', async () => {
  const { turn, trees } = await turnOf({
    'go on': { tools: [tool('t1', 'plan', { query: 'abc' })] },
    'Make a plan of 3 steps.': { status: 400 },
    'go on 1': { text: 'Without a plan.' },
  })
  expect(trees).toEqual(['turn\n  chat\n  execute_tool plan\n    chat\n  chat'])
  expect(turn?.attributes['turnlog.turn.outcome']).toBe('completed')
  expect(turn && textOf(turn, 'gen_ai.output.messages')).toBe('Without a plan.')
})

test('an agent in an agent', async () => {
  const { trees } = await turnOf({
    'go on': { tools: [tool('t1', 'research', { query: 'find cats' })] },
    'find cats': { tools: [tool('t2', 'research', { query: 'find lions' })] },
    'find lions': { text: 'Lions.' },
    'find cats 1': { text: 'Cats.' },
    'go on 1': { text: 'Done.' },
  })
  expect(trees).toEqual([
    [
      'turn',
      '  chat',
      '  execute_tool research',
      '    chat',
      '    execute_tool research',
      '      chat',
      '    chat',
      '  chat',
    ].join('\n'),
  ])
})

test('a call with the words of the user is the turn’s, also while a tool call is open', async () => {
  const { trees } = await turnOf(
    {
      'tell me of cats': { tools: [tool('t1', 'titled', { query: 'tell me of cats' })] },
      'tell me of cats 1': { text: 'Done.' },
    },
    { message: 'tell me of cats' },
  )
  expect(trees).toEqual(['turn\n  chat\n  execute_tool titled\n  chat\n  chat'])
})
