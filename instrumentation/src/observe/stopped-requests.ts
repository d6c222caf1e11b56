/**
 * Whether a request ended because the app stopped it, as when its user presses Esc: that is no error. What the network and the
 * clients report has a code. What the app gives to an `AbortController` or to `destroy` is an abort, has no code, or is no error
 * at all. A time limit that has run out is a failure.
 */
import { isAbort } from '@turnlog/conventions/dialects/failure'
import { errorCode } from '@turnlog/conventions/plain'
import { isTimeLimit } from './time-limits.ts'

const timeout = 'TimeoutError'
/** Of axios, which gives it for its time limit and for connections that break. */
const brokenOff = 'ECONNABORTED'

export function isStoppedByApp(error: unknown): boolean {
  const code = errorCode(error)
  if (code !== undefined) return isAbort(code)
  return !isTimeout(error)
}

/**
 * Why a request ends that ends with `error`. Called where that happens, since a time limit that has run out is seen there
 * (`time-limits.ts`): then it is a `TimeoutError`.
 */
export function reasonOfEnd(error: unknown): unknown {
  if (!isStoppedByApp(error) && errorCode(error) !== brokenOff) return error
  // Node's clients put the signal's reason there.
  const cause = error instanceof Error ? error.cause : undefined
  if (isTimeout(cause)) return cause
  if (isTimeLimit()) return new DOMException('The time limit has run out.', timeout)
  return error ?? stopped()
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === timeout
}

/** What clients give that were given no reason. */
function stopped(): DOMException {
  return new DOMException('The request was aborted.', 'AbortError')
}
