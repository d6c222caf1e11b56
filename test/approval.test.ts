/**
 * Human approval, with real frameworks: one user message is one turn, however many requests carry it. Each app asks over
 * HTTP and gets the person's word in a later request; its records are read from the database.
 */
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { startChat } from '../instrumentation/test/support/chat.ts'
import type { ApiAnswer, ApiRequest } from '../instrumentation/test/support/messages-api.ts'
import { startProgram } from '../instrumentation/test/support/observed-program.ts'
import { withReceiver } from './support/receiver.ts'

const patience = { timeout: 60_000, interval: 100 }

/** Asks for what the user's text names, and answers once it has the results. */
function answer({ messages }: ApiRequest): ApiAnswer {
  const content = messages.at(-1)?.content
  const text = typeof content === 'string' ? content : (content as { text?: string }[])[0]?.text
  const use = (name: string, input: object) => ({ id: `toolu_${name}_${text}`, name, input })
  if (text?.startsWith('write'))
    return { text: 'May I?', tools: [use('write_file', { path: 'it.txt' })] }
  if (text === 'both') return { tools: [use('one', { ms: 20 }), use('two', { ms: 0 })] }
  return { text: text === undefined ? 'Done.' : `Answer to ${text}.` }
}

async function startApp(program: string) {
  const { database, receiver } = await withReceiver()
  const env = { TELEMETRY_ENDPOINT: receiver.url, TELEMETRY_TOKEN: receiver.token }
  const chat = await startChat({
    program: path.join(import.meta.dirname, 'programs', program),
    answer,
    env,
  })
  return {
    ...chat,
    env,
    database,
    async send(route: string, body: object) {
      const response = await fetch(`http://${chat.address}${route}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      expect(response.status).toBe(200)
      return (await response.json()) as Record<string, unknown>
    },
    turns: (outcome: string) =>
      database.query('select * from turns where outcome = $1 order by started_at', [outcome]),
  }
}

interface Framework {
  readonly name: string
  readonly program: string
  readonly conversation: object
  decide(
    app: Awaited<ReturnType<typeof startApp>>,
    asked: Record<string, unknown>,
    approved: boolean,
  ): Promise<unknown>
}

const frameworks: readonly Framework[] = [
  {
    name: 'LangGraph',
    program: 'approval-langgraph.ts',
    conversation: { thread_id: 'c-1' },
    decide: (app, _asked, approved) =>
      app.send('/resume', { thread_id: 'c-1', resume: { approved, reason: 'as I say' } }),
  },
  {
    name: 'AI SDK',
    program: 'approval-ai-sdk.ts',
    conversation: { chat_id: 'c-1' },
    decide: (app, { approval_id }, approved) =>
      app.send('/decide', { chat_id: 'c-1', approval_id, approved, reason: 'as I say' }),
  },
]

test.each(frameworks)(
  'an approval in a later request continues its turn ($name)',
  async ({ program, conversation, decide }) => {
    await using app = await startApp(program)
    const asked = await app.send('/chat', { message: 'write it', ...conversation })
    // While the person is asked, the turn is a row already.
    await expect
      .poll(() => app.turns('waiting'), patience)
      .toMatchObject([{ prompt: 'write it', answer: 'May I?', model_calls: 1, tool_calls: 1 }])
    expect(await decide(app, asked, true)).toMatchObject({ answer: 'Done.' })
    await expect.poll(() => app.turns('completed'), patience).toHaveLength(1)
    const { database } = app
    expect(await database.query('select * from turns')).toMatchObject([
      {
        prompt: 'write it',
        answer: 'Done.',
        conversation_id: 'c-1',
        url_path: '/chat',
        model_calls: 2,
        tool_calls: 1,
        file_operations: 1,
        input_tokens: 20,
      },
    ])
    expect(
      await database.query(
        'select tool, result, unfinished, decision, file_operations from tool_calls',
      ),
    ).toEqual([
      {
        tool: 'write_file',
        result: 'written',
        unfinished: null,
        decision: 'accept',
        file_operations: 1,
      },
    ])
    expect(await database.query('select * from file_operations')).toMatchObject([
      { path: 'it.txt', type: 'create', tool: 'write_file', after: 'written\n' },
    ])
    expect(await database.query('select * from tool_decisions')).toMatchObject([
      { tool: 'write_file', decision: 'accept', source: 'user', reason: 'as I say' },
    ])
    await app.host.stop()
  },
)

test.each(frameworks)(
  'a rejection is a decision, and the turn ends with the model’s answer to it ($name)',
  async ({ program, conversation, decide }) => {
    await using app = await startApp(program)
    const asked = await app.send('/chat', { message: 'write it', ...conversation })
    await decide(app, asked, false)
    await expect.poll(() => app.turns('completed'), patience).toHaveLength(1)
    const { database } = app
    expect(await database.query('select answer, tool_calls, file_operations from turns')).toEqual([
      { answer: 'Done.', tool_calls: 1, file_operations: 0 },
    ])
    await expect
      .poll(
        () => database.query('select tool, decision, source, reason from tool_decisions'),
        patience,
      )
      .toEqual([{ tool: 'write_file', decision: 'reject', source: 'user', reason: 'as I say' }])
  },
)

test.each(frameworks)(
  'parallel tool calls whose arguments name no file have their own files ($name)',
  async ({ program, conversation }) => {
    await using app = await startApp(program)
    await app.send('/chat', { message: 'both', ...conversation })
    await expect.poll(() => app.turns('completed'), patience).toHaveLength(1)
    const { database } = app
    const files = await database.query(
      'select tool, path, shared from file_operations order by path',
    )
    expect(files).toEqual([
      { tool: 'one', path: 'one.txt', shared: null },
      { tool: 'two', path: 'two.txt', shared: null },
    ])
  },
)

test('a turn that waits when the app is killed is closed as abandoned by the next start', async () => {
  const app = await startApp('approval-langgraph.ts')
  const { workspace, database, api } = app
  await app.send('/chat', { message: 'write it', thread_id: 'c-1' })
  await expect.poll(() => app.turns('waiting'), patience).toHaveLength(1)
  app.host.child.kill('SIGKILL')
  await app.host.ended()
  await using _next = startProgram(
    path.join(import.meta.dirname, 'programs/approval-langgraph.ts'),
    {
      cwd: workspace.folder,
      spool: workspace.spool,
      env: { API: api.url, ...app.env },
    },
  )
  await expect
    .poll(() => database.query('select outcome, prompt, answer, abandoned from turns'), patience)
    .toEqual([{ outcome: 'abandoned', prompt: 'write it', answer: 'May I?', abandoned: true }])
  await app[Symbol.asyncDispose]()
})
