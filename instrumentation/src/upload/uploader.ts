/**
 * The loop that empties the spool: the oldest segment, sent; then by what became of it.
 *
 * - *sending*: one segment at a time, oldest first. Accepted: acknowledged, and the next. Rejected: set
 *   aside whole and counted, and the next; a bad segment never blocks those behind it.
 * - *idle*: nothing there; waits for `wake()`.
 * - *offline*: nobody answers, or answers "later". Waits, 1 s growing to 30 s, longer where the server
 *   says so. The segment stays the oldest.
 * - *paused* (`unauthorized`, `misconfigured`): only a person can help. One probe after 5 s, growing to
 *   60 s; the token is read again for each. Nothing is given up.
 * - *closed*: after `close` or the signal. A close sends what is waiting while that goes well, and ends
 *   at the first trouble or when its time is over.
 *
 * Law: taken from the source = acknowledged + set aside + still there. No timer here holds the process.
 */

import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { errorName } from '@turnlog/conventions/plain'
import type { SendResult } from './answer.ts'
import type { EndpointUrls } from './endpoint.ts'
import type { HttpTransport } from './http-transport.ts'
import {
  type Backoff,
  backoffMs,
  offlineBackoff,
  pausedBackoff,
  retryAfterWithJitterMs,
} from './retry.ts'

export interface Segment {
  readonly path: string
  readonly signal: keyof EndpointUrls
  readonly bytes: number
}

/** What the uploader needs of a spool. */
export interface SegmentSource<Item extends Segment = Segment> {
  /** The oldest that is there; undefined when there is none. Another one once its file is gone. */
  next(): Promise<Item | undefined>
  /**
   * The endpoint has taken it; `isCommitted`: the receiver says that it has landed. Some of its records may have been
   * rejected, for good.
   */
  acknowledge(
    segment: Item,
    outcome: { isCommitted: boolean; rejected: number; message?: string },
  ): Promise<void>
  /** It will never be taken: set aside, whole. */
  quarantine(segment: Item, reason: string): Promise<void>
}

export const uploaderStates = [
  'idle',
  'sending',
  'offline',
  'unauthorized',
  'misconfigured',
  'closed',
] as const
export type UploaderState = (typeof uploaderStates)[number]

export interface UploaderHealth {
  readonly state: UploaderState
  /** Why the last attempt failed; undefined after one that did not. */
  readonly reason: string | undefined
  readonly segmentsAccepted: number
  readonly segmentsQuarantined: number
  readonly recordsRejected: number
  readonly attemptsFailed: number
}

export interface UploaderOptions<Item extends Segment> {
  readonly source: SegmentSource<Item>
  readonly transport: Pick<HttpTransport, 'send'>
  readonly urls: EndpointUrls
  /** Asked for each attempt, so that a changed file or setting counts at the next probe. */
  readonly token: () => string | undefined
  readonly random?: () => number
  /** Ends everything at once. */
  readonly signal?: AbortSignal | undefined
  /** Told of every change. */
  readonly onHealth?: (health: UploaderHealth) => void
  readonly offline?: Backoff
  readonly paused?: Backoff
}

export type Uploader = ReturnType<typeof createUploader>

export function createUploader<Item extends Segment>({
  source,
  transport,
  urls,
  token,
  random = Math.random,
  signal,
  onHealth,
  offline = offlineBackoff,
  paused = pausedBackoff,
}: UploaderOptions<Item>) {
  let health: UploaderHealth = {
    state: 'idle',
    reason: undefined,
    segmentsAccepted: 0,
    segmentsQuarantined: 0,
    recordsRejected: 0,
    attemptsFailed: 0,
  }
  /** Ends every wait. */
  const closing = new AbortController()
  /** Ends the request that is under way, too. */
  const aborting = new AbortController()
  /** Resolves what `idle` waits for. */
  let awaken = () => {}
  let isAwake = false
  /** What has gone wrong since the last success, and how often in a row. */
  let trouble: { readonly state: TroubleState; readonly failures: number } | undefined

  if (signal?.aborted) stopNow()
  signal?.addEventListener('abort', stopNow, { once: true })
  const running = run()

  function stopNow(): void {
    aborting.abort()
    stopWaiting()
  }

  function stopWaiting(): void {
    closing.abort()
    awaken()
  }

  function report(change: Partial<UploaderHealth>): void {
    health = { ...health, ...change }
    try {
      onHealth?.(health)
    } catch {
      // Whoever listens cannot stop the upload.
    }
  }

  async function run(): Promise<void> {
    while (!aborting.signal.aborted) {
      try {
        const segment = await source.next()
        if (segment === undefined) {
          if (closing.signal.aborted) break
          report({ state: 'idle', reason: undefined })
          await waitForWake()
          continue
        }
        if (!(await deliver(segment)) && closing.signal.aborted) break
      } catch (error) {
        // The spool itself fails: what was sent is sent again later, which changes nothing.
        await fail('offline', { reason: `spool: ${errorName(error)}` })
        if (closing.signal.aborted) break
      }
    }
    report({ state: 'closed' })
  }

  /** Whether the way is free for the next. */
  async function deliver(segment: Item): Promise<boolean> {
    report({ state: 'sending' })
    const result = await attempt(segment)
    switch (result.status) {
      case 'accepted': {
        const { status: _, ...outcome } = result
        await source.acknowledge(segment, outcome)
        trouble = undefined
        report({
          reason: undefined,
          segmentsAccepted: health.segmentsAccepted + 1,
          recordsRejected: health.recordsRejected + result.rejected,
        })
        return true
      }
      case 'rejected':
        await source.quarantine(segment, result.reason)
        trouble = undefined
        report({
          reason: result.reason,
          segmentsQuarantined: health.segmentsQuarantined + 1,
        })
        return true
      case 'retry':
        await fail('offline', result)
        return false
      case 'unauthorized':
      case 'misconfigured':
        await fail(result.status, result)
        return false
    }
  }

  async function attempt(segment: Item): Promise<SendResult> {
    let body: Uint8Array
    try {
      body = await readFile(segment.path)
    } catch (error) {
      const reason = `unreadable: ${errorName(error)}`
      // Gone: somebody else delivered it. Else it would block those behind it for ever.
      return reason.endsWith('ENOENT')
        ? { status: 'retry', reason }
        : { status: 'rejected', reason, httpStatus: 0 }
    }
    return transport.send({
      url: urls[segment.signal],
      token: token(),
      body,
      signal: aborting.signal,
    })
  }

  async function fail(
    state: TroubleState,
    { reason, afterMs }: { readonly reason: string; readonly afterMs?: number },
  ): Promise<void> {
    if (aborting.signal.aborted) return
    const failures = trouble?.state === state ? trouble.failures + 1 : 1
    trouble = { state, failures }
    report({ state, reason, attemptsFailed: health.attemptsFailed + 1 })
    const backoff = state === 'offline' ? offline : paused
    const waitMs =
      afterMs === undefined
        ? backoffMs(backoff, { failures, random })
        : Math.max(backoff.firstMs, retryAfterWithJitterMs(afterMs, random))
    // An end of the wait before its time is a close: the loop looks at that itself.
    await sleep(waitMs, undefined, { signal: closing.signal, ref: false }).catch(() => {})
  }

  /** A wake that came before the wait counts: the segment may be newer than the last look. */
  async function waitForWake(): Promise<void> {
    if (!isAwake && !closing.signal.aborted) {
      await new Promise<void>((resolve) => {
        awaken = resolve
      })
    }
    isAwake = false
  }

  return {
    /** A segment is there. */
    wake(): void {
      isAwake = true
      awaken()
    },
    health(): UploaderHealth {
      return health
    },
    /** Sends what is waiting, at most for `withinMs`, and ends. May be called again. */
    async close({ withinMs }: { readonly withinMs: number }): Promise<UploaderHealth> {
      stopWaiting()
      const deadline = sleep(withinMs, undefined, { signal: aborting.signal, ref: false })
      void deadline.then(stopNow, () => {})
      await running
      stopNow()
      signal?.removeEventListener('abort', stopNow)
      return health
    },
  }
}

type TroubleState = 'offline' | 'unauthorized' | 'misconfigured'
