/** Apps that ask the model for more than the answer, such as a title: the turn's answer and outcome are those of the answer. */
import { expect, test } from 'vitest'
import { isTurn, startChat, textOf } from '../support/chat.ts'
import { lastText } from '../support/messages-api.ts'

const program = 'side-calls-host.ts'

test.for(['before', 'beside', 'after', 'late'])(
  'a title is not the answer (%s)',
  async (client) => {
    await using chat = await startChat({
      program,
      answer: (request) => ({
        text: lastText(request).startsWith('A title') ? 'A title' : 'The answer.',
      }),
    })
    await chat.post('hello', { client })
    await chat.host.line('answered')
    const { spans } = await chat.recorded()
    const turn = spans.find(isTurn)
    expect(textOf(turn, 'gen_ai.output.messages')).toBe('The answer.')
    // The title costs tokens, too, if the turn is not over.
    const calls = spans.filter(({ name }) => name.startsWith('chat'))
    const tokens = calls.map((call) => Number(call.attributes['gen_ai.usage.output_tokens']))
    expect(turn?.attributes['gen_ai.usage.output_tokens']).toBe(
      (tokens[0] ?? 0) + (client === 'late' ? 0 : (tokens[1] ?? 0)),
    )
  },
)

test.for(['before', 'beside', 'after', 'late'])(
  'a title that cannot be had does not fail the turn (%s)',
  async (client) => {
    await using chat = await startChat({
      program,
      answer: (request) =>
        lastText(request).startsWith('A title') ? { status: 400 } : { text: 'The answer.' },
    })
    await chat.post('hello', { client })
    await chat.host.line('answered')
    const { spans } = await chat.recorded()
    const turn = spans.find(isTurn)
    expect(turn?.attributes['turnlog.turn.outcome']).toBe('completed')
    expect(textOf(turn, 'gen_ai.output.messages')).toBe('The answer.')
    expect(spans.filter(({ status }) => status === 2)).toHaveLength(1)
  },
)

test('an answer that cannot be had fails the turn, also if there is a title', async () => {
  await using chat = await startChat({
    program,
    answer: (request) =>
      lastText(request).startsWith('A title') ? { text: 'A title' } : { status: 400 },
  })
  await chat.post('hello', { client: 'before' })
  const { spans } = await chat.recorded()
  expect(spans.find(isTurn)?.attributes['turnlog.turn.outcome']).toBe('failed')
})
