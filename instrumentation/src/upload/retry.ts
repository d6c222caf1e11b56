/** How long to wait: pure; clock and dice are arguments. */

export interface Backoff {
  /** After the first failure. Doubled by each further one. */
  readonly firstMs: number
  readonly maxMs: number
}

/** Nothing answers, or it says "later": back within a second of a short break, twice a minute after. */
export const offlineBackoff: Backoff = { firstMs: 1_000, maxMs: 30_000 }
/** The token or the address is wrong: only a person can help, so ask rarely. */
export const pausedBackoff: Backoff = { firstMs: 5_000, maxMs: 60_000 }
/** A server that says "in a week" is not believed beyond this. */
export const retryAfterMsMax = 15 * 60_000

/** A quarter up or down, so that it grows with the delay and a fleet does not come back at one moment. */
const jitterShare = 0.25

export function backoffMs(
  { firstMs, maxMs }: Backoff,
  { failures, random }: { readonly failures: number; readonly random: () => number },
): number {
  const delay = Math.min(maxMs, firstMs * 2 ** Math.min(Math.max(failures - 1, 0), 30))
  return Math.round(delay * (1 + jitterShare * (2 * random() - 1)))
}

/** Never before what the server asked for; the jitter comes on top. */
export function retryAfterWithJitterMs(afterMs: number, random: () => number): number {
  return Math.round(Math.min(afterMs, retryAfterMsMax) * (1 + jitterShare * random()))
}

/** `Retry-After`: seconds or an HTTP date. Undefined where it is neither. */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  const text = value?.trim() ?? ''
  if (/^\d+(?:\.\d+)?$/.test(text)) return Math.round(Number(text) * 1_000)
  // Only dates as HTTP writes them: `Date.parse` takes much else for one.
  if (!/^[A-Za-z]{3,9},? .*\d{2}:\d{2}:\d{2}/.test(text)) return undefined
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs)
}
