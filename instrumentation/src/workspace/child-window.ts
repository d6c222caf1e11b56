/**
 * The lives of child processes, and which of them a change on disk may come from. Pure.
 *
 * A change is a child's if its time is within the child's life, as exact as the disk's clock is. A change outside the
 * lives of all children is somebody else's: a person's, an editor's, the app's own. A child that
 * has exited, or whose turn has ended, claims only changes that no other child claims.
 */
import { granularityMs } from './file-stat.ts'

/** `Date.now()` leaves out the fraction. A stamp is never later than its change. */
const clockMs = 1

export interface ChildWindow {
  readonly id: number
  /** When the child started, in milliseconds since 1970. */
  readonly startedAt: number
  /** When it ended; `undefined` while it lives. */
  endedAt: number | undefined
  /** The process has exited; a child of its own may hold its output open. */
  hasExited: boolean
  isTurnOver: boolean
  /** It works on requests, which have windows of their own. */
  isServer: boolean
}

/** Between which times something changed. */
export interface ChangeTime {
  readonly from: number
  readonly to: number
}

/**
 * The windows that the change may belong to: those that contain the stamp, else those that contain the time at which the
 * change may have been made; and of these the ones that are most at work.
 */
export function windowsOf<Window extends ChildWindow>(
  windows: Iterable<Window>,
  { from, to }: ChangeTime,
): Window[] {
  const alive = [...windows].filter(
    ({ endedAt }) => endedAt === undefined || from < endedAt + clockMs,
  )
  const exact = alive.filter(({ startedAt }) => to >= startedAt)
  const found =
    exact.length > 0 ? exact : alive.filter(({ startedAt }) => to >= startedAt - granularityMs(to))
  const least = Math.min(...found.map(weaknessOf))
  return found.filter((window) => weaknessOf(window) === least)
}

function weaknessOf({ hasExited, isTurnOver, isServer }: ChildWindow): number {
  return Number(hasExited) + Number(isTurnOver) + Number(isServer)
}
