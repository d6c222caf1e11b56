/** What fails, and what is stopped, has the same rows in PostgreSQL whichever way the agent is built, and each failure is one error. */
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { startChat } from '../instrumentation/test/support/chat.ts'
import type { ApiAnswer, ApiRequest } from '../instrumentation/test/support/messages-api.ts'
import { withReceiver } from './support/receiver.ts'

const patience = { timeout: 60_000, interval: 100 }
const errors = 'select kind, type, message from errors order by occurred_at'
const toolCalls = 'select tool, error_type, error_message from tool_calls'
const turns = 'select outcome, error_type, error_message from turns'
const modelCalls =
  'select attempts, error_type, error_message, aborted from model_calls order by started_at'

async function startAgent(client: string, answer: (request: ApiRequest) => ApiAnswer) {
  const { database, receiver } = await withReceiver()
  const env = {
    TELEMETRY_ENDPOINT: receiver.url,
    TELEMETRY_TOKEN: receiver.token,
    CLIENT: client,
  }
  const program = path.join(import.meta.dirname, 'programs/failing-tools.ts')
  const chat = await startChat({ program, answer, env })
  return { chat, rows: (sql: string) => database.query(sql), database }
}

/** Asks for the tool, which fails as the user's text says, then answers. */
function askForTool({ messages }: ApiRequest): ApiAnswer {
  if (messages.length > 1) return { text: 'It did not work.' }
  const content: unknown = messages[0]?.content
  const how = JSON.stringify(content).includes('a text') ? 'a text' : 'an error'
  return { tools: [{ id: `call_${how.length}`, name: 'write', input: { how } }] }
}

const message = 'The disk is full.'

test.for([
  ['ai', 'DiskFull', 'string'],
  ['spans', 'DiskFull', '_OTHER'],
  ['api', 'DiskFull', 'string'],
  // Nothing but the result tells of it.
  ['loop', 'tool_error', 'tool_error'],
] as const)(
  'a tool that throws is one failed call and one error (%s)',
  async ([client, ...types]) => {
    for (const [index, prompt] of ['Throw an error', 'Throw a text'].entries()) {
      const { chat, rows } = await startAgent(client, askForTool)
      await using _ = chat
      expect((await chat.post(prompt)).status).toBe(200)
      await expect
        .poll(() => rows(turns), patience)
        .toEqual([{ outcome: 'completed', error_type: null, error_message: null }])
      const type = types[index]
      expect(await rows(toolCalls)).toEqual([
        { tool: 'write', error_type: type, error_message: message },
      ])
      expect(await rows(errors)).toEqual([{ kind: 'tool_call', type, message }])
    }
  },
)

test.for(['ai', 'loop'])(
  'a refused request is one error, and its turn says why it failed (%s)',
  async (client) => {
    const { chat, rows } = await startAgent(client, () => ({ status: 400 }))
    await using _ = chat
    expect((await chat.post('Please.')).status).toBe(500)
    const failure = { error_type: 'api_error', error_message: '400 it is' }
    await expect.poll(() => rows(turns), patience).toEqual([{ outcome: 'failed', ...failure }])
    expect(await rows(modelCalls)).toEqual([{ attempts: null, aborted: null, ...failure }])
    expect(await rows(errors)).toEqual([
      { kind: 'model_call', type: 'api_error', message: '400 it is' },
    ])
  },
)

test.for(['ai', 'loop'])(
  'a request that is sent again is one call and no error (%s)',
  async (client) => {
    let requests = 0
    const { chat, rows } = await startAgent(client, () => {
      requests += 1
      return requests === 1 ? { status: 429 } : { text: 'At last.' }
    })
    await using _ = chat
    expect((await chat.post('Please.')).text).toBe('At last.')
    await expect.poll(() => rows(turns), patience).toMatchObject([{ outcome: 'completed' }])
    expect(await rows(modelCalls)).toMatchObject([{ attempts: 2, error_type: null }])
    expect(await rows(errors)).toEqual([])
  },
)

test.for(['ai', 'loop'])(
  'a call that the app stops is aborted, and no error (%s)',
  async (client) => {
    const never = Promise.withResolvers<void>()
    const { chat, rows } = await startAgent(client, () => ({
      text: 'Never.',
      until: never.promise,
    }))
    await using _ = chat
    const answered = chat.post('Please.')
    await expect.poll(() => chat.api.requests.length, patience).toBe(1)
    await fetch(`http://${chat.address}/stop`)
    expect((await answered).status).toBe(200)
    await expect.poll(() => rows(turns), patience).toMatchObject([{ outcome: 'aborted' }])
    expect(await rows(modelCalls)).toMatchObject([{ aborted: true, error_type: null }])
    expect(await rows(errors)).toEqual([])
    never.resolve()
  },
)
