/** How many bytes of contents one answer shows. Pure. */

export interface ContentBudget {
  /** Of one attribute; of a larger one the beginning is shown. */
  readonly bytesMax: number
  /** Takes the bytes of one content from the answer's; false when they do not fit. */
  take(bytes: number): boolean
  /** True once a content did not fit. */
  isSpent(): boolean
}

/** Contents of one answer with one trace. A viewer keeps all of it in memory. */
export const traceBytesMax = 64 * 1024 ** 2
/** Contents of one answer with many traces: a viewer's list needs little of them. */
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
