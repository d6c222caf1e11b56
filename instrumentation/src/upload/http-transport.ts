/**
 * One HTTP request and its answer, and on it the transport that posts a segment exactly as it is on disk.
 *
 * Does not follow redirects. Reads at most `answerBytesMax` of the answer. Ends after `timeoutMs` or when `signal` is
 * aborted, whichever comes first. Never throws, and never puts a header into a reason.
 */

import http from 'node:http'
import https from 'node:https'
import { ledgerHeader } from '@turnlog/conventions'
import { errorCode, errorName } from '@turnlog/conventions/plain'
import { type HttpAnswer, interpretAnswer, type SendResult } from './answer.ts'
import { createLookup } from './lookup.ts'

/** An OTLP answer is a few hundred bytes. */
const answerBytesMax = 256 * 1024
/** Enough for a receiver that commits 16 MiB on a busy disk. */
export const sendTimeoutMs = 60_000

export type SendRequest = Required<Pick<HttpQuestion, 'url' | 'token' | 'body'>> &
  Pick<HttpQuestion, 'signal'>

export type HttpTransport = ReturnType<typeof createHttpTransport>

export function createHttpTransport({
  timeoutMs = sendTimeoutMs,
  ...options
}: Partial<Pick<HttpExchangeOptions, 'userAgent' | 'timeoutMs'>> = {}) {
  const { exchange, close } = createHttpExchange({ ...options, timeoutMs, answerBytesMax })

  /** `body` is gzipped OTLP/JSON; it is sent with its length, never chunked. */
  async function send({ url, token, body, signal }: SendRequest): Promise<SendResult> {
    const headers = {
      'content-type': 'application/json',
      'content-encoding': 'gzip',
      'content-length': body.byteLength,
    }
    const answer = await exchange({ method: 'POST', url, headers, token, body, signal })
    if ('failure' in answer) return { status: 'retry', reason: answer.failure }
    return interpretAnswer(answer, Date.now())
  }

  return { send, close }
}

interface HttpQuestion {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly headers: Readonly<Record<string, string | number>>
  readonly token: string | undefined
  readonly body?: Uint8Array
  readonly signal?: AbortSignal | undefined
}

interface HttpExchangeOptions {
  readonly userAgent?: string
  /** From the first byte sent to the last one received. */
  readonly timeoutMs: number
  readonly answerBytesMax: number
}

export function createHttpExchange({
  userAgent = 'turnlog',
  timeoutMs,
  answerBytesMax,
}: HttpExchangeOptions) {
  // One connection each, kept open between requests. An idle connection does not hold the process.
  const agentOptions = { keepAlive: true, maxSockets: 1, lookup: createLookup() }
  const agents = { http: new http.Agent(agentOptions), https: new https.Agent(agentOptions) }

  async function exchange(question: HttpQuestion): Promise<HttpAnswer | Failure> {
    const first = await attempt(question)
    // The server may close an idle connection; that is not a failure.
    return 'isStale' in first && first.isStale ? attempt(question) : first
  }

  function attempt(question: HttpQuestion): Promise<HttpAnswer | Failure> {
    const { url, token, body, signal } = question
    return new Promise((resolve) => {
      const time = AbortSignal.timeout(timeoutMs)
      const isHttps = url.startsWith('https:')
      let request: http.ClientRequest
      try {
        request = (isHttps ? https : http).request(url, {
          method: question.method,
          agent: isHttps ? agents.https : agents.http,
          signal: signal === undefined ? time : AbortSignal.any([signal, time]),
          headers: {
            ...question.headers,
            accept: 'application/json',
            'user-agent': userAgent,
            ...(token !== undefined && token !== '' && { authorization: `Bearer ${token}` }),
          },
        })
      } catch (error) {
        // A header that HTTP does not allow, such as a token with a line end.
        resolve({ failure: errorName(error) })
        return
      }
      request.on('response', (response) =>
        resolve(readAnswer(response, { request, answerBytesMax })),
      )
      request.on('error', (error) => {
        const isStale = request.reusedSocket && errorCode(error) === 'ECONNRESET'
        const failure = time.aborted ? `no answer within ${timeoutMs} ms` : errorName(error)
        resolve({ failure, isStale })
      })
      request.end(body)
    })
  }

  return {
    exchange,
    /** Closes idle connections; a request under way ends by its signal. */
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
  { request, answerBytesMax }: { request: http.ClientRequest; answerBytesMax: number },
): Promise<HttpAnswer | Failure> {
  const ledger = response.headers[ledgerHeader]
  const head = {
    httpStatus: response.statusCode ?? 0,
    retryAfter: response.headers['retry-after'],
    ledger: typeof ledger === 'string' ? ledger : undefined,
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
    // A refusal is valid without its body; a success is not.
    const isSuccess = head.httpStatus >= 200 && head.httpStatus < 300
    return isSuccess ? { failure: errorName(error) } : { ...head, body: undefined }
  }
  return { ...head, body: Buffer.concat(chunks).toString('utf8') }
}
