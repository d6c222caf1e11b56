/** A time limit that runs out is a failure, and not a stop by the user. What is not known counts as a stop. */
import { once } from 'node:events'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { isTurn } from '../support/chat.ts'
import { runProgram } from '../support/observed-program.ts'
import { readRecorded } from '../support/recorded.ts'
import { makeWorkspace } from '../support/workspace.ts'

/** Answers never, or never ends its stream; `answersFrom`: the first request that it answers. */
async function startEndlessApi(answersFrom = Number.POSITIVE_INFINITY) {
  let requests = 0
  const server = http.createServer(async (request, response) => {
    if (request.url === '/requests') {
      response.end(JSON.stringify(requests > 0))
      return
    }
    let body = ''
    for await (const piece of request) body += piece
    requests += 1
    if (requests >= answersFrom) {
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({
          id: 'msg_1',
          type: 'message',
          role: 'assistant',
          model: 'm',
          content: [{ type: 'text', text: 'At last.' }],
          stop_reason: 'end_turn',
          usage: { input_tokens: 1, output_tokens: 1 },
        }),
      )
    } else if (JSON.parse(body).stream === true) {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': ping\n\n')
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose](): Promise<void> {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function callOf(way: string, answersFrom?: number) {
  using workspace = makeWorkspace()
  const run = async (spool?: string) => {
    await using api = await startEndlessApi(answersFrom)
    const { stdout, stderr, code } = await runProgram('limits-calls.ts', {
      cwd: workspace.folder,
      spool,
      env: { API: api.url, WAY: way },
    })
    return { stdout, stderr, code }
  }
  const plain = await run()
  expect(await run(workspace.spool)).toEqual(plain)
  const { spans } = readRecorded(workspace.spool)
  const calls = spans.filter(({ attributes }) => attributes['gen_ai.operation.name'] === 'chat')
  expect(calls).toHaveLength(1)
  return { call: calls[0], turn: spans.find(isTurn), printed: plain.stdout.trim() }
}

test.for([
  ['anthropic timeout', 'APIConnectionTimeoutError', 'TimeoutError'],
  ['anthropic with AbortSignal.timeout', 'APIUserAbortError', 'TimeoutError'],
  ['openai timeout', 'APIConnectionTimeoutError', 'TimeoutError'],
  ['fetch with AbortSignal.timeout', 'DOMException', 'TimeoutError'],
  ['a stream with AbortSignal.timeout', 'DOMException', 'TimeoutError'],
  ['node:http with AbortSignal.timeout', 'AbortError', 'TimeoutError'],
  ['node-fetch with AbortSignal.timeout', 'AbortError', 'TimeoutError'],
  ['undici headersTimeout', 'TypeError', 'UND_ERR_HEADERS_TIMEOUT'],
  ['undici bodyTimeout', 'BodyTimeoutError', 'UND_ERR_BODY_TIMEOUT'],
] as const)('%s is a failure', async ([way, error, type]) => {
  const { call, turn, printed } = await callOf(way)
  expect(printed).toBe(error)
  expect(call).toMatchObject({ status: 2, attributes: { 'error.type': type } })
  expect(call?.attributes).not.toHaveProperty('turnlog.aborted')
  expect(turn?.attributes).toMatchObject({
    'turnlog.turn.outcome': 'failed',
    'turnlog.error.repeated': true,
    'error.type': type,
  })
})

test('an attempt that a time limit ends is one of its call', async () => {
  const { call, turn, printed } = await callOf('anthropic timeout, tried again', 2)
  expect(printed).toBe('answered')
  expect(call?.attributes).toMatchObject({
    'turnlog.model_call.attempt': 2,
    'gen_ai.response.finish_reasons': ['end_turn'],
  })
  expect(call?.attributes).not.toHaveProperty('error.type')
  expect(turn?.attributes['turnlog.turn.outcome']).toBe('completed')
})

test.for([
  'anthropic, stopped by a key',
  'openai, stopped by a key',
  'fetch, stopped by a key',
  'node:http, stopped by a key',
  'node:http, destroyed by a key',
  'fetch, stopped by a timer of the app',
])('%s is aborted', async (way) => {
  const { call, turn } = await callOf(way)
  expect(call?.attributes).toMatchObject({ 'turnlog.aborted': true })
  expect(call?.attributes).not.toHaveProperty('error.type')
  expect(call?.attributes).not.toHaveProperty('gen_ai.response.finish_reasons')
  expect(call?.status).not.toBe(2)
  expect(turn?.attributes['turnlog.turn.outcome']).toBe('aborted')
})
