/** The JSON answers of the Changes routes. An unknown number or text is `null`, never 0. Pure but for reading contents. */

import { decodeText } from '@turnlog/conventions/content/text'
import { type FileState, isRawHash } from './change.ts'
import type { Refused } from './decide-change.ts'
import type { ChangeStore, StoredChange } from './store.ts'

/** Longer texts are left out of a detail, with the reason `too_large`. */
export const textBytesMax = 2 * 1024 ** 2

export function errorAnswer(code: string, message: string) {
  return { error: { code, message } }
}

/** One row of the list. A diff above 16 KiB is left out, with `diffOmitted`; the detail has it. */
export function summaryAnswer({ change, diffHash, decision }: StoredChange, isAfterGap = false) {
  const { opId, path, previousPath, opType, startedAt, traceId, spanId, sessionId } = change
  const { toolName, toolCallId, linesAdded = null, linesRemoved = null, binary, diff } = change
  const operation = { opId, path, previousPath, opType, startedAt, traceId, spanId, sessionId }
  const { source, errorType, isShared } = change
  const found = { source, errorType, isShared, isAfterGap: isAfterGap || undefined }
  const facts = { toolName, toolCallId, linesAdded, linesRemoved, binary, diff, ...found }
  const diffOmitted = diffHash === undefined ? undefined : 'too_large'
  return { ...operation, ...facts, diffOmitted, decision }
}

/** All of one operation: texts before and after (or `null` and why), and every decision, oldest first. */
export function detailAnswer(stored: StoredChange, store: Pick<ChangeStore, 'content'>) {
  const { change, diffHash, decisions } = stored
  const before = textOf(change.before, store)
  const after = textOf(change.after, store)
  const overwritten = change.overwritten && textOf(change.overwritten, store)
  const diff = diffHash === undefined ? undefined : textOf(diffHash, store)
  return {
    ...summaryAnswer(stored),
    diff: diff === undefined ? change.diff : (diff.text ?? undefined),
    diffOmitted: diff?.reason,
    before: before.text,
    beforeReason: before.reason,
    beforeSha256: isRawHash(change.before) ? change.before : null,
    after: after.text,
    afterReason: after.reason,
    afterSha256: isRawHash(change.after) ? change.after : null,
    overwritten: overwritten?.text,
    overwrittenReason: overwritten?.reason,
    decisions,
  }
}

export function refusalAnswer(opId: string, refused: Refused) {
  const { code, message, outcome, place, expected, onDisk } = refused
  return {
    ...errorAnswer(code, message),
    opId,
    outcome,
    place: place ?? null,
    expected: expected ?? null,
    onDisk: onDisk ?? null,
  }
}

function textOf(
  state: FileState,
  store: Pick<ChangeStore, 'content'>,
): { readonly text: string | null; readonly reason?: string } {
  if (state === 'absent') return { text: null, reason: 'absent' }
  const bytes = store.content(state)
  if (bytes === undefined) return { text: null, reason: 'not_kept' }
  if (bytes.byteLength > textBytesMax) return { text: null, reason: 'too_large' }
  const text = decodeText(bytes)
  return text === undefined ? { text: null, reason: 'binary' } : { text }
}
