/** Model calls over a WebSocket, with OpenAI's own client. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import {
  begin,
  functionCall,
  message,
  response,
  text,
  usage,
} from '../models/openai-responses-events.ts'
import { textOf, turnTrees } from '../support/chat.ts'
import { startProgram } from '../support/observed-program.ts'
import { readRecorded } from '../support/recorded.ts'
import { makeWorkspace } from '../support/workspace.ts'

interface Request {
  readonly input: readonly { readonly content?: string; readonly call_id?: string }[]
}

/** Answers the results of a tool with a text, and anything else by asking for the tool. `breaks`: it closes in an answer; `stalls`: it says no more. */
async function startModel({ breaks = false, stalls = false } = {}) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  let responses = 0
  const answer = (socket: WebSocket, { input }: Request): void => {
    const [first] = input
    responses += 1
    const id = `resp_${responses}`
    const file = `${first?.content}.txt`
    const item =
      first?.call_id === undefined
        ? functionCall(
            `call_${responses}`,
            'write_file',
            JSON.stringify({ path: file, content: file }),
          )
        : message([text(`Done: ${first.call_id}.`)])
    const send = (event: object): void => socket.send(JSON.stringify(event))
    for (const event of begin()) send(event)
    if (stalls) return
    if (breaks) socket.close()
    send({ type: 'response.output_item.added', output_index: 0, item })
    send({ type: 'response.output_item.done', output_index: 0, item })
    const done = response({ id, status: 'completed', output: [item], usage })
    send({ type: 'response.completed', response: done })
  }
  server.on('connection', (socket) => {
    socket.on('message', (data) => answer(socket, JSON.parse(String(data))))
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose](): Promise<void> {
      for (const client of server.clients) client.terminate()
      await new Promise((done) => server.close(done))
    },
  }
}

async function recordedOf(messages: readonly string[], { breaks = false, stops = false } = {}) {
  await using model = await startModel({ breaks, stalls: stops })
  using workspace = makeWorkspace()
  await using host = startProgram('socket-model-host.ts', {
    cwd: workspace.folder,
    spool: workspace.spool,
    env: { API: model.url, STOPS: stops ? '1' : '0' },
  })
  const url = `http://127.0.0.1:${await host.line('port')}`
  const answers: string[] = []
  for (const message of messages) {
    const answer = await fetch(url, { method: 'POST', body: JSON.stringify({ message }) })
    answers.push(await answer.text())
  }
  expect(await host.stop()).toMatchObject({ stderr: '', code: 0 })
  return { answers, recorded: readRecorded(workspace.spool) }
}

test('a turn over a WebSocket has its model calls, tool call, file, answer and tokens', async () => {
  const { answers, recorded } = await recordedOf(['one', 'two'])
  expect(turnTrees(recorded)).toEqual(
    ['one', 'two'].map((name) =>
      ['turn', '  chat', '  execute_tool write_file', `    file.create ${name}.txt`, '  chat'].join(
        '\n',
      ),
    ),
  )
  const turns = recorded.spans.filter(({ name }) => name.startsWith('invoke_agent'))
  expect(turns.map((turn) => textOf(turn, 'gen_ai.output.messages'))).toEqual(answers)
  expect(turns.map(({ attributes }) => attributes['gen_ai.usage.input_tokens'])).toEqual([
    2000, 2000,
  ])
  const calls = recorded.spans.filter(({ name }) => name === 'chat m')
  expect(calls.map(({ status }) => status)).toEqual([0, 0, 0, 0])
})

test('a socket that closes in an answer has failed the call', async () => {
  const { recorded } = await recordedOf(['one'], { breaks: true })
  const [call] = recorded.spans.filter(({ name }) => name.startsWith('chat'))
  expect(call).toMatchObject({ status: 2, attributes: { 'error.type': 'websocket_closed' } })
})

test('if the app closes the socket in an answer, it has stopped the call', async () => {
  const { recorded } = await recordedOf(['one'], { stops: true })
  const [call] = recorded.spans.filter(({ name }) => name.startsWith('chat'))
  expect(call).toMatchObject({ status: 0, attributes: { 'turnlog.aborted': true } })
  expect(call?.attributes).not.toHaveProperty(['error.type'])
})
