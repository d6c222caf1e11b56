/** Runs `work` as an app's chat handler does after a model call: inside a turn, if the app is observed. */
import { once } from 'node:events'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'

export async function inTurn(work: () => Promise<void> | void): Promise<void> {
  const model = http.createServer((request, response) => {
    request.resume().on('end', () => {
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({
          id: 'msg_1',
          type: 'message',
          role: 'assistant',
          model: 'm',
          content: [{ type: 'text', text: 'yes' }],
          stop_reason: 'end_turn',
          usage: { input_tokens: 1, output_tokens: 1 },
        }),
      )
    })
  })
  const app = http.createServer(async (request, response) => {
    request.resume()
    const answer = await fetch(`http://127.0.0.1:${portOf(model)}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close' },
      body: JSON.stringify({
        model: 'm',
        max_tokens: 1,
        messages: [{ role: 'user', content: 'q' }],
      }),
    })
    await answer.json()
    await work()
    response.end('done')
  })
  for (const server of [model, app]) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  }
  const answer = await fetch(`http://127.0.0.1:${portOf(app)}/chat`, {
    method: 'POST',
    headers: { connection: 'close' },
  })
  await answer.text()
  for (const server of [model, app]) {
    server.close()
    server.closeAllConnections()
  }
}

function portOf(server: http.Server): number {
  return (server.address() as AddressInfo).port
}
