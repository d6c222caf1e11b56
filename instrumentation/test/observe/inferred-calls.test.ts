/**
 * Which turn a model call belongs to where no server shows it: each test is the calls of an app, and the turn of each. Wrong
 * would be a call in a turn that it has not been made for; a call that may be of several turns is in none.
 */
import { expect, test } from 'vitest'
import {
  agent,
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

test('checks of a command, while its tool call is open, are in the turn', async () => {
  const command = "printf 'more' >> greeting.txt && git status"
  const rules = `${'Find the prefix of a command. '.repeat(10)}\nCommand: `
  const check = (text: string): Call => ({
    system: 'You check commands.',
    messages: [user(rules + text)],
    answer: done,
  })
  const prompt = user('Please add a line')
  const { turns } = await shownBy(
    sequence(
      { ...shell, messages: [prompt], answer: asks('a', 'shell', { command }) },
      check(command),
      check("printf 'more'"),
      check('git status'),
      {
        system: 'You read the output of commands.',
        messages: [user(`Command: ${command}\nOutput: none`)],
        answer: done,
      },
      {
        ...shell,
        messages: [prompt, model([use('a', 'shell', { command })]), result('a')],
        answer: done,
      },
    ),
  )
  expect(turns).toEqual([1, 1, 1, 1, 1, 1])
})

test('a short command that is checked is in the turn', async () => {
  const prompt = user('Please list the files')
  const { turns } = await shownBy(
    sequence(
      { ...shell, messages: [prompt], answer: asks('a', 'shell', { command: 'ls' }) },
      {
        system: 'You check commands.',
        messages: [user('Check this.\nCommand: ls\n')],
        answer: done,
      },
      {
        ...shell,
        messages: [prompt, model([use('a', 'shell', { command: 'ls' })]), result('a')],
        answer: done,
      },
    ),
  )
  expect(turns).toEqual([1, 1, 1])
})

test('an agent that is a tool is in the turn if its text has the argument inside', async () => {
  const prompt = user('Let somebody look for it')
  const input = { prompt: 'Look for the greeting' }
  const helper = { system: 'You are a helper.', offers: ['grep'] }
  const task = user(`Today is Tuesday.\n\nYour task: ${input.prompt}\n\nBe brief.`)
  const { turns } = await shownBy(
    sequence(
      { ...shell, messages: [prompt], answer: asks('a', 'agent', input) },
      { ...helper, messages: [task], answer: asks('b', 'grep', { for: 'greeting' }) },
      {
        ...helper,
        messages: [task, model([use('b', 'grep', { for: 'greeting' })]), result('b')],
        answer: done,
      },
      {
        ...shell,
        messages: [prompt, model([use('a', 'agent', input)]), result('a')],
        answer: done,
      },
    ),
  )
  expect(turns).toEqual([1, 1, 1, 1])
})

test('a job of another kind that names the file of an open tool call is its own turn', async () => {
  const prompt = user('Please write it')
  const input = { path: 'documents/greeting.txt', content: 'Hello' }
  const { turns } = await shownBy(
    sequence(
      { ...shell, messages: [prompt], answer: asks('a', 'write_file', input) },
      {
        system: 'You review files.',
        offers: ['read'],
        messages: [user('Please review documents/greeting.txt')],
        answer: done,
      },
      {
        ...shell,
        messages: [prompt, model([use('a', 'write_file', input)]), result('a')],
        answer: done,
      },
    ),
  )
  expect(turns).toEqual([1, 2, 1])
})

test.for([
  ['with the same instructions', agent],
  ['with other instructions', 'You check conversations.'],
])('a check of the conversation, without tools, is in the turn (%s)', async ([, system]) => {
  const prompt = user('hi')
  const check = user('Who speaks next? Answer as JSON.')
  const { turns, prompts } = await shownBy(
    sequence(
      { ...shell, messages: [prompt], answer: { text: 'Hello.' } },
      { system: String(system), messages: [prompt, model('Hello.'), check], answer: done },
      { ...shell, messages: [prompt, model('Hello.'), user('bye')], answer: { text: 'Bye.' } },
    ),
  )
  expect(turns).toEqual([1, 1, 2])
  expect(prompts).toEqual(['hi', 'bye'])
})

test('a call that chooses a model for the text of the user is in its turn', async () => {
  const first = [user('hi')]
  const second = [...first, model('Hello.'), user('bye')]
  const chooses = (messages: Messages): Call => ({
    system: 'You choose a model.',
    messages,
    answer: { text: 'small' },
  })
  const { turns, prompts, after } = await shownBy(
    sequence(
      chooses(first),
      { ...shell, messages: first, answer: { text: 'Hello.' } },
      chooses(second),
      { ...shell, messages: second, answer: { text: 'Bye.' } },
    ),
  )
  expect(turns).toEqual([1, 1, 2, 2])
  expect(prompts).toEqual(['hi', 'bye'])
  expect(after).toEqual([undefined, 1])
})

test('a summary of the conversation as one text is in the turn', async () => {
  const first = user('Please tell me about the sea')
  const history = [first, model('It is deep.'), user('more')]
  const { turns, after } = await shownBy(
    sequence(
      { ...shell, messages: [first], answer: { text: 'It is deep.' } },
      { ...shell, messages: history, answer: { text: 'It is wide.' } },
      {
        system: 'You summarize.',
        messages: [
          user(
            'user: Please tell me about the sea\nmodel: It is deep.\nuser: more\nmodel: It is wide.',
          ),
        ],
        answer: done,
      },
    ),
  )
  expect(turns).toEqual([1, 2, 2])
  expect(after).toEqual([undefined, 1])
})

test('two conversations at once, with equal texts, do not mix', async () => {
  const asked = (name: string): Messages => [
    user(`Please book a room for ${name}`),
    model(`For ${name}?`),
  ]
  const [ann, bob] = [asked('Ann'), asked('Bob')]
  const yes = user('yes')
  const open = (name: string, messages: Messages): Call => ({
    ...shell,
    messages,
    answer: asks(`book-${name}`, 'shell', { command: `book ${name}` }),
  })
  const booked = (name: string, messages: Messages): Messages => [
    ...messages,
    model([use(`book-${name}`, 'shell', { command: `book ${name}` })]),
    result(`book-${name}`),
  ]
  const { turns, after } = await shownBy([
    [{ ...shell, messages: ann.slice(0, 1), answer: { text: 'For Ann?' } }],
    [{ ...shell, messages: bob.slice(0, 1), answer: { text: 'For Bob?' } }],
    [{ ...shell, messages: [...ann, yes], answer: { text: 'Sure?' } }],
    [open('Bob', [...bob, yes])],
    // Ann goes on, while Bob's tool runs.
    [open('Ann', [...ann, yes, model('Sure?'), yes])],
    [{ ...shell, messages: booked('Bob', [...bob, yes]), answer: done }],
    [{ ...shell, messages: booked('Ann', [...ann, yes, model('Sure?'), yes]), answer: done }],
  ])
  expect(turns).toEqual([1, 2, 3, 4, 5, 4, 5])
  expect(after).toEqual([undefined, undefined, 1, 2, 3])
})

test('a turn of one of two conversations that are equal so far is linked to neither', async () => {
  const hello = [user('Hello there'), model('Hello.')]
  const { turns, after } = await shownBy([
    [
      { ...shell, messages: hello.slice(0, 1), answer: { text: 'Hello.' } },
      { ...shell, messages: hello.slice(0, 1), answer: { text: 'Hello.' } },
    ],
    [{ ...shell, messages: [...hello, user('Go on')], answer: done }],
  ])
  expect(turns).toEqual([1, 2, 3])
  expect(after[2]).toBe(undefined)
})

test('a conversation that goes on with another agent is linked, and its turns are their own', async () => {
  const prompt = user('Please ask a specialist')
  const { turns, after } = await shownBy(
    sequence(
      { ...shell, messages: [prompt], answer: { text: 'I hand over.' } },
      {
        system: 'You are a specialist.',
        offers: ['search'],
        messages: [prompt, model('I hand over.'), user('What do you know?')],
        answer: done,
      },
    ),
  )
  expect(turns).toEqual([1, 2])
  expect(after).toEqual([undefined, 1])
})

test('a message that has only an image is a turn', async () => {
  const source = { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' }
  const prompt = user([{ type: 'image', source }])
  const input = { path: 'seen.txt' }
  const { turns, recorded } = await shownBy(
    sequence(
      { ...shell, messages: [prompt], answer: asks('a', 'write_file', input), writes: 'seen.txt' },
      {
        ...shell,
        messages: [prompt, model([use('a', 'write_file', input)]), result('a')],
        answer: done,
      },
    ),
  )
  expect(turns).toEqual([1, 1])
  expect(recorded.spans.map(({ name }) => name)).toContain('file.create')
})

test('tools that run at once have their files, and one result after the other is in the turn', async () => {
  const prompt = user('Please write both files')
  const uses = ['one', 'two'].map((id) => use(id, 'write_file', { path: `${id}.txt` }))
  const tools = uses.map(({ id, name, input }) => ({ id, name, input }))
  const { turns } = await shownBy(
    sequence(
      { ...shell, messages: [prompt], answer: { tools }, writes: 'one.txt' },
      { ...shell, messages: [prompt, model(uses), result('one')], answer: done, writes: 'two.txt' },
      { ...shell, messages: [prompt, model(uses), result('one'), result('two')], answer: done },
    ),
  )
  expect(turns).toEqual([1, 1, 1])
})
