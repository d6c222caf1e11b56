/** A file operation as the local Changes list keeps it: raw, never sent. Pure. */
import type { AttributeName, FileOperationType } from '@turnlog/conventions'
import type { UnifiedDiff } from '@turnlog/conventions/content/unified-diff'
import type { RawHash, RecordedChange } from '../changes/change.ts'
import { type FileSide, type FileSides, memberOf } from './seal-content.ts'
import type { EndedSpan } from './sealed-span.ts'

export interface ChangeFacts extends FileSides {
  readonly type: FileOperationType
  readonly isBinary: boolean
  readonly diff: UnifiedDiff | undefined
  readonly sessionId: string
}

export function toLocalChange({ span, notes }: EndedSpan, facts: ChangeFacts): RecordedChange {
  const { before, after, overwritten, diff } = facts
  const named = (name: AttributeName): string | undefined => textOf(span.attributes[name])
  const mode = memberOf(notes.before, 'mode')
  const overwrittenMode = memberOf(notes.overwritten, 'mode')
  return {
    opId: named('turnlog.file_operation.id') ?? '',
    path: named('file.path') ?? '',
    absolutePath: textOf(notes.absolutePath) ?? '',
    workspace: textOf(notes.workspace) ?? '',
    opType: facts.type,
    startedAt: new Date(Number(BigInt(span.start) / 1_000_000n)).toISOString(),
    traceId: span.traceId,
    spanId: span.spanId,
    sessionId: facts.sessionId,
    toolName: textOf(notes.toolName),
    toolCallId: textOf(notes.toolCallId),
    previousPath: named('turnlog.file_operation.previous_path'),
    previousAbsolutePath: textOf(notes.previousAbsolutePath),
    before: stateOf(before),
    after: stateOf(after),
    overwritten: overwritten === undefined ? undefined : stateOf(overwritten),
    mode: typeof mode === 'number' ? mode : undefined,
    overwrittenMode: typeof overwrittenMode === 'number' ? overwrittenMode : undefined,
    uploaded: uploadedHashes(before, after),
    diff: diff?.diff,
    linesAdded: diff?.linesAdded,
    linesRemoved: diff?.linesRemoved,
    binary: facts.isBinary,
  }
}

function stateOf(side: FileSide): RecordedChange['before'] {
  switch (side.state) {
    case 'absent':
      return 'absent'
    case 'omitted':
      return 'unknown'
    case 'content':
      // The one kind of content hash under two names.
      return side.rawHash as string as RawHash
  }
}

function uploadedHashes(before: FileSide, after: FileSide): RecordedChange['uploaded'] {
  const changed = (side: FileSide): string | undefined =>
    side.state === 'content' && side.redactions > 0 ? side.hash : undefined
  if (changed(before) === undefined && changed(after) === undefined) return undefined
  return { before: changed(before), after: changed(after) }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
