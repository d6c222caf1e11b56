/**
 * The host's side of the sealing worker: starts it, tells it what is closed, starts it again when it dies. Neither the
 * worker nor what waits for it keeps the host alive, and nothing it prints reaches the host's console.
 */
import { Worker } from 'node:worker_threads'
import { quietly } from '../health.ts'
import type { MissingRange } from '../seal/sequences.ts'
import type { FromWorker, SealingWorkerData, ToWorker } from './protocol.ts'
import { workerUrl } from './worker-url.ts'

const restartAfterMs = 1_000
const restartAfterMsMax = 60_000
/** A page that asks for its changes waits for the disk at most this long. */
const refreshWithinMs = 2_000
/** Old-space limit: contents of one journal file, as text, several times over. */
const heapMegabytesMax = 1_024

export interface SealingOptions {
  readonly data: SealingWorkerData
  readonly after: (ms: number, callback: () => void) => { cancel(): void }
  readonly onMissing: (ranges: readonly MissingRange[]) => void
}

export function createSealing({ data, after, onMissing }: SealingOptions) {
  let worker: Worker | undefined
  let closedThrough = 0
  let refreshId = 0
  let restartMs = restartAfterMs
  /** The worker has died, and is not started again before its time, whatever is closed meanwhile. */
  let isResting = false
  let isClosed = false
  const waiting = new Map<number, () => void>()

  function start(): void {
    if (worker !== undefined || isResting || isClosed) return
    quietly('start the sealing worker', () => {
      const started = new Worker(workerUrl, {
        name: 'turnlog',
        workerData: data,
        // The host's own flags, its preloads above all, are not the worker's.
        execArgv: [],
        env: withoutNodeOptions(),
        // Kept apart and never read: reading them would keep the host alive.
        stdout: true,
        stderr: true,
        resourceLimits: { maxOldGenerationSizeMb: heapMegabytesMax },
      })
      worker = started
      started.on('message', receive)
      // Without a listener the worker's error would be the host's.
      started.on('error', () => undefined)
      started.on('exit', () => {
        if (worker === started) worker = undefined
        if (isClosed) return
        isResting = true
        after(restartMs, () => {
          isResting = false
          start()
        })
        restartMs = Math.min(restartMs * 2, restartAfterMsMax)
      })
      // Listening to it had referenced it again.
      started.unref()
      if (closedThrough > 0) post({ type: 'closed', file: closedThrough })
    })
  }

  function receive(message: FromWorker): void {
    quietly('hear the sealing worker', () => {
      restartMs = restartAfterMs
      if (message.type === 'missing') onMissing(message.ranges)
      else {
        waiting.get(message.id)?.()
        waiting.delete(message.id)
      }
    })
  }

  function post(message: ToWorker): void {
    quietly('tell the sealing worker', () => worker?.postMessage(message))
  }

  return {
    start,
    /** Journal files up to `file` are closed and may be sealed. */
    closed(file: number): void {
      closedThrough = file
      start()
      post({ type: 'closed', file })
    },
    /** Resolves when what is closed is sealed, or after two seconds. Never rejects. */
    refresh(): Promise<void> {
      if (worker === undefined || closedThrough === 0) return Promise.resolve()
      refreshId += 1
      const id = refreshId
      return new Promise((resolve) => {
        const timer = after(refreshWithinMs, () => {
          waiting.delete(id)
          resolve()
        })
        waiting.set(id, () => {
          timer.cancel()
          resolve()
        })
        post({ type: 'refresh', file: closedThrough, id })
      })
    },
    /** Stops the worker; what it had not sealed is sealed after the next start. */
    close(): void {
      isClosed = true
      quietly('stop the sealing worker', () => void worker?.terminate())
    },
  }
}

function withoutNodeOptions(): Record<string, string | undefined> {
  const { NODE_OPTIONS: _options, ...rest } = process.env
  return rest
}
