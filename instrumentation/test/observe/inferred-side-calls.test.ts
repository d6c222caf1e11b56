/**
 * Titles and topic checks that an app without a server asks for, with a short text of the user inside: each is in the turn that it
 * is for, also if it comes before that turn's own call.
 */
import { expect, test } from 'vitest'
import {
  asks,
  type Call,
  done,
  type Messages,
  model,
  result,
  sequence,
  shell,
  shownBy,
  use,
  user,
} from '../support/scripted-calls.ts'

const colon = (text: string): string => `Write a title for: ${text}`

/** How a call quotes the user's text. `quoted-text.test.ts` has more ways. */
const forms: readonly [string, (text: string) => string][] = [
  ['after a colon', colon],
  [
    'in a long form',
    (text) => `${'Write a title of at most five words. '.repeat(8)}\nMessage: ${text}`,
  ],
]
const cases = [
  ...forms.map(([place, form]) => [place, 'hi', form] as const),
  ...['yes', '1', 'Fix the bug in a.ts'].map((text) => ['after a colon', text, colon] as const),
]

const title = (content: string): Call => ({
  system: 'You write titles.',
  messages: [user(content)],
  answer: { text: 'A title' },
})
const chat = { system: 'You are an agent.' }
const answers = (messages: Messages): Call => ({ ...shell, messages, answer: done })

test.for(cases)('a title before the call that it is for, %s: %s', async ([, text, form]) => {
  const { turns, prompts } = await shownBy(
    sequence(
      title(form(text)),
      {
        ...shell,
        messages: [user(text)],
        answer: asks('a', 'shell', { command: 'ls' }),
      },
      answers([user(text), model([use('a', 'shell', { command: 'ls' })]), result('a')]),
    ),
  )
  expect({ turns, prompts }).toEqual({ turns: [1, 1, 1], prompts: [text] })
})

test.for(cases)('a title after the call that it is for, %s: %s', async ([, text, form]) => {
  const { turns, prompts } = await shownBy(
    sequence({ ...chat, messages: [user(text)], answer: done }, title(form(text))),
  )
  expect({ turns, prompts }).toEqual({ turns: [1, 1], prompts: [text] })
})

test.for(['hi', 'yes'])('a title beside the call that it is for: %s', async (text) => {
  const { turns, prompts } = await shownBy([[title(`Title: ${text}`), answers([user(text)])]])
  expect({ turns, prompts }).toEqual({ turns: [1, 1], prompts: [text] })
})

test('an app that has no instructions asks for a title without tools', async () => {
  const plain = { system: '', offers: ['shell'] }
  const { turns, prompts } = await shownBy(
    sequence(
      { system: '', messages: [user('Write a title for: hi')], answer: done },
      { ...plain, messages: [user('hi')], answer: done },
    ),
  )
  expect({ turns, prompts }).toEqual({ turns: [1, 1], prompts: ['hi'] })
})

test.for(forms)(
  'a topic check before each text of a conversation is in its turn, %s',
  async ([, form]) => {
    const first = [user('hi')]
    const second = [...first, model('Hello.'), user('yes')]
    const third = [...second, model('Good.'), user('1')]
    const { turns, prompts, after } = await shownBy(
      sequence(
        ...[first, second, third].flatMap((messages) => [
          title(form(String(messages.at(-1)?.content))),
          answers(messages),
        ]),
      ),
    )
    expect({ turns, prompts, after }).toEqual({
      turns: [1, 1, 2, 2, 3, 3],
      prompts: ['hi', 'yes', '1'],
      after: [undefined, 1, 2],
    })
  },
)

test.for(forms)('jobs at once, each with a title first, do not mix, %s', async ([, form]) => {
  const jobs = ['hi', 'hi there', 'say hi', 'yes']
  const { turns, prompts } = await shownBy([
    ...jobs.map((text) => [title(form(text))]),
    ...jobs.map((text) => [answers([user(text)])]),
  ])
  expect({ turns, prompts }).toEqual({ turns: [1, 2, 3, 4, 1, 2, 3, 4], prompts: jobs })
})

test.for(forms)(
  'jobs with equal texts, each with a title first, are turns of their own, %s',
  async ([, form]) => {
    const { turns, prompts } = await shownBy([
      [title(form('hi'))],
      [title(form('hi'))],
      [answers([user('hi')])],
      [answers([user('hi')])],
    ])
    expect({ turns, prompts }).toEqual({ turns: [1, 2, 1, 2], prompts: ['hi', 'hi'] })
  },
)

test.for(forms)(
  'jobs with equal texts, each with a title after, are turns of their own, %s',
  async ([, form]) => {
    const { turns, prompts } = await shownBy([
      [answers([user('hi')])],
      [answers([user('hi')])],
      [title(form('hi'))],
      [title(form('hi'))],
    ])
    expect({ turns, prompts }).toEqual({ turns: [1, 2, 1, 2], prompts: ['hi', 'hi'] })
  },
)

test('jobs with equal texts, each with a check of the very text first, are turns of their own', async () => {
  const { turns } = await shownBy([
    [title('hi')],
    [title('hi')],
    [answers([user('hi')])],
    [answers([user('hi')])],
  ])
  expect(turns).toEqual([1, 2, 1, 2])
})

test('a job whose text has the short text of another one inside is its own turn', async () => {
  const { turns, prompts } = await shownBy(
    sequence(
      answers([user('hi')]),
      title('Write a poem in which somebody says hi to everyone'),
      title('Translate this thing'),
    ),
  )
  expect({ turns, prompts }).toEqual({
    turns: [1, 2, 3],
    prompts: ['hi', 'Write a poem in which somebody says hi to everyone', 'Translate this thing'],
  })
})
