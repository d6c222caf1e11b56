/**
 * When the session of this process begins: with the first record of one of its threads, or when a web server listens. Until
 * then no folder is made, no thread is started and nothing is recorded, so a process that only starts other programs, such as
 * npm, npx or tsc, is no session.
 *
 *     state     meaning                                                next
 *     waiting   no thread has anything to record                       asked, by `begin` in any thread
 *     asked     the main thread does not know it yet                   begun, when the main thread is free, or at its exit
 *     begun     `session.start` is recorded, with the process's start  –
 *
 * The main thread's `session.start` is its first record. Other threads record at once, and do not wait for it.
 */
import { isMainThread } from 'node:worker_threads'
import { type Attributes, type Logger, ROOT_CONTEXT } from '@opentelemetry/api'
import { severity } from '@turnlog/conventions'
import { quietly } from './health.ts'
import { inSessionMemory, sharedSession } from './process-wide.ts'

/** A record of an older time may be refused by the receiver. */
const ageMsMax = 86_400_000

export interface SessionOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export class Session {
  readonly id: string
  readonly #asked: Int32Array
  readonly #now: () => number
  readonly #startedAt: number
  readonly #steps: (() => void)[] = []
  #isBegun: boolean = false

  constructor({ now }: SessionOptions) {
    const { id, memory } = sharedSession()
    this.id = id
    this.#asked = new Int32Array(memory)
    this.#now = now
    this.#startedAt = now()
    if (isMainThread) quietly('wait for another thread', () => this.#waitForThreads())
  }

  /** In this thread. */
  get isBegun(): boolean {
    return this.#isBegun
  }

  /** `step` runs when the session begins; in the main thread only. */
  onBegin(step: () => void): void {
    this.#steps.push(step)
  }

  /** This thread has something to record. Called again, does nothing. */
  begin(): void {
    if (this.#isBegun) return
    this.#isBegun = true
    Atomics.store(this.#asked, inSessionMemory.asked, 1)
    Atomics.notify(this.#asked, inSessionMemory.asked)
    if (!isMainThread) return
    for (const step of this.#steps.splice(0)) quietly('begin the session', step)
  }

  /** In the main thread, at its exit: another thread may have asked meanwhile. */
  catchUp(): void {
    if (isMainThread && Atomics.load(this.#asked, inSessionMemory.asked) === 1) this.begin()
  }

  /** `check` gives what the record says of the app. */
  recordStart(logger: Logger, check: () => Attributes | undefined): void {
    logger.emit({
      eventName: 'session.start',
      severityNumber: severity.info,
      context: ROOT_CONTEXT,
      timestamp: Math.max(this.#startedAt, this.#now() - ageMsMax),
      attributes: check() ?? {},
    })
  }

  /** Neither keeps the process alive nor blocks it. */
  #waitForThreads(): void {
    const { async: isWaiting, value } = Atomics.waitAsync(this.#asked, inSessionMemory.asked, 0)
    if (isWaiting) void value.then(() => this.catchUp())
  }
}
