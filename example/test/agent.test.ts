import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createConversations } from '../src/agent/conversations.ts'
import { readSystemPrompt } from '../src/agent/system-prompt.ts'
import type { ModelRequest } from '../src/scripted-model/request.ts'
import type { ScriptedAnswer } from '../src/scripted-model/script.ts'
import { createToolbox } from '../src/tools/toolbox.ts'
import { openWorkspace } from '../src/tools/workspace.ts'
import { startApp, startModel } from './support/app.ts'
import { temporaryDirectory } from './support/directory.ts'
import { openSocket, textOf } from './support/socket.ts'

/** An app with a model that gives these answers in order, and the requests that the model got. */
async function startAppWithAnswers(answers: readonly Partial<ScriptedAnswer>[]) {
  const requests: ModelRequest[] = []
  const modelUrl = await startModel({
    answerTo: (request) => {
      requests.push(request)
      return { text: '', toolUses: [], ...answers[(requests.length - 1) % answers.length] }
    },
  })
  return { requests, app: await startApp({ modelUrl }) }
}

const use = (name: string, input: Readonly<Record<string, unknown>>) => ({ name, input })

test('several tool uses of one answer are answered in one message, in order', async () => {
  const { app, requests } = await startAppWithAnswers([
    {
      text: 'I will do three things.',
      toolUses: [
        use('write_file', { path: 'a.txt', content: 'one' }),
        use('read_file', { path: 'none.txt' }),
        use('edit_file', { path: 'a.txt', old_text: 'one', new_text: 'two' }),
      ],
    },
    { text: 'Two of them went well.' },
  ])
  const { answer } = await (await app.post({ message: 'go' })).json()
  expect(answer).toBe('Two of them went well.')
  expect(readFileSync(join(app.workspace, 'a.txt'), 'utf8')).toBe('two')

  const [asking, answering] = requests[1]?.messages.slice(-2) ?? []
  const uses = asking?.content.filter((block) => block.type === 'tool_use') ?? []
  expect(uses).toHaveLength(3)
  expect(answering).toEqual({
    role: 'user',
    content: [
      { type: 'tool_result', toolUseId: uses[0]?.id, text: expect.any(String), isError: false },
      {
        type: 'tool_result',
        toolUseId: uses[1]?.id,
        text: 'Error: none.txt does not exist (ENOENT).',
        isError: true,
      },
      { type: 'tool_result', toolUseId: uses[2]?.id, text: 'Edited a.txt.', isError: false },
    ],
  })
})

test('all tools are offered, and nothing else', async () => {
  const { app, requests } = await startAppWithAnswers([{ text: 'Fine.' }])
  await app.post({ message: 'go' })
  expect(requests[0]?.toolNames).toEqual([
    'read_file',
    'write_file',
    'edit_file',
    'delete_file',
    'rename_file',
    'list_files',
    'run_command',
  ])
})

test('the agent’s system prompt names each tool with its inputs', async () => {
  const workspace = await openWorkspace(await temporaryDirectory())
  const told = [...(await readSystemPrompt()).matchAll(/^\| `(\w+) \{(.*)\}` +\|/gm)]
  expect(told.map(([, name, inputs]) => [name, inputs?.split(', ')])).toEqual(
    createToolbox(workspace).definitions.map((tool) => [tool.name, tool.inputSchema.required]),
  )
})

test('text before tools is streamed as a separate paragraph', async () => {
  const { app } = await startAppWithAnswers([
    { text: 'Let me look.', toolUses: [use('list_files', { path: '.' })] },
    { text: 'It is empty.' },
  ])
  const socket = await openSocket(app.url)
  socket.send({ text: 'go' })
  expect(textOf(await socket.ended())).toBe('Let me look.\n\nIt is empty.')
  const response = await app.post({ message: 'go', stream: true })
  expect(await response.text()).toBe('Let me look.\n\nIt is empty.')
})

test('a model that asks for tools without end is stopped', async () => {
  const { app, requests } = await startAppWithAnswers([
    { toolUses: [use('list_files', { path: '.' })] },
  ])
  const response = await app.post({ message: 'go' })
  expect(response.status).toBe(502)
  expect(await response.json()).toMatchObject({
    error: { message: 'The agent stopped after 32 steps.' },
  })
  expect(requests).toHaveLength(32)
})

test('a failed turn leaves the conversation as it was', async () => {
  const { app, requests } = await startAppWithAnswers([
    ...Array.from({ length: 32 }, () => ({ toolUses: [use('list_files', { path: '.' })] })),
    { text: 'Back again.' },
  ])
  await app.post({ message: 'first', conversation_id: 'c' })
  await app.post({ message: 'second', conversation_id: 'c' })
  expect(requests.at(-1)?.messages).toEqual([
    { role: 'user', content: [{ type: 'text', text: 'second' }] },
  ])
})

test('an answer without a word keeps the conversation valid', async () => {
  const { app, requests } = await startAppWithAnswers([{ text: '' }])
  const first = await app.post({ message: 'first', conversation_id: 'c' })
  expect(await first.json()).toEqual({ answer: '', conversation_id: 'c' })
  const second = await app.post({ message: 'second', conversation_id: 'c' })
  expect(second.status).toBe(200)
  expect(requests.at(-1)?.messages.map((message) => message.role)).toEqual([
    'user',
    'assistant',
    'user',
  ])
})

test('conversations are bounded: in number, in size, and in the size of one turn', () => {
  const conversations = createConversations()
  const turn = (question: string, between: string, answer: string) => [
    { role: 'user' as const, text: question },
    { role: 'assistant' as const, text: between },
    { role: 'user' as const, text: between },
    { role: 'assistant' as const, text: answer },
  ]
  const megabyte = 'x'.repeat(1024 ** 2)

  conversations.add('large turn', turn('q', megabyte, 'a'))
  expect(conversations.history('large turn')).toEqual([
    { role: 'user', text: 'q' },
    { role: 'assistant', text: 'a' },
  ])

  for (const at of [1, 2, 3, 4]) {
    conversations.add('long', turn(`${at}`, megabyte.slice(0, 300_000), 'a'))
  }
  const questions = conversations.history('long').filter((_, at) => at % 4 === 0)
  expect(questions).toMatchObject([{ text: '2' }, { text: '3' }, { text: '4' }])

  for (let at = 0; at < 99; at += 1) conversations.add(`conversation ${at}`, turn('q', 'b', 'a'))
  expect(conversations.history('large turn')).toEqual([])
  expect(conversations.history('long')).not.toEqual([])
})
