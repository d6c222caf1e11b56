/**
 * Decides about sent segments from the ledger's answers. Pure; the clock is an argument.
 *
 * | the ledger says of a segment        | verdict                                                                 |
 * | ----------------------------------- | ----------------------------------------------------------------------- |
 * | all landed, or was refused for good | `confirm`                                                               |
 * | the rest was declared dropped       | `set_aside`                                                             |
 * | something is missing                | none; `send_again`, at most three times; then `lose`                    |
 * | nothing, or not all of it           | none                                                                    |
 *
 * A Collector that cannot reach the receiver holds segments for hours, and that is no loss. A missing segment counts as
 * lost only after it was *overtaken*: a segment of the same signal (a Collector has a queue for each) that was taken
 * later, and sent only once, is in the ledger. The overtaken one may still be on its way. So it is sent again after
 * `resendAfterMs`, after twice and four times as long the next times, and it is lost after eight times as long; the last
 * only if a segment that was taken that much later has landed, because a Collector that lost its receiver after it was
 * overtaken is offline, too.
 *
 * When nothing new is sent, nothing can overtake. Then one segment of the signal is sent again as a *probe*: the one
 * that was sent least often, the oldest of those. The first probe comes after five times `resendAfterMs`, the next ones
 * ever more rarely, until something is confirmed. A probe is never declared lost.
 */
import { withoutRanges } from '../sequence-ranges.ts'
import type { SegmentContents } from '../spool/segment-contents.ts'
import type { SentSegment } from '../spool/unconfirmed-segments.ts'
import type { LedgerAnswers } from './ask-ledger.ts'

/** How often a segment is sent again before it is declared lost. */
export const resendsMax = 3
/** In multiples of `resendAfterMs`. */
const silenceFactor = 5
const probeMsMax = 6 * 60 * 60_000

export type Verdict = { readonly segment: SentSegment } & (
  | { readonly action: 'confirm' | 'set_aside' | 'send_again' }
  | { readonly action: 'lose'; readonly missing: SegmentContents }
)

interface SignalState {
  /** When the latest segment that is known to have passed the Collector was taken. */
  readonly passedAt: number
  /** No probe is sent before. */
  readonly probeAt: number
  readonly probesInVain: number
}

const never = Number.NEGATIVE_INFINITY
const initialState: SignalState = { passedAt: never, probeAt: never, probesInVain: 0 }

type Signal = SentSegment['signal']

export class ConfirmPolicy {
  readonly #resendAfterMs: number
  readonly #signals = new Map<Signal, SignalState>()
  readonly #overtakenAt = new WeakMap<SentSegment, number>()

  constructor(options: { readonly resendAfterMs: number }) {
    this.#resendAfterMs = options.resendAfterMs
  }

  /** What to do now; a segment without a verdict waits. */
  judge(segments: readonly SentSegment[], answers: LedgerAnswers, now: number): Verdict[] {
    const verdicts: Verdict[] = []
    const missing: { readonly segment: SentSegment; readonly missing: SegmentContents }[] = []
    for (const segment of segments) {
      const standing = standingOf(segment, answers)
      if (standing.status === 'missing') missing.push({ segment, missing: standing })
      if (standing.status === 'dropped') verdicts.push({ segment, action: 'set_aside' })
      if (standing.status !== 'confirmed') continue
      this.#pass(segment, now)
      verdicts.push({ segment, action: 'confirm' })
    }
    for (const each of missing) verdicts.push(...this.#judgeMissing(each, now))
    for (const signal of new Set(segments.map((each) => each.signal))) {
      const ofSignal = missing.map(({ segment }) => segment).filter((s) => s.signal === signal)
      verdicts.push(...this.#probe(signal, ofSignal, now))
    }
    return verdicts
  }

  #stateOf(signal: Signal): SignalState {
    return this.#signals.get(signal) ?? initialState
  }

  #pass({ signal, times, takenAt }: SentSegment, now: number): void {
    const { passedAt } = this.#stateOf(signal)
    this.#signals.set(signal, {
      // It is not known which sending of a segment that was sent twice has landed.
      passedAt: times === 1 ? Math.max(passedAt, takenAt) : passedAt,
      probeAt: now + this.#resendAfterMs,
      probesInVain: 0,
    })
  }

  #judgeMissing(
    { segment, missing }: { readonly segment: SentSegment; readonly missing: SegmentContents },
    now: number,
  ): Verdict[] {
    const { times, takenAt } = segment
    const { passedAt } = this.#stateOf(segment.signal)
    if (takenAt >= passedAt) return []
    const since = this.#overtakenAt.get(segment) ?? now
    this.#overtakenAt.set(segment, since)
    const patienceMs = this.#resendAfterMs * 2 ** Math.min(times - 1, resendsMax)
    if (now - since < patienceMs) return []
    if (times <= resendsMax) return [{ segment, action: 'send_again' }]
    return passedAt - takenAt < patienceMs ? [] : [{ segment, action: 'lose', missing }]
  }

  #probe(signal: Signal, missing: readonly SentSegment[], now: number): Verdict[] {
    const [segment] = missing
      .filter((each) => each.times <= resendsMax && !this.#overtakenAt.has(each))
      .sort((a, b) => a.times - b.times || a.takenAt - b.takenAt)
    const { probeAt, probesInVain, passedAt } = this.#stateOf(signal)
    const silenceMs = this.#resendAfterMs * silenceFactor
    if (segment === undefined || now < Math.max(probeAt, segment.takenAt + silenceMs)) return []
    const nextMs = Math.min(silenceMs * 2 ** (probesInVain + 1), probeMsMax)
    this.#signals.set(signal, { passedAt, probeAt: now + nextMs, probesInVain: probesInVain + 1 })
    return [{ segment, action: 'send_again' }]
  }
}

export type Standing =
  | { readonly status: 'confirmed' | 'dropped' | 'unknown' }
  | ({ readonly status: 'missing' } & SegmentContents)

/** The first column of the table above, for one segment. */
export function standingOf(segment: SentSegment, answers: LedgerAnswers): Standing {
  const { sequences, contents, recorder } = segment
  const ledger = answers.recorders.get(recorder)
  const last = sequences.at(-1)?.[1]
  // The segment could not be read when it was sent: nothing can confirm it.
  if (last === undefined && contents.length === 0) return { status: 'unknown' }
  if (last !== undefined && (ledger === undefined || ledger.through < last)) {
    return { status: 'unknown' }
  }
  if (!contents.every((content) => answers.contents.has(content))) return { status: 'unknown' }
  const unsettled = withoutRanges(sequences, ledger?.settled ?? [])
  const missing = withoutRanges(unsettled, ledger?.dropped ?? [])
  const missingContents = contents.filter((content) => answers.contents.get(content))
  if (missing.length > 0 || missingContents.length > 0) {
    return { status: 'missing', sequences: missing, contents: missingContents }
  }
  return { status: unsettled.length === 0 ? 'confirmed' : 'dropped' }
}
