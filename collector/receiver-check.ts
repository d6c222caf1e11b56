/** Asks the receiver before the Collector starts, since a Collector drops what a receiver refuses for good. */
import { asString, errorCode, parseObject } from '@turnlog/conventions/plain'
import type { Settings } from './settings.ts'

const answersWithinMs = 5_000

type ReceiverState =
  | { readonly status: 'ready' }
  /** It may answer later; until then records wait in the queue. */
  | { readonly status: 'away'; readonly reason: string }
  /** Every record would be lost. */
  | { readonly status: 'refuses'; readonly reason: string }

/** Sends an empty OTLP request. */
export async function checkReceiver({
  receiver,
  token,
}: Pick<Settings, 'receiver' | 'token'>): Promise<ReceiverState> {
  let response: Response
  try {
    response = await fetch(`${receiver}/v1/traces`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: '{}',
      redirect: 'manual',
      signal: AbortSignal.timeout(answersWithinMs),
    })
  } catch (error) {
    return { status: 'away', reason: reasonOf(error) }
  }
  const text = await response.text().catch(() => '')
  if (response.ok) {
    // A captive portal, or another server, may also answer 200.
    if (parseObject(text) !== undefined) return { status: 'ready' }
    return { status: 'refuses', reason: 'what answers there is no receiver' }
  }
  if ([408, 429, 502, 503, 504].includes(response.status)) {
    return { status: 'away', reason: `it answers ${response.status}` }
  }
  const { status } = response
  // The body of OTLP's error answers is a `google.rpc.Status`.
  const message = asString(parseObject(text)?.message)?.replace(/\.$/, '')
  return { status: 'refuses', reason: `it answers ${status}${message ? `: ${message}` : ''}` }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return `no answer within ${answersWithinMs / 1_000} s`
  const { cause } = error
  return errorCode(cause) ?? error.message
}
