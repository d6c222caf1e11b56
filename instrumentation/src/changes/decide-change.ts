/**
 * One decision, from the request to the record: look at the disk, plan, write, store, emit.
 *
 * accept and reject only record what is on disk; revert writes. A revert that failed is stored and emitted too, but the
 * operation's decision stays as it was. Decisions of one process run one after another, so that the second of two
 * reverts sees the result of the first.
 */

import type { DecisionOutcome, DecisionSource, DecisionType } from '@turnlog/conventions'
import type { FileSystem } from '../file-system.ts'
import type { BeginWrite, DecisionRecord } from '../handle.ts'
import { type ApplyResult, applyRevert } from './apply.ts'
import { type ChangeDecision, isRawHash, type PathRole, type RecordedChange } from './change.ts'
import { lookAt } from './disk-state.ts'
import { type OnDisk, outcomeOnDisk, planRevert, type RevertPlan } from './plan-revert.ts'
import type { ChangeStore, StoredChange } from './store.ts'

export interface DecideOptions {
  readonly stored: StoredChange
  readonly type: DecisionType
  readonly source: DecisionSource
  readonly reason: string | undefined
  readonly store: Pick<ChangeStore, 'content' | 'keep' | 'decide'>
  readonly fileSystem: FileSystem
  readonly beginWrite?: BeginWrite | undefined
  readonly now: () => number
  /** Records the decision in the journal. */
  readonly emit: (decision: DecisionRecord) => void
}

export type DecideResult =
  | {
      readonly status: 'decided'
      readonly decision: ChangeDecision
      readonly wasNothingLeft: boolean
    }
  | Refused
  /** The store could not be written; the file of a revert is restored nevertheless. */
  | { readonly status: 'not_kept'; readonly decision: ChangeDecision }

export interface Refused {
  readonly status: 'refused'
  readonly outcome: 'conflict' | 'missing'
  readonly code:
    | 'TL_CHANGE_CONFLICT'
    | 'TL_CHANGE_MISSING'
    | 'TL_CHANGE_NOT_KEPT'
    | 'TL_CHANGE_UNWRITABLE'
  readonly message: string
  /** Which path differs, what the operation left there, what is there now; absent if nothing was compared. */
  readonly place?: PathRole | undefined
  readonly expected?: string | undefined
  readonly onDisk?: string | undefined
}

let last: Promise<unknown> = Promise.resolve()

/** Waits for the decisions before it. Errors of the disk never reject it. */
export function decideChange(options: DecideOptions): Promise<DecideResult> {
  const result = last.then(() => decideNow(options))
  last = result.catch(() => undefined)
  return result
}

async function decideNow(options: DecideOptions): Promise<DecideResult> {
  const { stored, type } = options
  if (type !== 'revert') return storeAndEmit(options, observe(options))
  const attempt = await revert(options, stored.change)
  if (!('code' in attempt)) return storeAndEmit(options, attempt)
  const result = isRawHash(attempt.onDisk) && attempt.place === 'path' ? attempt.onDisk : undefined
  storeAndEmit(options, { outcome: attempt.outcome, result })
  return attempt
}

interface Found {
  readonly outcome: DecisionOutcome
  /** The file's hash afterwards. */
  readonly result?: string | undefined
  /** A revert found the state before the operation already on disk. */
  readonly wasNothingLeft?: boolean
}

/** A path that may not be read (outside the workspace, or behind a link) counts as kept. */
function observe({ stored: { change }, fileSystem }: DecideOptions): Found {
  const look = lookAtBoth(fileSystem, change)
  if (look.status === 'refused') return { outcome: 'kept' }
  const { onDisk } = look
  return { outcome: outcomeOnDisk(change, onDisk), result: fileAfter(change, onDisk) }
}

async function revert(
  { fileSystem, beginWrite, store }: DecideOptions,
  change: RecordedChange,
): Promise<Found | Refused> {
  const look = lookAtBoth(fileSystem, change)
  if (look.status === 'refused') return unwritable(look.reason)
  const plan = planRevert(change, look.onDisk)
  if (plan.action === 'refuse') return refusedBy(plan)
  if (plan.action === 'nothing') {
    return { outcome: 'restored', result: fileAfter(change, look.onDisk), wasNothingLeft: true }
  }
  const applied = await applyRevert({ change, plan, store, fileSystem, beginWrite })
  if (applied.status !== 'applied') return refusedOf(applied)
  return { outcome: 'restored', result: isRawHash(applied.result) ? applied.result : undefined }
}

function lookAtBoth(fs: FileSystem, change: RecordedChange) {
  const path = lookAt(fs, change, 'path')
  if (path.status === 'refused') return path
  const previous = change.opType === 'rename' ? lookAt(fs, change, 'previousPath') : undefined
  if (previous?.status === 'refused') return previous
  const onDisk: OnDisk = { path: path.state, previousPath: previous?.state }
  return { status: 'seen', onDisk } as const
}

/** The hash of the operation's file; of a rename that is undone, at the previous path. */
function fileAfter(change: RecordedChange, onDisk: OnDisk): string | undefined {
  const isBack = change.opType === 'rename' && outcomeOnDisk(change, onDisk) === 'restored'
  const state = isBack ? onDisk.previousPath : onDisk.path
  return isRawHash(state) ? state : undefined
}

function storeAndEmit(
  options: DecideOptions,
  { outcome, result, wasNothingLeft = false }: Found,
): DecideResult {
  const { stored, type, source, reason, store, now, emit } = options
  const { opId, path, startedAt, traceId, spanId } = stored.change
  const decidedAtMs = now()
  const decidedAt = new Date(decidedAtMs).toISOString()
  const decision = { type, source, outcome, decidedAt, reason, resultSha256: result }
  const isStored = store.decide(opId, decision)
  const resultSha256 = hashAbroad(stored.change, result)
  const elapsedSeconds = Math.max(0, (decidedAtMs - Date.parse(startedAt)) / 1000)
  const facts = { operationId: opId, type, source, reason, outcome, resultSha256, elapsedSeconds }
  emit({ ...facts, path, traceId, spanId })
  if (!isStored) return { status: 'not_kept', decision }
  return { status: 'decided', decision, wasNothingLeft }
}

/**
 * The hash of a content's redacted bytes, the only one that may leave this machine. Undefined for later edits: no recorded
 * operation had that content, so it was never redacted.
 */
function hashAbroad(change: RecordedChange, result: string | undefined): string | undefined {
  if (result === undefined) return undefined
  if (result === change.before) return change.uploaded?.before ?? result
  if (result === change.after) return change.uploaded?.after ?? result
  return undefined
}

const others: Readonly<Record<string, string>> = {
  directory: 'A folder has the name of the file now.',
  symlink: 'A link has the name of the file now.',
  open_database: 'The file is a database that a program has open: its log is beside it.',
  special: 'A pipe or a device has the name of the file now.',
}

function refusedBy(plan: Extract<RevertPlan, { action: 'refuse' }>): Refused {
  const { outcome, reason, place, expected, onDisk } = plan
  const where = place === 'path' ? 'The file' : 'The path it was renamed from'
  const differs = { status: 'refused', outcome, place, expected, onDisk } as const
  if (reason === 'content_not_kept') {
    const message = 'The content before or after was not stored, so it cannot be reverted safely.'
    return { ...differs, code: 'TL_CHANGE_NOT_KEPT', message }
  }
  if (outcome === 'missing') {
    return { ...differs, code: 'TL_CHANGE_MISSING', message: 'The file does not exist any more.' }
  }
  const message = others[onDisk] ?? `${where} was changed since the operation.`
  return { ...differs, code: 'TL_CHANGE_CONFLICT', message }
}

function refusedOf(result: Exclude<ApplyResult, { status: 'applied' }>): Refused {
  if (result.status === 'failed') return unwritable(result.reason)
  const { place, expected, onDisk } = result
  const message =
    result.status === 'differs'
      ? 'The file was changed while it was being reverted. Nothing was written.'
      : 'The file was written, but does not hold what was written: another program wrote at the same moment.'
  const code = 'TL_CHANGE_CONFLICT'
  return { status: 'refused', outcome: 'conflict', code, message, place, expected, onDisk }
}

function unwritable(reason: string): Refused {
  const message = `${reason} Nothing was changed.`
  return { status: 'refused', outcome: 'conflict', code: 'TL_CHANGE_UNWRITABLE', message }
}
