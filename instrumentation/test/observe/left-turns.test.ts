/** A user who leaves in the middle of a streamed answer, which the app reads to its end. */
import { once } from 'node:events'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { isTurn, textOf } from '../support/chat.ts'
import { startProgram } from '../support/observed-program.ts'
import { readRecorded } from '../support/recorded.ts'
import { makeWorkspace } from '../support/workspace.ts'

const event = (type: string, more: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`

const begin = [
  event('message_start', {
    message: {
      id: 'm',
      type: 'message',
      role: 'assistant',
      model: 'claude-test',
      content: [],
      stop_reason: null,
      usage: { input_tokens: 3, output_tokens: 1 },
    },
  }),
  event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
]
const text = (piece: string): string =>
  event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: piece } })
const end = [
  event('content_block_stop', { index: 0 }),
  event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 9 } }),
  event('message_stop', {}),
]

/** Sends the second half of an answer when `goOn` is called. */
async function startApi() {
  const { promise, resolve: goOn } = Promise.withResolvers<void>()
  const server = http.createServer(async (request, response) => {
    request.resume()
    await once(request, 'end')
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write([...begin, text('The first half, ')].join(''))
    await promise
    response.end([text('and the second.'), ...end].join(''))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    goOn,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

test.each(['plain', 'ai'])(
  'a turn whose user leaves is aborted, with the answer that was sent (%s)',
  async (client) => {
    using workspace = makeWorkspace()
    await using api = await startApi()
    await using host = startProgram('stream-host.ts', {
      cwd: workspace.folder,
      spool: workspace.spool,
      env: { CLIENT: client, API: api.url },
    })
    const request = http.request({
      host: '127.0.0.1',
      port: await host.line('port'),
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      agent: false,
    })
    request.on('error', () => undefined)
    request.end(JSON.stringify({ message: 'Tell me.' }))
    const [response]: [http.IncomingMessage] = (await once(request, 'response')) as never
    await once(response, 'data')
    request.destroy()
    await host.line('left')
    api.goOn()
    await host.line('done')
    await host.stop()
    const { spans } = readRecorded(workspace.spool)
    const turns = spans.filter(isTurn)
    expect(turns).toHaveLength(1)
    const [turn] = turns
    expect(turn?.attributes['turnlog.turn.outcome']).toBe('aborted')
    expect(turn?.attributes['gen_ai.conversation.id']).toBe('conversation-1')
    expect(textOf(turn, 'gen_ai.output.messages')).toBe('The first half, ')
    const call = spans.find(({ kind }) => kind === 3)
    expect(textOf(call, 'gen_ai.output.messages')).toBe('The first half, and the second.')
    expect(call?.traceId).toBe(turn?.traceId)
  },
)
