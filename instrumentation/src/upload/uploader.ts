/**
 * Empties the spool: sends the oldest segment, one at a time, and reports to the spool what became of it. The waits
 * between attempts are those of loop.ts.
 *
 * - accepted: acknowledged, then the next.
 * - rejected: quarantined whole, then the next; a bad segment never blocks those behind it.
 * - `offline`: nobody answers, or the answer is "later". Waits 1 s growing to 30 s; the segment stays the oldest.
 * - `unauthorized`, `misconfigured`: only a person can help. Probes after 5 s, growing to 60 s, and reads the token again
 *   for each. Nothing is given up.
 *
 * Law: segments taken from the source = acknowledged + quarantined + still there.
 */
import { readFile } from 'node:fs/promises'
import { errorCode } from '@turnlog/conventions/plain'
import type { SendResult } from './answer.ts'
import type { EndpointUrls } from './endpoint.ts'
import type { HttpTransport } from './http-transport.ts'
import { Loop, type LoopOptions, type Next } from './loop.ts'
import { offlineBackoff, pausedBackoff } from './retry.ts'

export interface Segment {
  readonly path: string
  readonly signal: keyof EndpointUrls
  readonly bytes: number
}

/** What the uploader needs of a spool. */
export interface SegmentSource<Item extends Segment = Segment> {
  /** The oldest segment; undefined when there is none. Another one once its file is missing. */
  next(): Promise<Item | undefined>
  /**
   * The endpoint has taken it; `isCommitted`: the receiver says that it has landed. Some of its records may have been
   * rejected, for good.
   */
  acknowledge(
    segment: Item,
    outcome: { isCommitted: boolean; rejected: number; message?: string },
  ): Promise<void>
  /** No endpoint will ever take it. */
  quarantine(segment: Item, reason: string): Promise<void>
}

export interface UploaderOptions<Item extends Segment>
  extends Partial<Omit<LoopOptions, 'step' | 'afterWake'>> {
  readonly source: SegmentSource<Item>
  readonly transport: Pick<HttpTransport, 'send'>
  readonly urls: EndpointUrls
  /** Read for each attempt, so that a changed file or setting counts at the next probe. */
  readonly token: () => string | undefined
}

/** Wake it when there is a new segment. Closing it sends what is waiting, while that succeeds. */
export function createUploader<Item extends Segment>({
  source,
  transport,
  urls,
  token,
  ...options
}: UploaderOptions<Item>): Loop {
  const loop = new Loop({ offline: offlineBackoff, paused: pausedBackoff, ...options, step })
  return loop

  async function step({ signal }: { readonly signal: AbortSignal }): Promise<Next> {
    const segment = await source.next()
    if (segment === undefined) return 'idle'
    const result = await send(segment, signal)
    switch (result.status) {
      case 'accepted': {
        const { status: _, ...outcome } = result
        await source.acknowledge(segment, outcome)
        loop.count('sent')
        if (outcome.isCommitted) loop.count('confirmed')
        loop.count('recordsRejected', result.rejected)
        return 'again'
      }
      case 'rejected':
        await source.quarantine(segment, result.reason)
        loop.count('quarantined')
        return 'again'
      case 'retry':
        return { ...result, kind: 'offline' }
      case 'unauthorized':
      case 'misconfigured':
        return { ...result, kind: result.status }
    }
  }

  async function send(segment: Item, signal: AbortSignal): Promise<SendResult> {
    let body: Uint8Array
    try {
      body = await readFile(segment.path)
    } catch (error) {
      const reason = `unreadable: ${errorCode(error) ?? 'unknown error'}`
      // Without a file another process has delivered it; any other error would block the segments behind it for ever.
      return errorCode(error) === 'ENOENT'
        ? { status: 'retry', reason }
        : { status: 'rejected', reason, httpStatus: 0 }
    }
    return transport.send({ url: urls[segment.signal], token: token(), body, signal })
  }
}
