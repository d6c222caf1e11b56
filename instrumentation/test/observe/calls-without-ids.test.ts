/**
 * Gemini's function calls may have no ids. Each request repeats all earlier results, and two turns may call tools of one
 * name at once: a wrong match would give a call the result of another round, or of another user.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { isTurn, startChat } from '../support/chat.ts'

/** Asks for two files, then for a third with the same tool, then is done. */
const rounds = [['a.txt', 'b.txt'], ['c.txt'], []]

async function startGemini(): Promise<string> {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += piece
    const round = (JSON.parse(body).contents.length - 1) / 2
    const calls = (rounds[round] ?? []).map((path) => ({
      functionCall: { name: 'read_file', args: { path } },
    }))
    const parts = calls.length === 0 ? [{ text: 'Done.' }] : calls
    const candidates = [{ content: { parts, role: 'model' }, finishReason: 'STOP' }]
    const usageMetadata = { promptTokenCount: 10, candidatesTokenCount: 5 }
    response.setHeader('content-type', 'text/event-stream')
    response.end(`data: ${JSON.stringify({ candidates, usageMetadata })}\r\n\r\n`)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('tool calls without ids have their own results, in several rounds and turns', async () => {
  const env = { API: await startGemini() }
  await using chat = await startChat({ program: 'gemini-host.ts', answer: () => ({}), env })
  const users = ['anna', 'bert', 'carl']
  await Promise.all(users.map((user) => chat.post(user)))
  const { spans } = await chat.recorded()
  const turns = spans.filter(isTurn)
  const results = turns.map(({ traceId }) =>
    spans
      .filter((span) => span.traceId === traceId && span.name === 'execute_tool read_file')
      .map(({ attributes }) => [
        JSON.parse(String(attributes['gen_ai.tool.call.arguments'])).path,
        attributes['gen_ai.tool.call.result'],
      ]),
  )
  const expected = users.map((user) => rounds.flat().map((path) => [path, `${user}: ${path}`]))
  expect(results.toSorted()).toEqual(expected)
  expect(turns.map(({ attributes }) => attributes['gen_ai.usage.input_tokens'])).toEqual([
    30, 30, 30,
  ])
})
