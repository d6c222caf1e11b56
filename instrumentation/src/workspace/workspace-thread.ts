/**
 * The host's side of the workspace thread: starts it, reports children and the app's own changes to it, and hands on
 * the changes that it finds. That costs the host a message each, and at the start and the end of a child a wait of at
 * most `waitMsMax`, only while the thread is quick enough. It never keeps the host alive.
 *
 *     state     meaning                                next
 *     off       not started                            running, by `start`
 *     running   the thread lives                       off, when it dies: its children are lost; closed after `startsMax`
 *     closed    by `close`, or it died too often       –
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { originalFs } from '../file-system.ts'
import { quietly } from '../health.ts'
import type { WindowFacts } from './child-window.ts'
import { FileClock } from './file-clock.ts'
import {
  type ComparedChild,
  type ComparisonReport,
  type FromThread,
  type OwnBefore,
  type OwnChange,
  progress,
  progressBytes,
  type ToThread,
  type Weakness,
  type WorkspaceThreadData,
} from './protocol.ts'

/** Beside this file; both are bundled into one folder when the package is published. */
const threadUrl = new URL(
  import.meta.url.endsWith('.ts') ? './thread.ts' : './workspace.js',
  import.meta.url,
)
/** How long the exit of the process waits for comparisons that have begun. */
const exitMsMax = 100
const startsMax = 3
/** About how many milliseconds the thread takes to read and copy a small file. */
const readMsOfFile = 0.1
const heapMegabytesMax = 512

/** What the thread has found, for who asked. */
export interface WorkspaceFindings {
  /** JSON of `FileChange`s. */
  readonly onChanges: (json: Uint8Array) => void
  readonly onCompared: (children: readonly ComparedChild[], report: ComparisonReport) => void
  /** Children that were open or waiting will not be compared. */
  readonly onLost: () => void
}

export interface WorkspaceThreadOptions extends WorkspaceFindings {
  readonly data: Omit<WorkspaceThreadData, 'progress'>
  /**
   * How long the host waits in one turn of its event loop for looks at the workspace, before children start and after they
   * have ended, so that nothing happens in between. By default about as long as a child takes to start.
   */
  readonly waitMsMax: number
}

const ofChild = { kind: 'child', isOfDatabases: false } as const
/** A system time is cut to whole milliseconds; this is not before it. */
const clockMs = 1

interface CompareOptions {
  readonly livesOn?: boolean
  readonly mark?: string | undefined
  readonly pid?: number | undefined
}

type Numbered = Extract<ToThread, { readonly n: number }>
type Unnumbered<Message> = Message extends unknown ? Omit<Message, 'n'> : never

export class WorkspaceThread {
  readonly #options: WorkspaceThreadOptions
  readonly #clock: FileClock
  #port: MessagePort | undefined
  #worker: Worker | undefined
  #cells = new Int32Array(new SharedArrayBuffer(progressBytes))
  #sent = 0
  #starts = 0
  #waitMsLeft: number
  /** The message whose look the host has not waited for to the end. */
  #givenUp = 0
  #isClosed: boolean = false

  constructor(options: WorkspaceThreadOptions) {
    const { copies: folder, workspace } = options.data
    this.#options = options
    this.#waitMsLeft = options.waitMsMax
    this.#clock = new FileClock({ fileSystem: originalFs, folder, workspace, now: Date.now })
  }

  get isRunning(): boolean {
    return this.#port !== undefined
  }

  /** Milliseconds that looks take; 0 before the first one. */
  get lookMs(): number {
    return Atomics.load(this.#cells, progress.lookMs)
  }

  /** Looks take longer than the host waits for one. */
  get isSlow(): boolean {
    return this.lookMs >= this.#options.waitMsMax
  }

  /** Now, as the disk stamps files: milliseconds since 1970. `undefined` if the disk does not show it. */
  stamp(): number | undefined {
    return this.#clock.stamp()
  }

  /** Starts the thread. Called again, does nothing. */
  start(): void {
    if (this.#port !== undefined || this.#isClosed || this.#starts >= startsMax) return
    this.#starts += 1
    quietly('start the workspace thread', () => this.#start())
  }

  /**
   * A child is about to start, at `at`. Returns when the state before is known, or false after a bounded wait. `reports`: the
   * folder in which children of its turn report what they have recorded themselves.
   */
  open(id: number, at: number, reports: string | undefined): boolean {
    const stamp = this.#port && this.#clock.stamp()
    const facts = { ...ofChild, isStamped: stamp !== undefined }
    // Before the message, which the thread may read at once.
    Atomics.store(this.#cells, progress.awaited, this.#sent + 1)
    this.#number({ type: 'open', id, at: stamp ?? at, reports, facts })
    const isLooked = this.#waitInTurn(progress.looked)
    if (this.#readMs <= this.#options.waitMsMax) this.#waitInTurn(progress.read)
    // From now on the child may have started.
    Atomics.store(this.#cells, progress.awaited, 0)
    return isLooked
  }

  /** The host is about to fork, or has forked: meanwhile the thread rests. */
  forks(isForking: boolean): void {
    Atomics.store(this.#cells, progress.forking, isForking ? 1 : 0)
    if (!isForking) Atomics.notify(this.#cells, progress.forking)
  }

  /** Native code may write files since `at`. The host does not wait. */
  openNative(id: number, at: number, facts: WindowFacts): void {
    this.#number({ type: 'open', id, at, reports: undefined, facts })
  }

  /** As `compare`, and the host does not wait. */
  compareNative(id: number, endedAt: number | undefined): void {
    this.#number({ type: 'compare', id, endedAt, livesOn: false })
  }

  /**
   * `endedAt` undefined: the child is compared again. `livesOn`: it has not exited. `mark` and `pid` show which processes it has left
   * behind; as long as one lives, the child is compared again.
   */
  compare(
    id: number,
    endedAt: number | undefined,
    { livesOn = false, mark, pid }: CompareOptions = {},
  ): void {
    const end = endedAt && (this.#clock.stamp() ?? endedAt + clockMs)
    this.#number({ type: 'compare', id, endedAt: end, livesOn, mark, pid })
    this.#waitInTurn(progress.looked)
  }

  /** Brings the index up to date. */
  look(): void {
    // Makes its file now, and not while a child waits.
    this.#clock.stamp()
    this.#number({ type: 'look' })
  }

  weaken(id: number, facts: Weakness): void {
    this.#post({ type: 'weaken', id, facts })
  }

  /** From now on the child works on requests, which are children of their own here. */
  serves(id: number): void {
    this.#post({ type: 'serves', id, since: this.#clock.stamp() ?? Date.now() })
  }

  forget(id: number): void {
    this.#post({ type: 'forget', id })
  }

  saw(path: string, now: OwnBefore): void {
    this.#post({ type: 'saw', path, now })
  }

  writing(path: string, before: OwnBefore | undefined): void {
    this.#post({ type: 'writing', path, before })
  }

  ownChanges(changes: readonly OwnChange[]): void {
    this.#post({ type: 'own', changes })
  }

  /** At the exit of the process: hands on what was found, with a bounded wait for what is being compared. */
  drain(): void {
    quietly('drain the workspace thread', () => {
      if (this.#port === undefined) return
      this.#wait(progress.looked, exitMsMax)
      for (let next = this.#next(); next !== undefined; next = this.#next()) this.#receive(next)
    })
  }

  close(): void {
    this.#isClosed = true
    this.#port = undefined
    quietly('stop the workspace thread', () => void this.#worker?.terminate())
  }

  #start(): void {
    const { port1: port, port2 } = new MessageChannel()
    const shared = new SharedArrayBuffer(progressBytes)
    const worker = new Worker(threadUrl, {
      name: 'turnlog-workspace',
      workerData: { ...this.#options.data, progress: shared, port: port2 },
      transferList: [port2],
      // Without the host's own flags, above all its preloads.
      execArgv: [],
      env: withoutNodeOptions(),
      // Separate from the host's streams and never read, because reading them would keep the host alive.
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: heapMegabytesMax },
    })
    // Without a listener the worker's error would be the host's.
    worker.on('error', () => undefined)
    worker.on('exit', () => {
      if (this.#worker !== worker || this.#isClosed) return
      this.#worker = undefined
      this.#port = undefined
      quietly('give up comparisons', this.#options.onLost)
    })
    port.on('message', (message: FromThread) => this.#receive(message))
    // Adding a listener has referenced them again.
    port.unref()
    worker.unref()
    this.#worker = worker
    this.#port = port
    this.#cells = new Int32Array(shared)
    this.#sent = 0
    this.#givenUp = 0
  }

  #receive(message: FromThread): void {
    quietly('hear the workspace thread', () => {
      if (message.type === 'changes') this.#options.onChanges(message.json)
      else this.#options.onCompared(message.children, message.report)
    })
  }

  #next(): FromThread | undefined {
    return this.#port && receiveMessageOnPort(this.#port)?.message
  }

  /** About how many milliseconds the thread takes for the files that it has not read yet. */
  get #readMs(): number {
    return Atomics.load(this.#cells, progress.unread) * readMsOfFile
  }

  /** The host has waited in vain for the first look at a workspace, or while the thread reads a large one. */
  get #isBehind(): boolean {
    const isGivenUp = Atomics.load(this.#cells, progress.looked) < this.#givenUp
    return isGivenUp && (this.lookMs === 0 || this.#readMs > this.#options.waitMsMax)
  }

  /** Whether the thread has come so far. Waits only while looks are quick: else most of the wait would be in vain. */
  #waitInTurn(cell: number): boolean {
    const { waitMsMax } = this.#options
    if (this.isSlow || this.#isBehind || this.#waitMsLeft <= 0) return false
    if (this.#waitMsLeft === waitMsMax) setImmediate(() => (this.#waitMsLeft = waitMsMax)).unref()
    const startedAt = performance.now()
    const hasCome = this.#wait(cell, this.#waitMsLeft)
    if (!hasCome) this.#givenUp = this.#sent
    this.#waitMsLeft -= performance.now() - startedAt
    return hasCome
  }

  /** Whether the thread has come so far. */
  #wait(cell: number, msMax: number): boolean {
    const until = performance.now() + msMax
    for (;;) {
      const seen = Atomics.load(this.#cells, cell)
      if (seen >= this.#sent || this.#port === undefined) return true
      const left = until - performance.now()
      if (left <= 0) return false
      Atomics.wait(this.#cells, cell, seen, left)
    }
  }

  #number(message: Unnumbered<Numbered>): void {
    if (this.#port === undefined) return
    this.#sent += 1
    this.#post({ ...message, n: this.#sent } as Numbered)
  }

  #post(message: ToThread): void {
    quietly('post to the workspace thread', () => this.#port?.postMessage(message))
  }
}

function withoutNodeOptions(): Record<string, string | undefined> {
  const { NODE_OPTIONS: _options, ...rest } = process.env
  return rest
}
