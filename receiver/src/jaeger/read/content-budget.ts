/** How much of contents one answer shows. Pure. */
import type { ContentLimits } from './read-trace.ts'

export interface ContentBudget extends ContentLimits {
  /** Something did not fit. */
  isSpent(): boolean
}

/** Contents of all attributes of one answer. A viewer keeps all of it in memory. */
export const traceBytesMax = 64 * 1024 ** 2
/** Of an answer that holds many traces: a list reads little. */
export const tracesBytesMax = 16 * 1024 ** 2

export function openContentBudget(limits: {
  readonly bytesMax: number
  readonly answerBytesMax: number
}): ContentBudget {
  let left = limits.answerBytesMax
  let isSpent = false
  return {
    bytesMax: limits.bytesMax,
    take(bytes) {
      if (bytes > left) {
        isSpent = true
        return false
      }
      left -= bytes
      return true
    },
    isSpent: () => isSpent,
  }
}

/** Nothing is left out, and nothing is cut. */
export function wholeContents(): ContentBudget {
  return openContentBudget({
    bytesMax: Number.POSITIVE_INFINITY,
    answerBytesMax: Number.POSITIVE_INFINITY,
  })
}
