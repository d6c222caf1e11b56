/** Computes how long to wait before the next attempt. Pure; clock and random numbers are arguments. */

export interface Backoff {
  /** After the first failure; each further failure doubles it. */
  readonly firstMs: number
  readonly maxMs: number
}

/** No answer, or "later": back within a second after a short break, then every half minute. */
export const offlineBackoff: Backoff = { firstMs: 1_000, maxMs: 30_000 }
/** The token or the address is wrong; only a person can help, so ask rarely. */
export const pausedBackoff: Backoff = { firstMs: 5_000, maxMs: 60_000 }
/** The longest `Retry-After` that is obeyed. */
export const retryAfterMsMax = 15 * 60_000

/** A quarter more or less: it grows with the delay, so that a fleet does not return at one moment. */
const jitterShare = 0.25

export function backoffMs(
  { firstMs, maxMs }: Backoff,
  { failures, random }: { readonly failures: number; readonly random: () => number },
): number {
  const delay = Math.min(maxMs, firstMs * 2 ** Math.min(Math.max(failures - 1, 0), 30))
  return Math.round(delay * (1 + jitterShare * (2 * random() - 1)))
}

/** Never less than the server asked for; the jitter is added. */
export function retryAfterWithJitterMs(afterMs: number, random: () => number): number {
  return Math.round(Math.min(afterMs, retryAfterMsMax) * (1 + jitterShare * random()))
}

/** Seconds or an HTTP date; undefined for anything else. */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  const text = value?.trim() ?? ''
  if (/^\d+(?:\.\d+)?$/.test(text)) return Math.round(Number(text) * 1_000)
  // `Date.parse` accepts much that is not an HTTP date.
  if (!/^[A-Za-z]{3,9},? .*\d{2}:\d{2}:\d{2}/.test(text)) return undefined
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs)
}
