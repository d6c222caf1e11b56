import { expect, test } from 'vitest'
import { anthropicMessages as api } from '../../src/models/anthropic/api.ts'
import { openAiResponses } from '../../src/models/openai-responses/api.ts'
import { turnsMeant } from '../../src/observe/turns-meant.ts'
import type { Candidate } from '../../src/record/candidate.ts'

interface Conversation {
  readonly prompt?: string
  readonly id?: string
  readonly messages?: readonly unknown[]
  readonly system?: string
}

function bodyOf({ messages, system }: Conversation): Buffer {
  return Buffer.from(JSON.stringify({ model: 'm', system, messages }))
}

function turn(of: Conversation): Candidate {
  return {
    requestText: JSON.stringify({ message: of.prompt, chat_id: of.id }),
    contentType: 'application/json',
    modelRequest: of.messages === undefined ? undefined : bodyOf(of),
    openTools: new Map(),
  } as unknown as Candidate
}

const user = (content: unknown) => ({ role: 'user', content })
const rest = [{ role: 'assistant', content: [] }, user([{ type: 'tool_result' }])]

/** The indexes of the turns that the request can be about. */
function meant(request: Conversation, ...conversations: Conversation[]): number[] {
  const turns = conversations.map(turn)
  const candidate = turn({ ...(request.id !== undefined && { id: request.id }) })
  return turnsMeant({ candidate, api, body: bodyOf(request) }, turns).map((each) =>
    turns.indexOf(each),
  )
}

test('the conversation’s id says which turn is meant', () => {
  const messages = [user('hi')]
  const [one, two] = ['1', '2'].map((id) => ({ id, messages, prompt: 'hi' }))
  expect(meant({ id: '2', messages: [...messages, ...rest] }, one ?? {}, two ?? {})).toEqual([1])
})

test('if prompts are equal, the messages before them, and then the instructions, say which turn is meant', () => {
  const [one, two] = [
    [user('A'), user('hi')],
    [user('B'), user('hi')],
  ]
  const turns = [one, two].map((messages) => ({ messages, prompt: 'hi', system: 's' }))
  const marked = user([{ type: 'text', text: 'hi', cache_control: { type: 'ephemeral' } }])
  expect(meant({ messages: [user('B'), marked, ...rest], system: 't' }, ...turns)).toEqual([1])
  const systems = ['s', 't'].map((system) => ({ messages: one, prompt: 'hi', system }))
  expect(meant({ messages: [...one, ...rest], system: 's' }, ...systems)).toEqual([0])
})

test('if nothing shows which turn is meant, all are possible', () => {
  const same = { messages: [user('hi')], prompt: 'hi' }
  expect(meant({ messages: [user('hi'), ...rest] }, same, same)).toEqual([0, 1])
})

test('a turn of another user is not meant, even if it is the only one with that id', () => {
  const other = { messages: [user('other')], prompt: 'other', id: '1' }
  expect(meant({ messages: [user('hi'), ...rest], id: '2' }, other)).toEqual([])
  // A history may be shortened or rewritten.
  expect(meant({ messages: rest, id: '1' }, other)).toEqual([0])
  expect(meant({ messages: rest }, {})).toEqual([0])
})

test('a request that repeats nothing of the conversation does not speak against a turn', () => {
  const result = { type: 'function_call_output', call_id: 'a', output: 'done' }
  const body = Buffer.from(JSON.stringify({ previous_response_id: 'resp_1', input: [result] }))
  const modelRequest = Buffer.from('{"model":"m","input":"hi"}')
  const known = Object.assign(turn({ prompt: 'hi', id: '1' }), { modelRequest })
  const find = (candidate: Candidate) =>
    turnsMeant({ candidate, api: openAiResponses, body }, [known])
  expect(find(turn({}))).toEqual([known])
  expect(find(turn({ id: '1' }))).toEqual([known])
  expect(find(turn({ id: '2' }))).toEqual([])
})
