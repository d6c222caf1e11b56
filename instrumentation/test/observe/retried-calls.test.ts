/** SDKs that do not trace themselves, against a server that fails first: the attempts are one model call. */
import { once } from 'node:events'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { isTurn, turnTrees } from '../support/chat.ts'
import { startMessagesApi } from '../support/messages-api.ts'
import { runProgram, startProgram } from '../support/observed-program.ts'
import { readRecorded } from '../support/recorded.ts'
import { makeWorkspace } from '../support/workspace.ts'

/** A status, or a connection that is reset. */
type Failure = number | 'reset'

const answers = (url: string): object => {
  if (url.includes('generateContent')) {
    const content = { role: 'model', parts: [{ text: 'At last.' }] }
    return { candidates: [{ content, finishReason: 'STOP' }] }
  }
  if (url.includes('messages')) {
    const content = [{ type: 'text', text: 'At last.' }]
    const usage = { input_tokens: 3, output_tokens: 2 }
    const message = { id: 'm', type: 'message', role: 'assistant', model: 'claude-test', content }
    return { ...message, stop_reason: 'end_turn', stop_sequence: null, usage }
  }
  const message = { role: 'assistant', content: 'At last.' }
  return { id: 'c', model: 'gpt-test', choices: [{ index: 0, message, finish_reason: 'stop' }] }
}

async function startApi(failures: Failure[]) {
  const server = http.createServer(async (request, response) => {
    request.resume()
    await once(request, 'end')
    const failure = failures.shift()
    if (failure === 'reset') return request.socket.resetAndDestroy()
    const status = failure ?? 200
    const body = status < 400 ? answers(request.url ?? '') : { error: { message: 'busy' } }
    // Less than the SDKs' own waits.
    const wait = { 'retry-after-ms': '20' }
    response.writeHead(status, { 'content-type': 'application/json', ...wait })
    return response.end(JSON.stringify(body))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function run(client: string, failures: readonly Failure[], messages = ['hello']) {
  using workspace = makeWorkspace()
  await using api = await startApi([...failures])
  await using host = startProgram('retry-host.ts', {
    cwd: workspace.folder,
    spool: workspace.spool,
    env: { CLIENT: client, API: api.url },
  })
  const url = `http://127.0.0.1:${await host.line('port')}`
  const texts: string[] = []
  for (const message of messages) {
    const response = await fetch(url, { method: 'POST', body: JSON.stringify({ message }) })
    texts.push(await response.text())
  }
  await host.stop()
  const recorded = readRecorded(workspace.spool)
  const calls = recorded.spans.filter(({ kind }) => kind === 3)
  return { texts, recorded, calls, turns: recorded.spans.filter(isTurn) }
}

const attempt = 'turnlog.model_call.attempt'

test.for<[string, readonly Failure[]]>([
  ['openai', [429, 500]],
  ['openai', ['reset']],
  ['genai', [503]],
  ['ai', [529]],
])('%s after %j: one model call with its attempts', async ([client, failures]) => {
  const { texts, recorded, calls, turns } = await run(client, failures)
  expect(texts).toEqual(['At last.'])
  expect(turnTrees(recorded)).toHaveLength(1)
  expect(calls).toHaveLength(1)
  expect(calls[0]?.status).toBe(0)
  expect(calls[0]?.attributes).toMatchObject({
    [attempt]: failures.length + 1,
    'http.response.status_code': 200,
    'gen_ai.output.messages': expect.stringContaining('At last.'),
  })
  expect(turns[0]?.attributes['turnlog.turn.outcome']).toBe('completed')
})

test('a call that fails to the end is one failed call, with all attempts', async () => {
  const { texts, calls, turns } = await run('openai', [500, 500, 429])
  expect(texts).toEqual(['failed'])
  expect(calls).toHaveLength(1)
  expect(calls[0]).toMatchObject({
    status: 2,
    attributes: { [attempt]: 3, 'http.response.status_code': 429 },
  })
  expect(turns[0]?.attributes['turnlog.turn.outcome']).toBe('failed')
})

test('a failed call that nobody sends again ends when it failed, and its turn with its response', async () => {
  const { calls, turns } = await run('fetch', [500, 500], ['one', 'two'])
  expect(turns).toHaveLength(2)
  expect(calls).toHaveLength(2)
  for (const [index, call] of calls.entries()) {
    const turn = turns[index]
    expect(call.attributes).not.toHaveProperty(attempt)
    expect(call.attributes['error.type']).toBe('500')
    expect(call.endMs).toBeLessThanOrEqual((turn?.endMs ?? 0) + 1)
    expect((turn?.endMs ?? 0) - (turn?.startMs ?? 0)).toBeLessThan(4_000)
  }
})

test('a failure that is no use to send again is a call of its own', async () => {
  const { calls } = await run('fetch', [400, 400], ['one', 'one'])
  expect(calls).toHaveLength(2)
})

test('a call that an SDK sends again in a span of its own is one, and what its tool writes belongs to the turn', async () => {
  using workspace = makeWorkspace()
  let count = 0
  await using api = await startMessagesApi(() => {
    count += 1
    if (count === 1) return { status: 529 }
    const path = 'by-tool.txt'
    return count === 2
      ? { tools: [{ id: 't', name: 'write', input: { path } }] }
      : { text: 'Done.' }
  })
  const { code, stderr } = await runProgram('retries-in-own-span.ts', {
    cwd: workspace.folder,
    spool: workspace.spool,
    env: { API: api.url },
  })
  expect([code, stderr]).toEqual([0, ''])
  const { spans, logs } = readRecorded(workspace.spool)
  const [turn, ...others] = spans.filter(isTurn)
  expect(others).toEqual([])
  const [file] = spans.filter(({ name }) => name.startsWith('file.'))
  const tool = spans.find(({ name }) => name === 'execute_tool write')
  expect([file?.name, file?.parentSpanId]).toEqual(['file.create', tool?.spanId])
  expect(file?.traceId).toBe(turn?.traceId)
  const attempts = spans.map(({ attributes }) => attributes['turnlog.model_call.attempt'])
  expect(attempts.filter((each) => each !== undefined)).toEqual([2])
  expect(logs.filter(({ event }) => event === 'turnlog.unseen')).toEqual([])
})
