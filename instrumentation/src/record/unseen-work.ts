/**
 * Counts work that was noticed and is not recorded, by reason. What differs in reason, address or explanation is counted
 * apart; after `kindsMax` of those, the rest is one kind for each reason. The first of a kind is recorded at once; what
 * comes later is added up, and recorded a second later, then after two, four … up to sixty seconds, and at the end of the
 * recorder. After a minute without such work it begins with a second again. A kill loses what was not recorded yet.
 */
import { type Logger, ROOT_CONTEXT } from '@opentelemetry/api'
import { type AttributeName, severity, type UnseenReason } from '@turnlog/conventions'
import { defined } from '@turnlog/conventions/plain'
import { failures, quietly } from '../health.ts'
import type { After } from './delayed-ends.ts'

const kindsMax = 100
const reportAfterMsMin = 1_000
const reportAfterMsMax = 60_000

export interface UnseenKind {
  readonly reason: UnseenReason
  readonly why?: string
  /** Where it was sent to; of the path only a pattern. */
  readonly address?: { readonly host: string; readonly port: number; readonly path: string }
}

interface UnseenWorkOptions {
  readonly logger: Logger
  readonly after: After
  /** Milliseconds, monotonic. */
  readonly clock: () => number
  /** Whether a thread of the app has sent a request to a model. */
  readonly modelFlag: { readonly isSet: () => boolean; readonly set: () => void }
}

interface Count {
  readonly kind: UnseenKind
  /** How many are not recorded yet. */
  waiting: number
}

export class UnseenWork {
  readonly #logger: Logger
  readonly #after: After
  readonly #clock: () => number
  readonly #counts = new Map<string, Count>()
  /** How many failures of each step are counted. */
  readonly #failures = new Map<string, number>()
  #isScheduled: boolean = false
  #reportAfterMs = reportAfterMsMin
  #reportedAt = Number.NEGATIVE_INFINITY
  readonly #modelFlag: UnseenWorkOptions['modelFlag']

  constructor({ logger, after, clock, modelFlag }: UnseenWorkOptions) {
    this.#logger = logger
    this.#after = after
    this.#clock = clock
    this.#modelFlag = modelFlag
  }

  /** The app has sent a request to a model, or to what looks like one: it is an agent. */
  sawModel(): void {
    this.#modelFlag.set()
  }

  get hasSeenModel(): boolean {
    return this.#modelFlag.isSet()
  }

  add(kind: UnseenKind, count = 1): void {
    const known = this.#countOf(kind)
    known.waiting += count
    if (known.waiting === count && !this.#counts.has(keyOf(known.kind))) {
      this.#counts.set(keyOf(known.kind), known)
      this.#record(known)
    } else this.#recordLater()
  }

  /** Records what is not recorded yet. */
  report(): void {
    this.#countFailures()
    for (const count of this.#counts.values()) {
      if (count.waiting > 0) this.#record(count)
    }
  }

  #countOf(kind: UnseenKind): Count {
    const known = this.#counts.get(keyOf(kind))
    if (known !== undefined) return known
    if (this.#counts.size < kindsMax) return { kind, waiting: 0 }
    const others: UnseenKind = { reason: kind.reason, why: 'others' }
    return this.#counts.get(keyOf(others)) ?? { kind: others, waiting: 0 }
  }

  #countFailures(): void {
    for (const [step, total] of failures) {
      const count = total - (this.#failures.get(step) ?? 0)
      this.#failures.set(step, total)
      if (count > 0) this.add({ reason: 'failed_step', why: step }, count)
    }
  }

  #recordLater(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    const isLongAgo = this.#clock() - this.#reportedAt > reportAfterMsMax
    if (isLongAgo) this.#reportAfterMs = reportAfterMsMin
    this.#after(this.#reportAfterMs, () => {
      this.#isScheduled = false
      this.#reportedAt = this.#clock()
      this.#reportAfterMs = Math.min(this.#reportAfterMs * 2, reportAfterMsMax)
      quietly('record what was not seen', () => this.report())
    })
  }

  #record(count: Count): void {
    const { reason, why, address } = count.kind
    const { waiting } = count
    count.waiting = 0
    this.#logger.emit({
      eventName: 'turnlog.unseen',
      severityNumber: severity.warn,
      context: ROOT_CONTEXT,
      attributes: defined({
        'turnlog.unseen.reason': reason,
        'turnlog.unseen.count': waiting,
        'turnlog.unseen.why': why,
        'server.address': address?.host,
        'server.port': address?.port,
        'url.template': address?.path,
      } satisfies { [Name in AttributeName]?: string | number | undefined }),
    })
  }
}

function keyOf({ reason, why, address }: UnseenKind): string {
  return JSON.stringify([reason, why, address?.host, address?.port, address?.path])
}
