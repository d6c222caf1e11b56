/**
 * Decides what undoes a file operation, from what is on disk. Pure.
 *
 * | operation   | the path holds | the previous path holds | plan                                                         |
 * | ----------- | -------------- | ----------------------- | ------------------------------------------------------------ |
 * | any         | `before`       |                         | nothing                                                      |
 * | create      | `after`        |                         | delete the file                                              |
 * | edit, write | `after`        |                         | restore `before`                                             |
 * | delete      | nothing        |                         | restore `before`                                             |
 * | rename      | `overwritten`  | `before`                | nothing                                                      |
 * | rename      | `after`        | nothing                 | move the file back, restore `overwritten`; if it was edited  |
 * |             |                |                         | on the way, restore `before` instead of moving               |
 * | any         | anything else  | or anything else        | refuse, with what differs                                    |
 *
 * A plan that needs a content which was not stored is refused, too.
 */

import { isRawHash, type PathRole, type RawHash, type RecordedChange } from './change.ts'
import type { DiskState } from './disk-state.ts'

export type Operation = Pick<RecordedChange, 'opType' | 'before' | 'after' | 'overwritten'>

export interface OnDisk {
  readonly path: DiskState
  /** On a rename: what the previous path holds. */
  readonly previousPath?: DiskState | undefined
}

export interface Refusal {
  readonly action: 'refuse'
  readonly outcome: 'conflict' | 'missing'
  readonly reason: 'changed_since' | 'content_not_kept'
  readonly place: PathRole
  /** What the operation left there. */
  readonly expected: string
  readonly onDisk: DiskState
}

export type RevertPlan =
  /** The disk is already as it was before. */
  | { readonly action: 'nothing' }
  | { readonly action: 'delete' }
  | { readonly action: 'restore'; readonly content: RawHash }
  | {
      readonly action: 'move_back'
      readonly overwritten?: RawHash | undefined
      /** The old content of a file that was also edited. */
      readonly content?: RawHash | undefined
    }
  | Refusal

/** The table above. States are compared by hash, so to the byte. */
export function planRevert(operation: Operation, onDisk: OnDisk): RevertPlan {
  if (operation.opType === 'rename') return planMoveBack(operation, onDisk)
  const { before, after } = operation
  if (onDisk.path === before) return { action: 'nothing' }
  if (onDisk.path !== after) return refuse('path', after, onDisk.path)
  if (before === 'absent') return { action: 'delete' }
  return isRawHash(before) ? { action: 'restore', content: before } : notKept(after, onDisk.path)
}

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

function refuse(place: PathRole, expected: string, onDisk: DiskState): Refusal {
  if (expected === 'unknown' && onDisk !== 'absent') return notKept(expected, onDisk)
  const outcome = onDisk === 'absent' ? 'missing' : 'conflict'
  return { action: 'refuse', outcome, reason: 'changed_since', place, expected, onDisk }
}

function notKept(expected: string, onDisk: DiskState): Refusal {
  const reason = 'content_not_kept'
  return { action: 'refuse', outcome: 'conflict', reason, place: 'path', expected, onDisk }
}

/** The outcome of a decision that does not write. Later edits count as `kept`; the recorded hash shows them. */
export function outcomeOnDisk(
  operation: Operation,
  onDisk: OnDisk,
): 'kept' | 'restored' | 'missing' {
  if (onDisk.path === operation.after) return 'kept'
  if (planRevert(operation, onDisk).action === 'nothing') return 'restored'
  return onDisk.path === 'absent' ? 'missing' : 'kept'
}
