/** A text that an app has completed, by OpenAI's SDK or by a server of its own: a model call, in a turn that asks the text. */
import { once } from 'node:events'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { isTurn, textOf } from '../support/chat.ts'
import { runProgram } from '../support/observed-program.ts'
import { readRecorded } from '../support/recorded.ts'
import { makeWorkspace } from '../support/workspace.ts'

const usage = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 }
const ofLlama = { content: ' # three', stop: true, stop_type: 'limit', tokens_predicted: 2 }

async function startServer() {
  const server = http.createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += piece
    const isStream = body.includes('"stream":true')
    const choice = { index: 0, finish_reason: 'stop', logprobs: null }
    const answer = (text: string) =>
      JSON.stringify({ id: 'c', model: 'gpt', choices: [{ ...choice, text }], usage })
    response.setHeader('content-type', isStream ? 'text/event-stream' : 'application/json')
    if (request.url === '/completion') response.end(JSON.stringify(ofLlama))
    else if (!isStream) response.end(answer(' # one'))
    else response.end(`data: ${answer(' # two')}\n\ndata: [DONE]\n\n`)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.dispose]: () => void server.close(),
  }
}

test('each text that is completed is a model call in a turn, and nothing of it is unseen', async () => {
  using server = await startServer()
  using workspace = makeWorkspace()
  const { folder, spool } = workspace
  const outcome = await runProgram('completes-text.ts', {
    cwd: folder,
    spool,
    env: { API: server.url },
  })
  expect(outcome).toMatchObject({ stdout: ' # one\n # two\n # three\n', stderr: '', code: 0 })
  const { spans, logs } = readRecorded(spool)
  const turns = spans.filter(isTurn)
  const calls = spans.filter((span) => !isTurn(span))
  expect(turns.map((turn) => textOf(turn, 'gen_ai.input.messages'))).toEqual([
    'a = 1',
    'b = 2',
    'c = 3',
  ])
  expect(turns.map((turn) => textOf(turn, 'gen_ai.output.messages'))).toEqual([
    ' # one',
    ' # two',
    ' # three',
  ])
  expect(calls.map(({ name, status }) => [name, status])).toEqual([
    ['text_completion gpt-3.5-turbo-instruct', 0],
    ['text_completion gpt-3.5-turbo-instruct', 0],
    ['text_completion', 0],
  ])
  expect(calls.map(({ attributes }) => attributes['gen_ai.usage.output_tokens'])).toEqual([2, 2, 2])
  expect(calls[0]?.attributes['gen_ai.input.messages']).toContain('return c')
  expect(logs.filter(({ event }) => event === 'turnlog.unseen')).toEqual([])
})
