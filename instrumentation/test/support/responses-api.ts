/** A small Responses API over real HTTP: each request is answered as the test says, as JSON or as a stream. */
import { once } from 'node:events'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ResponsesRequest {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly stream?: boolean
  readonly background?: boolean
  readonly input?: readonly { readonly [name: string]: unknown }[]
  readonly previous_response_id?: string | null
}

export interface ResponsesAnswer {
  readonly status?: string
  readonly output?: readonly object[]
  /** As the status says, or else; the id is the server's. */
  readonly members?: object
  /** An error in place of a response. */
  readonly code?: number
  /** The connection of a stream breaks after the first event. */
  readonly breaks?: boolean
}

export const message = (text: string): object => ({
  type: 'message',
  id: 'msg_1',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text, annotations: [] }],
})

export const functionCall = (call_id: string, name: string, given: object): object => ({
  type: 'function_call',
  id: `fc_${call_id}`,
  call_id,
  name,
  arguments: JSON.stringify(given),
  status: 'completed',
})

export const usage = {
  input_tokens: 10,
  input_tokens_details: { cached_tokens: 4 },
  output_tokens: 5,
  output_tokens_details: { reasoning_tokens: 2 },
  total_tokens: 15,
}

export async function startResponsesApi(answerOf: (request: ResponsesRequest) => ResponsesAnswer) {
  let count = 0
  const server = http.createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += piece
    const path = request.url ?? ''
    const isPost = request.method === 'POST' && !path.includes('/cancel')
    const asked: ResponsesRequest = {
      ...(body === '' ? {} : JSON.parse(body)),
      method: request.method,
      path,
    }
    if (isPost) count += 1
    const id = isPost ? `resp_${count}` : /resp_\d+/.exec(path)?.[0]
    const { status = 'completed', output = [], members, code, breaks } = answerOf(asked)
    if (code !== undefined) {
      response.writeHead(code, { 'content-type': 'application/json', 'x-should-retry': 'false' })
      response.end(JSON.stringify({ error: { message: `${code} it is`, type: 'server_error' } }))
      return
    }
    const background = asked.background === true || !isPost
    const isDone = status === 'completed'
    const head = { id, object: 'response', created_at: 1, model: 'gpt-test', background }
    const whole = {
      ...head,
      status,
      error: null,
      incomplete_details: null,
      output,
      usage: isDone ? usage : null,
      ...members,
    }
    if (asked.stream !== true && !path.includes('stream=true')) {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(whole))
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const send = (type: string, event: object): void => {
      response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...event })}\n\n`)
    }
    const begun = { ...head, status: 'in_progress', output: [], error: null, usage: null }
    send('response.created', { sequence_number: 0, response: begun })
    if (breaks === true) {
      response.socket?.destroySoon()
      return
    }
    for (const [output_index, item] of output.entries()) {
      send('response.output_item.added', { output_index, item: { ...item, content: [] } })
      send('response.output_item.done', { output_index, item })
    }
    send(`response.${status}`, { response: whole })
    response.end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose](): Promise<void> {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
