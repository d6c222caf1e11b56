/** A server that works on its requests outside of their contexts: what is done for a request is known by what it names. */
import { expect, test } from 'vitest'
import { isTurn, startChat, textOf, turnTrees } from '../support/chat.ts'
import type { ApiAnswer, ApiRequest } from '../support/messages-api.ts'

const program = 'outside-requests-host.ts'

function askedOf({ messages }: ApiRequest): string {
  return String(messages[0]?.content)
}

/** Asks for a file in the user's name, then answers. */
function answer(request: ApiRequest): ApiAnswer {
  const prompt = askedOf(request)
  if (request.messages.length > 1) return { text: `Done: ${prompt}.` }
  const input = { path: `${prompt}.txt` }
  return { tools: [{ id: `call_${prompt}`, name: 'write_file', input }] }
}

const tree = (prompt: string): string =>
  ['turn', '  chat', '  execute_tool write_file', `    file.create ${prompt}.txt`, '  chat'].join(
    '\n',
  )

test('a file that a tool call names is its own, and one of the server itself is none of the turn', async () => {
  await using chat = await startChat({ program, answer })
  const prompts = ['one', 'two', 'three']
  for (const prompt of prompts) await chat.post(prompt)
  const recorded = await chat.recorded()
  expect(turnTrees(recorded)).toEqual(prompts.map(tree))
  expect(recorded.spans.filter(({ name }) => name.startsWith('file.'))).toHaveLength(3)
})

test('requests at once have their files', async () => {
  await using chat = await startChat({ program, answer })
  const prompts = ['one', 'two', 'three', 'four']
  await Promise.all(prompts.map((prompt) => chat.post(prompt)))
  const trees = turnTrees(await chat.recorded())
  expect(new Set(trees)).toEqual(new Set(prompts.map(tree)))
  expect(trees).toHaveLength(prompts.length)
})

test('a call of an agent of the server itself is not for a user whose text is a word of the request', async () => {
  await using chat = await startChat({ program, answer, env: { BACKGROUND: 'background' } })
  await chat.post('user')
  const { spans } = await chat.recorded()
  const turns = spans.filter(isTurn)
  expect(turns.map((turn) => textOf(turn, 'gen_ai.input.messages')).toSorted()).toEqual([
    'background',
    'user',
  ])
  for (const { traceId } of turns) {
    expect(
      spans.filter((span) => span.traceId === traceId && span.name.startsWith('chat')),
    ).toHaveLength(2)
  }
})
