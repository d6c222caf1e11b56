/**
 * One POST of one segment, as it lies on disk, → what became of it.
 *
 * The body is sent with its length, never chunked; the answer is judged by `answer.ts`. Never throws, and never puts
 * the token into a reason.
 */
import { interpretAnswer, type SendResult } from './answer.ts'
import { createHttpExchange } from './http-exchange.ts'

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
