/** What undoes a file operation, given what is on disk. Pure: it reads and writes nothing. */

import { isRawHash, type RawHash, type RecordedChange } from './change.ts'
import type { DiskState } from './disk-state.ts'

export type Operation = Pick<RecordedChange, 'opType' | 'before' | 'after' | 'overwritten'>

export interface OnDisk {
  readonly path: DiskState
  /** On a rename: what lies where the file came from. */
  readonly previousPath?: DiskState | undefined
}

/** Which of an operation's two paths is meant. */
export type Place = 'path' | 'previousPath'

export interface Refusal {
  readonly action: 'refuse'
  readonly outcome: 'conflict' | 'missing'
  readonly reason: 'changed_since' | 'content_not_kept'
  readonly place: Place
  /** What the operation left there. */
  readonly expected: string
  readonly onDisk: DiskState
}

export type RevertPlan =
  /** The disk already is as it was before. */
  | { readonly action: 'nothing' }
  | { readonly action: 'delete' }
  | { readonly action: 'restore'; readonly content: RawHash }
  | {
      readonly action: 'move_back'
      readonly overwritten?: RawHash | undefined
      /** What the file held, where it was edited on its way. */
      readonly content?: RawHash | undefined
    }
  | Refusal

/**
 * An operation is undone only when the disk still is what it left, to the byte; anything else is refused
 * with what differs. That what was before is there already counts as done.
 */
export function planRevert(operation: Operation, onDisk: OnDisk): RevertPlan {
  if (operation.opType === 'rename') return planMoveBack(operation, onDisk)
  const { before, after } = operation
  if (onDisk.path === before) return { action: 'nothing' }
  if (onDisk.path !== after) return refuse('path', after, onDisk.path)
  if (before === 'absent') return { action: 'delete' }
  return isRawHash(before) ? { action: 'restore', content: before } : notKept(after, onDisk.path)
}

/** The file goes back with what it held; what it had overwritten comes back to the path it leaves. */
function planMoveBack(
  { before, after, overwritten = 'absent' }: Operation,
  onDisk: OnDisk,
): RevertPlan {
  const previous = onDisk.previousPath ?? 'unreadable'
  if (!isRawHash(after) || !isRawHash(before)) return notKept(after, onDisk.path)
  if (previous === before && onDisk.path === overwritten) return { action: 'nothing' }
  if (onDisk.path !== after) return refuse('path', after, onDisk.path)
  if (previous !== 'absent') return refuse('previousPath', 'absent', previous)
  const edited = before === after ? {} : { content: before }
  if (overwritten === 'absent') return { action: 'move_back', ...edited }
  if (!isRawHash(overwritten)) return notKept(after, onDisk.path)
  return { action: 'move_back', overwritten, ...edited }
}

function refuse(place: Place, expected: string, onDisk: DiskState): Refusal {
  if (expected === 'unknown' && onDisk !== 'absent') return notKept(expected, onDisk)
  const outcome = onDisk === 'absent' ? 'missing' : 'conflict'
  return { action: 'refuse', outcome, reason: 'changed_since', place, expected, onDisk }
}

function notKept(expected: string, onDisk: DiskState): Refusal {
  const reason = 'content_not_kept'
  return { action: 'refuse', outcome: 'conflict', reason, place: 'path', expected, onDisk }
}

/** What a decision that leaves the disk alone finds there. Later edits count as kept: the hash tells. */
export function outcomeOnDisk(
  operation: Operation,
  onDisk: OnDisk,
): 'kept' | 'restored' | 'missing' {
  if (onDisk.path === operation.after) return 'kept'
  if (planRevert(operation, onDisk).action === 'nothing') return 'restored'
  return onDisk.path === 'absent' ? 'missing' : 'kept'
}
