/** Puts spool → upload → confirm together for one destination. Part of the worker's composition. */
import { originalFs } from '../file-system.ts'
import { openSpool, type Spool } from '../spool/spool.ts'
import { type DeclareLost, UnconfirmedSegments } from '../spool/unconfirmed-segments.ts'
import { createCompletenessTransport } from '../upload/completeness.ts'
import { Confirmer } from '../upload/confirmer.ts'
import { parseEndpoint } from '../upload/endpoint.ts'
import { createHttpTransport } from '../upload/http-transport.ts'
import { isWaitingAfterFailure } from '../upload/loop.ts'
import { createUploader } from '../upload/uploader.ts'
import type { WorkerConfig } from './protocol.ts'

export interface DeliveryOptions {
  readonly config: WorkerConfig
  /** The destination's folder. */
  readonly directory: string
  readonly declareLost: DeclareLost
  /** Called when something that this recorder sent has not landed, or may not have. */
  readonly onLost: (folder: string) => void
}

const dayMs = 86_400_000
/** How often the age of unconfirmed segments is checked when no receiver can be asked. */
const limitEveryMs = 10 * 60_000

export interface Delivery {
  readonly spool: Spool
  /** There is something to send. */
  wake(): void
  /** The last request failed, and the next one comes later. */
  hasFailed(): boolean
  /** A receiver can be asked about something that was sent, and has not answered yet. */
  isUnconfirmed(): boolean
}

export function startDelivery({
  config,
  directory,
  declareLost,
  onLost,
}: DeliveryOptions): Delivery {
  const { endpoint, receiver, token, receiverToken } = config
  const parsed = endpoint === undefined ? undefined : parseEndpoint(endpoint)
  if (parsed?.status !== 'ok') {
    const spool = openSpool(originalFs)
    return { spool, wake: () => {}, hasFailed: () => false, isUnconfirmed: () => false }
  }

  const unconfirmed = new UnconfirmedSegments({
    fileSystem: originalFs,
    directory,
    limits: { ageMsMax: config.keptDaysMax * dayMs, bytesMax: config.keptBytesMax },
    declareLost,
    onAdded: () => onSent(),
    onLost,
  })
  const spool = openSpool(originalFs, unconfirmed)
  const confirmer =
    receiver === undefined
      ? undefined
      : new Confirmer({
          source: unconfirmed,
          transport: createCompletenessTransport({ baseUrl: receiver, token: () => receiverToken }),
          resendAfterMs: config.resendAfterSeconds * 1_000,
          onSentAgain: () => uploader.wake(),
        })
  const uploader = createUploader({
    source: {
      ...spool,
      acknowledge: async (segment, { isCommitted, rejected }) => {
        if (rejected > 0) onLost(segment.folder)
        // If endpoint and receiver are the same URL, the endpoint's answer is the receiver's.
        const isConfirmed = isCommitted || endpoint === receiver
        await spool.acknowledge(segment, { isCommitted: isConfirmed })
        if (!isConfirmed) onSent()
      },
      quarantine: async (segment, reason) => {
        onLost(segment.folder)
        await spool.quarantine(segment, reason)
      },
    },
    transport: createHttpTransport(),
    urls: parsed.urls,
    token: () => token,
  })

  function onSent(): void {
    if (confirmer === undefined) limit()
    else confirmer.wake()
  }

  /** No receiver can be asked, so nothing is waited for. */
  function limit(): void {
    unconfirmed.limit(() => true)
  }

  if (confirmer === undefined) setInterval(limit, limitEveryMs).unref()
  return {
    spool,
    wake: () => uploader.wake(),
    hasFailed: () => isWaitingAfterFailure(uploader.health),
    isUnconfirmed: () =>
      confirmer !== undefined &&
      !isWaitingAfterFailure(confirmer.health) &&
      unconfirmed.all().length > 0,
  }
}
