/**
 * The loop that asks the receiver's ledger about segments which a Collector has taken, and acts on its word.
 *
 * - *idle*: nothing is kept; waits for `wake()`.
 * - *asking*: a look a few seconds after the last segment was taken, then ever more rarely while nothing changes.
 *   What is confirmed goes. What is not waits, is sent again, or is given up as lost (confirm-policy.ts).
 * - *offline*: nobody answers, or answers "later", or somebody else answers. Nothing is decided.
 * - *unauthorized*, *unsupported*: only a person can help. Asked rarely; nothing is decided.
 * - *closed*: after `close` or the signal.
 *
 * Law: kept = confirmed + sent again + lost + given up at a bound + still kept. No timer here holds the process.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { quietly } from '../health.ts'
import type { Keeper, KeptSegment } from '../spool/unconfirmed-segments.ts'
import type { CompletenessResult, CompletenessTransport } from './completeness-transport.ts'
import { addLedger, type Learnt, questionsOf } from './confirm.ts'
import { createConfirmPolicy, type Verdict } from './confirm-policy.ts'
import { type Backoff, backoffMs, retryAfterWithJitterMs } from './retry.ts'

export type ConfirmSource = Pick<
  Keeper,
  'all' | 'confirm' | 'sendAgain' | 'lose' | 'setAside' | 'limit'
>

export const confirmerStates = [
  'idle',
  'asking',
  'offline',
  'unauthorized',
  'unsupported',
  'closed',
] as const
export type ConfirmerState = (typeof confirmerStates)[number]

export interface ConfirmerHealth {
  readonly state: ConfirmerState
  /** Why the last question was not answered; undefined after one that was. */
  readonly reason: string | undefined
  readonly segmentsConfirmed: number
  readonly segmentsSentAgain: number
  readonly segmentsLost: number
  readonly segmentsUnconfirmed: number
}

export interface ConfirmerOptions {
  readonly source: ConfirmSource
  readonly transport: Pick<CompletenessTransport, 'ask'>
  readonly resendAfterMs: number
  /** A segment is in the queue again. */
  readonly onSentAgain: () => void
  readonly random?: () => number
  /** Milliseconds, monotonic: the source's. */
  readonly clock?: () => number
  /** Told of every change. */
  readonly onHealth?: (health: ConfirmerHealth) => void
  readonly signal?: AbortSignal | undefined
}

export type Confirmer = ReturnType<typeof createConfirmer>

/** A Collector passes a request on within a second or two; asking later confirms more at once. */
const firstLookMs = 5_000
const lookMsMax = 60_000
const offlineBackoff: Backoff = { firstMs: 5_000, maxMs: 5 * 60_000 }
const pausedBackoff: Backoff = { firstMs: 30_000, maxMs: 15 * 60_000 }
/** In one look; what is left is asked in the next. */
const questionsMax = 50
/** What has grown too old while nobody could ask gets this long to be confirmed after all. */
const graceMs = 60 * 60_000

export function createConfirmer({
  source,
  transport,
  resendAfterMs,
  onSentAgain,
  random = Math.random,
  clock = performance.now.bind(performance),
  onHealth,
  signal,
}: ConfirmerOptions) {
  let health: ConfirmerHealth = {
    state: 'idle',
    reason: undefined,
    segmentsConfirmed: 0,
    segmentsSentAgain: 0,
    segmentsLost: 0,
    segmentsUnconfirmed: 0,
  }
  const looks: Backoff = {
    firstMs: Math.min(firstLookMs, resendAfterMs),
    maxMs: Math.min(lookMsMax, Math.max(resendAfterMs, 1)),
  }
  const closing = new AbortController()
  /** Ends a wait for the next look, and the wait for something to look for. */
  let awaken = () => {}
  let isAwake = false
  let trouble: { readonly state: ConfirmerState; readonly failures: number } | undefined
  let answeredAt = Number.NEGATIVE_INFINITY
  /** Looks in a row that changed nothing. */
  let quietLooks = 0
  const policy = createConfirmPolicy({ resendAfterMs })

  if (signal?.aborted) stop()
  signal?.addEventListener('abort', stop, { once: true })
  const running = run()

  function stop(): void {
    closing.abort()
    awaken()
  }

  function report(change: Partial<ConfirmerHealth>): void {
    health = { ...health, ...change }
    quietly('tell how confirming goes', () => onHealth?.(health))
  }

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      const kept = quietly('see what is kept', bounded) ?? []
      if (kept.length === 0) {
        report({ state: 'idle', reason: undefined })
        await wakened()
        await rest(backoffMs(looks, { failures: 1, random }))
        continue
      }
      report({ state: 'asking' })
      const failure = await look(kept)
      if (closing.signal.aborted) break
      if (failure === undefined) {
        trouble = undefined
        report({ reason: undefined })
        await untilNextLook()
      } else await fail(failure)
    }
    report({ state: 'closed' })
  }

  /** Gives up what is beyond the bounds. */
  function bound(): void {
    const count = source.limit((segment, why) => {
      // Who was switched off for weeks asks first.
      const isAsked = answeredAt > segment.knownAt || clock() - segment.knownAt > graceMs
      return why !== 'kept_days_max' || isAsked
    })
    if (count > 0) report({ segmentsUnconfirmed: health.segmentsUnconfirmed + count })
  }

  function bounded(): readonly KeptSegment[] {
    bound()
    return source.all()
  }

  /** The first answer that is none. What was learnt before it counts. */
  async function look(kept: readonly KeptSegment[]): Promise<Unanswered | undefined> {
    const learnt: Learnt = { recorders: new Map(), contents: new Map() }
    const questions = questionsOf(kept)
    let failure: Unanswered | undefined
    for (let asked = 0; asked < questionsMax && failure === undefined; asked += 1) {
      const question = questions.shift()
      if (question === undefined) break
      const result = await transport.ask(question, closing.signal)
      if (result.status !== 'answered') {
        failure = result
        break
      }
      for (const { recorder } of question.recorders) {
        const said = result.recorders.get(recorder)
        if (said === undefined) continue
        learnt.recorders.set(recorder, addLedger(learnt.recorders.get(recorder), said))
        const { through } = said
        const isCut =
          through !== Number.POSITIVE_INFINITY &&
          kept.some((each) => each.recorder === recorder && lastOf(each) > through)
        if (isCut) questions.push({ recorders: [{ recorder, from: through + 1 }], contents: [] })
      }
      for (const content of question.contents) {
        learnt.contents.set(content, result.missingContents.has(content))
      }
    }
    if (closing.signal.aborted) return failure
    if (failure === undefined) answeredAt = clock()
    act(kept, learnt)
    return failure
  }

  function act(kept: readonly KeptSegment[], learnt: Learnt): void {
    const before = health
    for (const verdict of policy.judge(kept, learnt, clock())) {
      // What the disk refuses is judged again in the next look.
      quietly('act on what the ledger says', () => carryOut(verdict))
    }
    if (health.segmentsSentAgain > before.segmentsSentAgain) onSentAgain()
    const isChanged = health.segmentsConfirmed > before.segmentsConfirmed
    quietLooks = isChanged ? 0 : quietLooks + 1
  }

  function carryOut(verdict: Verdict): void {
    const { segment } = verdict
    switch (verdict.action) {
      case 'confirm':
        source.confirm(segment)
        report({ segmentsConfirmed: health.segmentsConfirmed + 1 })
        return
      case 'set_aside':
        source.setAside(segment, 'its records stand in the ledger as declared dropped')
        report({ segmentsLost: health.segmentsLost + 1 })
        return
      case 'send_again':
        source.sendAgain(segment)
        report({ segmentsSentAgain: health.segmentsSentAgain + 1 })
        return
      case 'lose':
        source.lose(segment, verdict.missing)
        report({ segmentsLost: health.segmentsLost + 1 })
    }
  }

  async function fail(failure: Unanswered): Promise<void> {
    const state = failure.status === 'retry' ? 'offline' : failure.status
    const failures = trouble?.state === state ? trouble.failures + 1 : 1
    trouble = { state, failures }
    report({ state, reason: failure.reason })
    const backoff = state === 'offline' ? offlineBackoff : pausedBackoff
    const afterMs = failure.status === 'retry' ? failure.afterMs : undefined
    const waitMs =
      afterMs === undefined
        ? backoffMs(backoff, { failures, random })
        : Math.max(backoff.firstMs, retryAfterWithJitterMs(afterMs, random))
    await rest(waitMs)
  }

  /** Cut short when something new is kept, but never to less than the first look's. */
  async function untilNextLook(): Promise<void> {
    const interrupted = new AbortController()
    awaken = () => interrupted.abort()
    if (isAwake) awaken()
    const waitMs = backoffMs(looks, { failures: quietLooks + 1, random })
    await rest(waitMs, interrupted.signal)
    awaken = () => {}
    if (!isAwake) return
    isAwake = false
    quietLooks = 0
    await rest(backoffMs(looks, { failures: 1, random }))
  }

  async function wakened(): Promise<void> {
    if (!isAwake && !closing.signal.aborted) {
      await new Promise<void>((resolve) => {
        awaken = resolve
      })
    }
    isAwake = false
    quietLooks = 0
  }

  async function rest(ms: number, interrupt?: AbortSignal): Promise<void> {
    const signal =
      interrupt === undefined ? closing.signal : AbortSignal.any([closing.signal, interrupt])
    await sleep(ms, undefined, { signal, ref: false }).catch(() => {})
  }

  return {
    /** Something new is kept. */
    wake(): void {
      // Also while nobody answers, which may be for long.
      quietly('bound what is kept', bound)
      isAwake = true
      awaken()
    },
    health(): ConfirmerHealth {
      return health
    },
    /** Ends at once; what is kept stays for the next process. May be called again. */
    async close(): Promise<ConfirmerHealth> {
      stop()
      await running
      signal?.removeEventListener('abort', stop)
      return health
    },
  }
}

type Unanswered = Exclude<CompletenessResult, { status: 'answered' }>

function lastOf({ sequences }: KeptSegment): number {
  return sequences.at(-1)?.[1] ?? 0
}
