/** A receiver for tests: a real HTTP server on a free port, with answers from the test. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'

export interface Received {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly rawBody: Buffer
  readonly body: string
}

export type Answer = (request: Received, response: ServerResponse) => void

export const accept: Answer = (_, response) => {
  response.setHeader('content-type', 'application/json').end('{}')
}

export function status(code: number, body = '', headers: Record<string, string> = {}): Answer {
  return (_, response) => {
    response.writeHead(code, headers).end(body)
  }
}

/** Answers by `answer`, which a test may replace at any time. */
export async function startReceiver(first: Answer = accept) {
  const received: Received[] = []
  const state = { answer: first }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const rawBody = Buffer.concat(chunks)
      const isGzip = request.headers['content-encoding'] === 'gzip' && rawBody.length > 0
      const one = {
        method: request.method,
        url: request.url,
        headers: request.headers,
        rawBody,
        body: (isGzip ? gunzipSync(rawBody) : rawBody).toString(),
      }
      received.push(one)
      state.answer(one, response)
    })
  })
  await listen(0)
  const { port } = server.address() as AddressInfo

  function listen(on: number): Promise<void> {
    return new Promise((resolve) => server.listen(on, '127.0.0.1', () => resolve()))
  }
  function stop(): Promise<void> {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(() => resolve()))
  }

  return {
    url: `http://127.0.0.1:${port}`,
    received,
    answerWith(answer: Answer): void {
      state.answer = answer
    },
    /** Stops listening; `start` listens again on the same port. */
    stop,
    start: () => listen(port),
    closeIdle: () => server.closeIdleConnections(),
    [Symbol.asyncDispose]: stop,
  }
}
