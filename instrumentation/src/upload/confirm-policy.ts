/**
 * What to do with segments that were sent, by what the ledger says of them: pure, the clock is an argument.
 *
 * A Collector that cannot reach the receiver holds segments for hours, and that is no loss. So a missing segment is only
 * taken for lost once it was *overtaken*: one of the same signal (each has a queue of its own in a Collector) that was
 * taken after it, and sent once only, is in the ledger. Even so it may be on its way, so it gets `resendAfterMs` before
 * it is sent again, twice and four times that before the next times, and eight times that before it is declared lost.
 * Declared it is only when one that was taken that much later has landed: a Collector that was overtaken on the
 * way and then lost its receiver is offline, too.
 *
 * Where nothing is sent any more nothing overtakes. Then one segment of the signal is sent again as a *probe*: the one
 * that was sent least often, and of those the oldest; after five times `resendAfterMs`, then ever more rarely, until
 * something is confirmed. None is declared lost.
 */
import type { KeptSegment, Missing } from '../spool/unconfirmed-segments.ts'
import { type Learnt, type Standing, standingOf } from './confirm.ts'

/** How often a segment is sent again before it is declared lost. */
export const resendsMax = 3
/** In times of `resendAfterMs`. */
const silenceFactor = 5
const probeMsMax = 6 * 60 * 60_000

export type Verdict = { readonly segment: KeptSegment } & (
  | { readonly action: 'confirm' }
  | { readonly action: 'set_aside' }
  | { readonly action: 'send_again' }
  | { readonly action: 'lose'; readonly missing: Missing }
)

interface SignalState {
  /** When the latest segment that is known to have passed was taken. */
  readonly passedAt: number
  /** Not before this is a probe sent. */
  readonly probeAt: number
  readonly probesInVain: number
}

const initialState: SignalState = {
  passedAt: Number.NEGATIVE_INFINITY,
  probeAt: Number.NEGATIVE_INFINITY,
  probesInVain: 0,
}

type Signal = KeptSegment['signal']
type Judged = { readonly segment: KeptSegment; readonly standing: Standing }

export function createConfirmPolicy({ resendAfterMs }: { readonly resendAfterMs: number }) {
  const signals = new Map<Signal, SignalState>()
  const overtakenAt = new WeakMap<KeptSegment, number>()

  const stateOf = (signal: Signal): SignalState => signals.get(signal) ?? initialState

  function pass({ signal, times, takenAt }: KeptSegment, now: number): void {
    const { passedAt } = stateOf(signal)
    signals.set(signal, {
      // Of one that was sent twice it is not known which of the two has landed.
      passedAt: times === 1 ? Math.max(passedAt, takenAt) : passedAt,
      probeAt: now + resendAfterMs,
      probesInVain: 0,
    })
  }

  function judgeMissing(segment: KeptSegment, missing: Missing, now: number): Verdict[] {
    const { passedAt } = stateOf(segment.signal)
    if (segment.takenAt >= passedAt) return []
    const since = overtakenAt.get(segment) ?? now
    overtakenAt.set(segment, since)
    const { times, takenAt } = segment
    const patienceMs = resendAfterMs * 2 ** Math.min(times - 1, resendsMax)
    if (now - since < patienceMs) return []
    if (times <= resendsMax) return [{ segment, action: 'send_again' }]
    return passedAt - takenAt < patienceMs ? [] : [{ segment, action: 'lose', missing }]
  }

  function probe(signal: Signal, judged: readonly Judged[], now: number): Verdict[] {
    const [segment] = judged
      .filter(({ standing }) => standing.status === 'missing')
      .map((each) => each.segment)
      .filter((each) => each.signal === signal && each.times <= resendsMax)
      .filter((each) => !overtakenAt.has(each))
      .sort((a, b) => a.times - b.times || a.takenAt - b.takenAt)
    const { probeAt, probesInVain, ...state } = stateOf(signal)
    const silenceMs = resendAfterMs * silenceFactor
    if (segment === undefined || now < Math.max(probeAt, segment.takenAt + silenceMs)) return []
    const nextMs = Math.min(silenceMs * 2 ** (probesInVain + 1), probeMsMax)
    signals.set(signal, { ...state, probeAt: now + nextMs, probesInVain: probesInVain + 1 })
    return [{ segment, action: 'send_again' }]
  }

  return {
    /** What is to be done now; what is not named waits. */
    judge(kept: readonly KeptSegment[], learnt: Learnt, now: number): Verdict[] {
      const judged = kept.map((segment) => ({ segment, standing: standingOf(segment, learnt) }))
      const verdicts: Verdict[] = []
      for (const { segment, standing } of judged) {
        if (standing.status === 'dropped') verdicts.push({ segment, action: 'set_aside' })
        if (standing.status !== 'confirmed') continue
        pass(segment, now)
        verdicts.push({ segment, action: 'confirm' })
      }
      for (const { segment, standing } of judged) {
        if (standing.status === 'missing') verdicts.push(...judgeMissing(segment, standing, now))
      }
      const present = new Set(judged.map(({ segment }) => segment.signal))
      return [...verdicts, ...[...present].flatMap((signal) => probe(signal, judged, now))]
    },
  }
}
