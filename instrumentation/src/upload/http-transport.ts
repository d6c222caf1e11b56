/**
 * One POST of one segment, as it lies on disk, → what became of it.
 *
 * The body is sent with its length, never chunked; redirects are not followed; the answer is read up to
 * `answerBytesMax` and judged by `answer.ts`. Ends within `timeoutMs` or when `signal` does, whichever
 * comes first. Never throws, and never puts the token into a reason.
 */
import http from 'node:http'
import https from 'node:https'
import { type HttpAnswer, interpretAnswer, type SendResult } from './answer.ts'

/** An OTLP answer is a few hundred bytes. */
const answerBytesMax = 256 * 1024
/** From the first byte out to the last one in: a receiver that commits 16 MiB on a busy disk. */
export const sendTimeoutMs = 60_000

export interface SendRequest {
  readonly url: string
  readonly token: string | undefined
  /** Gzipped OTLP/JSON. */
  readonly body: Uint8Array
  readonly signal?: AbortSignal | undefined
}

export interface HttpTransportOptions {
  readonly userAgent?: string
  readonly now?: () => number
  readonly timeoutMs?: number
}

export type HttpTransport = ReturnType<typeof createHttpTransport>

export function createHttpTransport({
  userAgent = 'turnlog',
  now = Date.now,
  timeoutMs = sendTimeoutMs,
}: HttpTransportOptions = {}) {
  // One connection each, kept open between two segments; idle, it holds no process.
  const agentOptions = { keepAlive: true, maxSockets: 1 }
  const agents = { http: new http.Agent(agentOptions), https: new https.Agent(agentOptions) }

  async function send(request: SendRequest): Promise<SendResult> {
    const first = await attempt(request)
    // A connection that the server closed while it was idle is no failure of the server.
    const last = 'isStale' in first && first.isStale ? await attempt(request) : first
    if ('failure' in last) return { status: 'retry', reason: last.failure }
    return interpretAnswer(last, now())
  }

  function attempt({ url, token, body, signal }: SendRequest): Promise<HttpAnswer | Failure> {
    return new Promise((resolve) => {
      const time = AbortSignal.timeout(timeoutMs)
      const isHttps = url.startsWith('https:')
      let request: http.ClientRequest
      try {
        request = (isHttps ? https : http).request(url, {
          method: 'POST',
          agent: isHttps ? agents.https : agents.http,
          signal: signal === undefined ? time : AbortSignal.any([signal, time]),
          headers: {
            'content-type': 'application/json',
            'content-encoding': 'gzip',
            'content-length': body.byteLength,
            accept: 'application/json',
            'user-agent': userAgent,
            ...(token !== undefined && token !== '' && { authorization: `Bearer ${token}` }),
          },
        })
      } catch (error) {
        // A header that HTTP cannot carry: a token with a line end.
        resolve({ failure: failureOf(error) })
        return
      }
      request.on('response', (response) => resolve(readAnswer(response, request)))
      request.on('error', (error) => {
        const isStale = request.reusedSocket && codeOf(error) === 'ECONNRESET'
        const failure = time.aborted ? `no answer within ${timeoutMs} ms` : failureOf(error)
        resolve({ failure, isStale })
      })
      request.end(body)
    })
  }

  return {
    send,
    /** Closes idle connections; what is under way ends by its signal. */
    close(): void {
      agents.http.destroy()
      agents.https.destroy()
    },
  }
}

interface Failure {
  readonly failure: string
  readonly isStale?: boolean
}

async function readAnswer(
  response: http.IncomingMessage,
  request: http.ClientRequest,
): Promise<HttpAnswer | Failure> {
  const head = {
    httpStatus: response.statusCode ?? 0,
    retryAfter: response.headers['retry-after'],
  }
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength
      if (bytes > answerBytesMax) {
        request.destroy()
        return { ...head, body: undefined }
      }
      chunks.push(chunk)
    }
  } catch (error) {
    // What the status says holds without the rest, except "accepted".
    const isSuccess = head.httpStatus >= 200 && head.httpStatus < 300
    return isSuccess ? { failure: failureOf(error) } : { ...head, body: undefined }
  }
  return { ...head, body: Buffer.concat(chunks).toString('utf8') }
}

/** A code such as ECONNREFUSED, else the error's name: never a message, which may quote a header. */
function failureOf(error: unknown): string {
  return codeOf(error) ?? (error instanceof Error ? error.name : 'unknown error')
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
