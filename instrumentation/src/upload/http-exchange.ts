/**
 * One HTTP request and its answer.
 *
 * Does not follow redirects. Reads at most `answerBytesMax` of the answer. Ends after `timeoutMs` or when `signal` is
 * aborted, whichever comes first. Never throws, and never puts a header into a reason.
 */

import http from 'node:http'
import https from 'node:https'
import { ledgerHeader } from '@turnlog/conventions'
import { errorCode, errorName } from '@turnlog/conventions/plain'
import type { HttpAnswer } from './answer.ts'

export interface HttpQuestion {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly headers: Readonly<Record<string, string | number>>
  readonly token: string | undefined
  readonly body?: Uint8Array
  readonly signal?: AbortSignal | undefined
}

export interface HttpFailure {
  readonly failure: string
}

export interface HttpExchangeOptions {
  readonly userAgent: string
  /** From the first byte sent to the last one received. */
  readonly timeoutMs: number
  readonly answerBytesMax: number
}

export function createHttpExchange({ userAgent, timeoutMs, answerBytesMax }: HttpExchangeOptions) {
  // One connection each, kept open between requests. An idle connection does not hold the process.
  const agentOptions = { keepAlive: true, maxSockets: 1 }
  const agents = { http: new http.Agent(agentOptions), https: new https.Agent(agentOptions) }

  async function exchange(question: HttpQuestion): Promise<HttpAnswer | HttpFailure> {
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

interface Failure extends HttpFailure {
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
