/** A small Messages API over real HTTP: each request is answered as the test says, as JSON or as a stream. */
import { once } from 'node:events'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'

export interface ApiRequest {
  readonly model: string
  readonly stream?: boolean
  readonly messages: readonly { readonly role: string; readonly content: unknown }[]
  readonly headers: http.IncomingHttpHeaders
}

export interface ApiAnswer {
  readonly text?: string
  readonly tools?: readonly { readonly id: string; readonly name: string; readonly input: object }[]
  /** An error instead of an answer. */
  readonly status?: number
  /** Waited for before the answer begins, or, of a stream, after its first words. */
  readonly until?: Promise<unknown>
  /** The connection breaks after the first words. */
  readonly breaks?: boolean
  /** The stream ends in an error of the API, after its text. */
  readonly fails?: boolean
  readonly gzip?: boolean
}

export async function startMessagesApi(answerOf: (request: ApiRequest) => ApiAnswer) {
  const requests: ApiRequest[] = []
  const server = http.createServer((request, response) => {
    void answer(request, response).catch(() => response.destroy())
  })

  async function answer(request: http.IncomingMessage, response: http.ServerResponse) {
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece)
    const body: ApiRequest = {
      ...JSON.parse(Buffer.concat(pieces).toString()),
      headers: request.headers,
    }
    requests.push(body)
    const given = answerOf(body)
    if (given.status !== undefined) return fail(response, given.status)
    // As with the real API, no two answers have the same id.
    const id = `msg_${requests.length}`
    if (body.stream === true) return stream(response, body, given, id)
    await given.until
    const json = JSON.stringify(messageOf(body, given, id))
    const encoded = given.gzip === true ? gzipSync(json) : json
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(encoded),
      ...(given.gzip === true ? { 'content-encoding': 'gzip' } : {}),
    })
    if (given.breaks === true) {
      response.write(encoded.slice(0, 10))
      response.socket?.destroySoon()
    } else response.end(encoded)
    return undefined
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    async [Symbol.asyncDispose](): Promise<void> {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The text of the last message of the user, tool results left out. */
export function lastText({ messages }: ApiRequest): string {
  const content = messages.at(-1)?.content
  return typeof content === 'string' ? content : ''
}

function fail(response: http.ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'application/json', 'retry-after-ms': '1' })
  const type = status === 529 ? 'overloaded_error' : 'api_error'
  response.end(JSON.stringify({ type: 'error', error: { type, message: `${status} it is` } }))
}

function messageOf(request: ApiRequest, { text, tools = [] }: ApiAnswer, id: string) {
  return {
    id,
    type: 'message',
    role: 'assistant',
    model: request.model,
    content: [
      ...(text === undefined ? [] : [{ type: 'text', text }]),
      ...tools.map((tool) => ({ type: 'tool_use', ...tool })),
    ],
    stop_reason: tools.length > 0 ? 'tool_use' : 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 10, output_tokens: 5 },
  }
}

async function stream(
  response: http.ServerResponse,
  request: ApiRequest,
  given: ApiAnswer,
  id: string,
) {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const send = (type: string, data: object): void => {
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`)
  }
  const message = messageOf(request, given, id)
  send('message_start', {
    message: {
      ...message,
      content: [],
      stop_reason: null,
      usage: { input_tokens: 10, output_tokens: 1 },
    },
  })
  for (const [index, block] of message.content.entries()) {
    const isText = 'text' in block
    send('content_block_start', {
      index,
      content_block: isText ? { type: 'text', text: '' } : { ...block, input: {} },
    })
    const whole = isText ? block.text : JSON.stringify(block.input)
    const half = Math.ceil(whole.length / 2)
    for (const part of [whole.slice(0, half), whole.slice(half)]) {
      send('content_block_delta', {
        index,
        delta: isText
          ? { type: 'text_delta', text: part }
          : { type: 'input_json_delta', partial_json: part },
      })
      if (index > 0 || part !== whole.slice(0, half)) continue
      if (given.breaks === true) {
        response.socket?.destroySoon()
        return
      }
      await given.until
    }
    send('content_block_stop', { index })
  }
  if (given.fails === true) {
    send('error', { error: { type: 'overloaded_error', message: 'Overloaded' } })
    response.end()
    return
  }
  send('message_delta', {
    delta: { stop_reason: message.stop_reason },
    usage: { output_tokens: 5 },
  })
  send('message_stop', {})
  response.end()
}
