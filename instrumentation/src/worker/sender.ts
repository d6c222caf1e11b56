/**
 * The sender process's part: when it begins and when it ends. It is started by a process that is about to end
 * (`sender-process.ts`), waits for its end, and then works like the worker of any process, until there is nothing to do.
 *
 *     state      meaning                                               next
 *     waiting    the host is ending                                    looking, when it has ended, or after 5 s
 *     looking    dead recorders are searched, sealed and sent          looking, while the last round has found or finished one;
 *                                                                      confirming, once, if a Collector has taken something;
 *                                                                      leaving; ended, when nothing can be sent
 *     confirming the receiver is asked what has landed                 looking
 *     leaving    the mark is removed, and a last round is under way    looking, if it has found one; else ended
 *
 * In this order a process that ends meanwhile either sees no mark and starts a sender, or is found by the last round. After a
 * minute the sender ends wherever it is: what it has not sent stays in the spool. A request that was being sent is sent again by
 * the next one, and lands once.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { originalFs } from '../file-system.ts'
import { quietly } from '../health.ts'
import { isThere } from '../spool/liveness.ts'
import type { SenderData } from './protocol.ts'
import { SenderMark, senderMsMax } from './sender-mark.ts'

const hostPollMs = 10
/** Its other `exit` listeners may take their time; its own recorder has ended by then. */
const hostMsMax = 5_000
/** The ledger is first asked within this time. */
const confirmMs = 7_000

export interface Work {
  /** Begins a round through the destination's folder. */
  look(): void
  /** Grows with each recorder that is found or finished. */
  progress(): number
  /** The last request failed, or the disk did. */
  hasFailed(): boolean
  /** A Collector has taken something of which it is not known whether it has landed. */
  isUnconfirmed(): boolean
}

/** Resolves when the host has ended. Ends this process if another sender is at work. */
export async function beginSender({ directory, host }: SenderData): Promise<SenderMark> {
  const mark = new SenderMark({ fileSystem: originalFs, directory, now: Date.now })
  setTimeout(() => process.exit(), senderMsMax).unref()
  process.on('exit', () => mark.release())
  const until = performance.now() + hostMsMax
  while (isEnding(host) && performance.now() < until) await sleep(hostPollMs)
  if (!mark.claim()) process.exit()
  return mark
}

/** The child of a process that has ended is another's. Where that cannot be seen, the process itself is looked for. */
function isEnding(host: number): boolean {
  return process.platform === 'win32' ? isThere(host) : process.ppid === host
}

/** Goes on whenever the process would end by itself, as long as there is something to do. */
export function endWhenSent(mark: SenderMark, work: Work): void {
  let seen = -1
  let isLeaving: boolean = false
  let hasConfirmed: boolean = false

  /** The process ends after this, unless there is something to wait for. */
  function goOn(): void {
    if (work.hasFailed()) return
    if (work.progress() > seen) {
      if (isLeaving) quietly('mark the sender again', () => mark.claim())
      isLeaving = false
      look()
    } else if (work.isUnconfirmed() && !hasConfirmed) {
      hasConfirmed = true
      setTimeout(() => undefined, confirmMs)
    } else if (!isLeaving) {
      isLeaving = true
      mark.release()
      look()
    }
  }

  function look(): void {
    seen = work.progress()
    work.look()
    // Whatever the round finds, `goOn` is called again.
    setImmediate(() => undefined)
  }

  process.on('beforeExit', goOn)
}
