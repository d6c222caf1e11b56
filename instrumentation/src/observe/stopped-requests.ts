/**
 * Whether a request ended because the app stopped it, as when its user presses Esc: that is no error. What the network and the
 * clients report has a code. What the app gives to an `AbortController` or to `destroy` is an abort, has no code, or is no error
 * at all. The end of `AbortSignal.timeout` is a failure.
 */
import { isAbort } from '@turnlog/conventions/dialects/failure'
import { errorCode } from '@turnlog/conventions/plain'

export function isStoppedByApp(error: unknown): boolean {
  const code = errorCode(error)
  if (code !== undefined) return isAbort(code)
  return !(error instanceof Error) || error.name !== 'TimeoutError'
}

/** What clients give that were given no reason. */
export function stopped(): DOMException {
  return new DOMException('The request was aborted.', 'AbortError')
}
