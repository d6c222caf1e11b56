/** A library ends the span of its call when a server has accepted it and works on. The span can stay open until the answer has come. */
import type { Span } from '@opentelemetry/api'
import { replaceMethod } from './replace-method.ts'

/**
 * From now on the open span does not end when its library ends it. The returned function ends it, at `at` (milliseconds since 1970) or
 * now, if the library has done so; else the library will. Called again, it does nothing.
 */
export function postponeEnd(span: Span): (at?: number) => void {
  let isEndedByLibrary = false
  const restore = replaceMethod(span, 'end', () => {
    return function end() {
      isEndedByLibrary = true
      return undefined
    }
  })
  return (at) => {
    restore()
    if (!isEndedByLibrary) return
    isEndedByLibrary = false
    span.end(at)
  }
}
