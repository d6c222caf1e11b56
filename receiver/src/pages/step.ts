/** One step of a turn: when it began, and its HTML. */
import type { Turn } from '../storage/queries/turn.ts'
import { formatSeconds, secondsBetween } from './format.ts'
import { type Html, html } from './html.ts'

export interface Step {
  readonly at: Date
  readonly block: Html
}

interface Timed {
  readonly startedAt: Date
  readonly endedAt: Date | null
}

/** A line that stands for the turn's time, with the step's part of it coloured. */
export function timeBar(turn: Turn, step: Timed): Html {
  const start = turn.startedAt.getTime()
  const length = (turn.endedAt ?? step.endedAt ?? step.startedAt).getTime() - start
  const percentAt = (date: Date) =>
    clamp(length > 0 ? ((date.getTime() - start) / length) * 100 : 0)
  const from = percentAt(step.startedAt)
  const to = percentAt(step.endedAt ?? step.startedAt)
  const seconds = secondsBetween(step.startedAt, step.endedAt)
  const offset = (step.startedAt.getTime() - start) / 1000
  const title = `begins ${formatSeconds(offset)} into the turn${
    seconds === undefined ? '' : `, takes ${formatSeconds(seconds)}`
  }`
  return html`<svg class="time-bar" role="img" aria-label="${title}"><title>${title}</title>
<rect class="whole" width="100%" height="100%" rx="1.5"/>
<rect class="part" x="${from.toFixed(2)}%" width="${Math.max(to - from, 0.6).toFixed(2)}%" height="100%" rx="1.5"/></svg>`
}

export function durationOf(step: Timed): Html | false {
  const seconds = secondsBetween(step.startedAt, step.endedAt)
  return seconds !== undefined && html`<span>${formatSeconds(seconds)}</span>`
}

function clamp(percent: number): number {
  return Math.min(Math.max(percent, 0), 99.4)
}
