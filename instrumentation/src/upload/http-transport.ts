/**
 * Posts one segment, exactly as it is on disk.
 *
 * The body is sent with its length, never chunked; `answer.ts` interprets the answer. Never throws, and never puts the
 * token into a reason.
 */
import { interpretAnswer, type SendResult } from './answer.ts'
import { createHttpExchange } from './http-exchange.ts'

/** An OTLP answer is a few hundred bytes. */
const answerBytesMax = 256 * 1024
/** Enough for a receiver that commits 16 MiB on a busy disk. */
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
  const { exchange, close } = createHttpExchange({ userAgent, timeoutMs, answerBytesMax })

  async function send({ url, token, body, signal }: SendRequest): Promise<SendResult> {
    const headers = {
      'content-type': 'application/json',
      'content-encoding': 'gzip',
      'content-length': body.byteLength,
    }
    const answer = await exchange({ method: 'POST', url, headers, token, body, signal })
    if ('failure' in answer) return { status: 'retry', reason: answer.failure }
    return interpretAnswer(answer, now())
  }

  return { send, close }
}
