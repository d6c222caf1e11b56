/**
 * The host's side of the sealing worker: starts it, reports closed journal files to it, and starts it again when it dies.
 * Neither the worker nor its timers keep the host alive, and nothing the worker prints reaches the host's console.
 *
 *     state     meaning                                         next
 *     off       not started                                     running, by `start` or the first closed file
 *     running   the thread lives                                resting, when it dies
 *     resting   it died; closed files wait on disk              running, after 1 s, doubled up to 60 s until it answers again
 *     closed    by `close`, for good                            –
 */
import { Worker } from 'node:worker_threads'
import { quietly } from '../health.ts'
import type { MissingRange } from '../seal/sequences.ts'
import { askToEnd, createThreadEnd } from '../thread-end.ts'
import { RetryTimer } from '../upload/retry.ts'
import type { FromWorker, SealingWorkerData, ToWorker } from './protocol.ts'

/** Beside this file; both are bundled into one folder when the package is published. */
const workerUrl = new URL(
  import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js',
  import.meta.url,
)
const restartBackoff = { firstMs: 1_000, maxMs: 60_000 }
/** A page that asks for its changes waits for the disk at most this long. */
const refreshWithinMs = 2_000
const lookAfterMs = 200
/** Old-space limit: enough for the contents of one journal file, as text, several times over. */
const heapMegabytesMax = 1_024

export interface SealingWorkerOptions {
  readonly data: Omit<SealingWorkerData, 'end'>
  readonly after: (ms: number, callback: () => void) => { cancel(): void }
  readonly onMissing: (ranges: readonly MissingRange[]) => void
}

export class SealingWorker {
  readonly #options: SealingWorkerOptions
  readonly #restart: RetryTimer
  /** Refreshes that were not answered, by id. */
  readonly #waiting = new Map<number, () => void>()
  #worker: Worker | undefined
  #end: SharedArrayBuffer | undefined
  #closedThrough = 0
  #refreshId = 0
  #isClosed: boolean = false
  #willLook: boolean = false

  constructor(options: SealingWorkerOptions) {
    this.#options = options
    this.#restart = new RetryTimer({
      backoff: restartBackoff,
      retry: () => this.start(),
      after: options.after,
    })
  }

  start(): void {
    if (this.#worker !== undefined || this.#restart.isWaiting || this.#isClosed) return
    quietly('start the sealing worker', () => {
      const end = createThreadEnd()
      const worker = new Worker(workerUrl, {
        name: 'turnlog',
        workerData: { ...this.#options.data, end } satisfies SealingWorkerData,
        // Without the host's own flags, above all its preloads.
        execArgv: [],
        env: withoutNodeOptions(),
        // Separate from the host's streams and never read, because reading them would keep the host alive.
        stdout: true,
        stderr: true,
        resourceLimits: { maxOldGenerationSizeMb: heapMegabytesMax },
      })
      this.#worker = worker
      this.#end = end
      worker.on('message', (message: FromWorker) => this.#receive(message))
      // Without a listener the worker's error would be the host's.
      worker.on('error', () => undefined)
      worker.on('exit', () => {
        if (this.#worker === worker) this.#worker = undefined
        if (!this.#isClosed) this.#restart.failed()
      })
      // Adding a listener has referenced it again.
      worker.unref()
      if (this.#closedThrough > 0) this.#post({ type: 'closed', file: this.#closedThrough })
    })
  }

  /** Journal files up to `file` are closed and may be sealed. */
  closed(file: number): void {
    this.#closedThrough = file
    this.start()
    this.#post({ type: 'closed', file })
  }

  /** A thread or a child process has ended, and its recorder can be adopted. Many that end at once are one look. */
  look(): void {
    if (this.#willLook || this.#worker === undefined) return
    this.#willLook = true
    this.#options.after(lookAfterMs, () => {
      this.#willLook = false
      this.#post({ type: 'look' })
    })
  }

  /** Resolves when the closed files are sealed, or after two seconds. Never rejects. */
  refresh(): Promise<void> {
    if (this.#worker === undefined || this.#closedThrough === 0) return Promise.resolve()
    this.#refreshId += 1
    const id = this.#refreshId
    return new Promise((resolve) => {
      const timer = this.#options.after(refreshWithinMs, () => {
        this.#waiting.delete(id)
        resolve()
      })
      this.#waiting.set(id, () => {
        timer.cancel()
        resolve()
      })
      this.#post({ type: 'refresh', file: this.#closedThrough, id })
    })
  }

  /** At the exit of the process, which ends the worker. Files that it has not sealed are sealed after the next start. */
  askToEnd(): void {
    quietly('ask the sealing worker to end', () => this.#end && askToEnd(this.#end))
  }

  /** Stops the worker. */
  close(): void {
    this.#isClosed = true
    this.askToEnd()
    quietly('stop the sealing worker', () => void this.#worker?.terminate())
  }

  #receive(message: FromWorker): void {
    quietly('hear the sealing worker', () => {
      this.#restart.succeeded()
      if (message.type === 'missing') this.#options.onMissing(message.ranges)
      else {
        this.#waiting.get(message.id)?.()
        this.#waiting.delete(message.id)
      }
    })
  }

  #post(message: ToWorker): void {
    quietly('post to the sealing worker', () => this.#worker?.postMessage(message))
  }
}

function withoutNodeOptions(): Record<string, string | undefined> {
  const { NODE_OPTIONS: _options, ...rest } = process.env
  return rest
}
