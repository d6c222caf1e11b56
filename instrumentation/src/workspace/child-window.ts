/**
 * The lives of child processes, and the times in which native code of the app may write files; and which of them a change
 * on disk may come from. Pure.
 *
 * A change is a child's if its time is within the child's life, as exact as the disk's clock is. A change outside the
 * lives of all children is somebody else's: a person's, an editor's, the app's own. A child that
 * has exited, or whose turn has ended, claims only changes that no other child claims. Native code claims only what no
 * child at work claims, and in a turn only what no tool call claims.
 */
import { granularityMs } from './file-stat.ts'

/** `Date.now()` leaves out the fraction. A stamp is never later than its change. */
const clockMs = 1

/** `child`: a process. `call`, `turn`: native code of the app, in a tool call or in a turn. */
export type WindowKind = 'child' | 'call' | 'turn'

export interface WindowFacts {
  readonly kind: WindowKind
  /** Only changes to SQLite databases can come from it. */
  readonly isOfDatabases: boolean
  /** Its start and end are stamps of the disk, and compare exactly with those of files (`file-clock.ts`). */
  readonly isStamped: boolean
}

export interface ChildWindow extends WindowFacts {
  readonly id: number
  /** Its place in the order in which windows became known. */
  readonly opened: number
  /** When the child started, in milliseconds since 1970. */
  readonly startedAt: number
  /** When all files were looked at that are known; `undefined` as long as that was before its start. */
  seenAt: number | undefined
  /** When all files were looked at for the last time before its start. */
  readonly lookedBefore: number | undefined
  /** When it ended; `undefined` while it lives. */
  endedAt: number | undefined
  /** The process has exited; a child of its own may hold its output open. */
  hasExited: boolean
  isTurnOver: boolean
  /** It has ended, and left processes behind. */
  hasLeft: boolean
  /** Since when it works on requests, which have windows of their own. */
  servesSince: number | undefined
}

/** Between which times something changed. */
export interface ChangeTime {
  readonly from: number
  readonly to: number
}

/**
 * The windows that the change may belong to: of those in which it may have been made, given how old its stamp may be, the ones
 * that are most at work; and of these the ones that contain the stamp, if there are any. Tool calls of one answer begin within
 * a tick of the clock that stamps files, so a stamp does not show which of them it was.
 */
export function windowsOf<Window extends ChildWindow>(
  windows: Iterable<Window>,
  time: ChangeTime,
): Window[] {
  const { to } = time
  const possible = [...windows].filter((window) => mayContain(window, time))
  const least = Math.min(...possible.map((window) => weaknessOf(window, to)))
  const atWork = possible.filter((window) => weaknessOf(window, to) === least)
  const exact = atWork.filter(({ kind, startedAt }) => kind === 'call' || to >= startedAt)
  return exact.length > 0 ? exact : atWork
}

/** Whether a child that has outlived its turn, or what a child has left behind, may have made the change as well. */
export function hasRival(
  windows: Iterable<ChildWindow>,
  found: readonly ChildWindow[],
  time: ChangeTime,
): boolean {
  return [...windows].some(
    (window) =>
      (window.hasLeft || (window.isTurnOver && !window.hasExited)) &&
      window.servesSince === undefined &&
      !found.includes(window) &&
      mayContain(window, time),
  )
}

function mayContain(
  { startedAt, endedAt, isStamped }: ChildWindow,
  { from, to }: ChangeTime,
): boolean {
  return isStamped
    ? to >= startedAt && (endedAt === undefined || from <= endedAt)
    : to >= startedAt - granularityMs(to) && (endedAt === undefined || from < endedAt + clockMs)
}

/** Children that ended before the change: they may have changed the same file before, if nobody has looked at it since. */
export function endedBefore<Window extends ChildWindow>(
  windows: Iterable<Window>,
  { to }: ChangeTime,
): Window[] {
  return [...windows].filter(
    ({ kind, endedAt }) => kind === 'child' && endedAt !== undefined && endedAt <= to,
  )
}

/** A child at work is the likeliest, then native code of a tool call. */
const weaknessByKind = { child: 0, call: 0.5, turn: 4 } as const satisfies Record<
  WindowKind,
  number
>

function weaknessOf(window: ChildWindow, at: number): number {
  const { kind, hasExited, isTurnOver, servesSince, isStamped } = window
  const apart = isStamped ? 0 : granularityMs(at)
  const isServer = servesSince !== undefined && at >= servesSince - apart
  return weaknessByKind[kind] + Number(hasExited) + Number(isTurnOver) + Number(isServer)
}
