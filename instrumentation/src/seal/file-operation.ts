/** Seals a file operation: its kind, before, after and diff, and its raw form for the local Changes list, which is never sent. */

import {
  type AttributeName,
  type FileOperationType,
  fileOperationTypes,
} from '@turnlog/conventions'
import { type UnifiedDiff, unifiedDiff } from '@turnlog/conventions/content/unified-diff'
import { asString, isObject } from '@turnlog/conventions/plain'
import type { RawHash, RecordedChange } from '../changes/change.ts'
import type { SealedAttributes } from '../otlp/otlp-json.ts'
import { type FileSide, incomplete, put, putFileSide, putText, readFileSide } from './content.ts'
import type { EndedSpan, Notes, SealContext, SealKind, SpanContext } from './span-kind.ts'

export const sealFileOperation: SealKind = (ended, attributes, context) => {
  const { span, notes } = ended
  const sides = readSides(ended, context)
  const { before, after } = sides
  const type = typeOf(notes, before, after)
  const isBinary = isNoText(before) || isNoText(after)
  put(attributes, 'turnlog.file_operation.type', type)
  put(attributes, 'turnlog.file_operation.binary', isBinary)
  const isOutside =
    attributes['turnlog.file_operation.outside_workspace' satisfies AttributeName] === true
  for (const name of ['before', 'after', 'overwritten'] as const) {
    putFileSide(attributes, `turnlog.file_operation.${name}`, sides[name], isOutside)
  }
  const diff = isOutside ? undefined : putDiff(attributes, sides, context)
  return {
    span: { ...span, name: `file.${type}` },
    attributes,
    change: {
      operation: toLocalChange(ended, { ...sides, ...context, type, isBinary, diff }),
      contents: {
        before: bytesOf(before),
        after: bytesOf(after),
        overwritten: bytesOf(sides.overwritten),
      },
    },
  }
}

interface FileSides {
  readonly before: FileSide
  readonly after: FileSide
  /** The file that a rename replaced. */
  readonly overwritten: FileSide | undefined
}

function readSides({ span, notes }: EndedSpan, context: SpanContext): FileSides {
  const read = (side: 'before' | 'after' | 'overwritten', place: unknown): FileSide =>
    withLargeHash(
      readFileSide(notes[side], {
        recorded: () => bytesNoted(span.spanId, side, notes[side], context),
        stored: (sha256) => context.copies.read(sha256) ?? incomplete,
      }),
      { noted: notes[side], place: asString(place), context },
    )
  const { operation, absolutePath } = notes
  const before = read('before', absolutePath)
  const after =
    notes.after === undefined ? afterWithoutNote(operation, before) : read('after', absolutePath)
  return {
    before,
    // The file has ceased to exist when a folder or a link has its name.
    after: after.state === 'omitted' && after.reason === 'not_a_file' ? { state: 'absent' } : after,
    overwritten: notes.overwritten === undefined ? undefined : read('overwritten', undefined),
  }
}

/** A content may be noted again (its edition), or be the one that another span of the file has. */
function bytesNoted(
  spanId: string,
  side: 'before' | 'after' | 'overwritten',
  noted: unknown,
  { contents, isWhole }: SpanContext,
): Uint8Array | string {
  if (!isWhole) return incomplete
  const { of: lender, edition } = isObject(noted) ? noted : {}
  const holder = asString(lender)
  const exchange = typeof edition === 'number' ? edition : 0
  const bytes = contents.bytes(holder ?? spanId, `file.${side}`, exchange)
  return bytes ?? (holder === undefined ? new Uint8Array() : incomplete)
}

/** A rename keeps the content. A write without a state after it was cut off. */
function afterWithoutNote(operation: unknown, before: FileSide): FileSide {
  if (operation === 'rename') return before
  if (operation === 'delete') return { state: 'absent' }
  return { state: 'omitted', reason: 'abandoned', size: undefined }
}

function withLargeHash(
  side: FileSide,
  { noted, place, context }: { noted: unknown; place: string | undefined; context: SpanContext },
): FileSide {
  if (side.state !== 'omitted' || place === undefined) return side
  const stamp = isObject(noted) ? asString(noted.stamp) : undefined
  return stamp === undefined ? side : { ...side, hash: context.hashLargeFile(place, stamp) }
}

/** The kind follows from the contents before and after, not from the call. An app's own word counts only if those are missing. */
function typeOf({ operation, type }: Notes, before: FileSide, after: FileSide): FileOperationType {
  if (operation === 'delete' || operation === 'rename') return operation
  if (before.state === 'absent') return 'create'
  // A copy that fails removes its target.
  if (after.state === 'absent') return 'delete'
  if (before.state === 'omitted' || after.state === 'omitted') {
    const isLarge = [before, after].some(
      (side) => side.state === 'omitted' && side.reason === tooLarge,
    )
    const known = fileOperationTypes.find((known) => known === type)
    return known ?? (isLarge && !isSameHash(before, after) ? 'edit' : 'write')
  }
  return before.rawHash === after.rawHash ? 'write' : 'edit'
}

/** The reason for leaving out a content above the limit. */
const tooLarge = 'too_large'

function isSameHash(before: FileSide, after: FileSide): boolean {
  return (
    before.state === 'omitted' &&
    after.state === 'omitted' &&
    before.hash !== undefined &&
    before.hash === after.hash
  )
}

/** Lines are counted in the raw texts; the diff that is sent is made of the redacted ones. */
function putDiff(
  attributes: SealedAttributes,
  { before, after }: FileSides,
  { contentBytesMax }: SealContext,
): UnifiedDiff | undefined {
  const raw = diffSides(attributes, before, after, 'rawText')
  if (raw === undefined) return undefined
  put(attributes, 'turnlog.file_operation.lines_added', raw.linesAdded)
  put(attributes, 'turnlog.file_operation.lines_removed', raw.linesRemoved)
  const isRedacted = [before, after].some((side) => side.state === 'content' && side.redactions > 0)
  const sealed = isRedacted ? diffSides(attributes, before, after, 'sealed') : raw
  putText(attributes, 'turnlog.file_operation.diff', sealed?.diff, { contentBytesMax })
  if (sealed?.isWholeFile === true) put(attributes, 'turnlog.file_operation.diff.whole_file', true)
  return raw
}

function diffSides(
  attributes: SealedAttributes,
  before: FileSide,
  after: FileSide,
  of: 'rawText' | 'sealed',
): UnifiedDiff | undefined {
  const textOf = (side: FileSide): string | undefined | false => {
    if (side.state === 'absent') return undefined
    const text = side.state === 'content' && side[of]
    return typeof text === 'string' && text
  }
  const [old, now] = [textOf(before), textOf(after)]
  if (old === false || now === false) return undefined
  const previous = attributes['turnlog.file_operation.previous_path' satisfies AttributeName]
  return unifiedDiff({
    path: String(attributes['file.path' satisfies AttributeName]),
    ...(typeof previous === 'string' ? { previousPath: previous } : {}),
    before: old,
    after: now,
  })
}

function isNoText(side: FileSide): boolean {
  return side.state === 'content' && side.rawText === undefined
}

function bytesOf(side: FileSide | undefined): Uint8Array | undefined {
  return side?.state === 'content' ? side.bytes : undefined
}

interface ChangeFacts extends FileSides {
  readonly type: FileOperationType
  readonly isBinary: boolean
  readonly diff: UnifiedDiff | undefined
  readonly sessionId: string
}

function toLocalChange({ span, notes }: EndedSpan, facts: ChangeFacts): RecordedChange {
  const { before, after, overwritten, diff } = facts
  const named = (name: AttributeName): string | undefined => asString(span.attributes[name])
  return {
    opId: named('turnlog.file_operation.id') ?? '',
    path: named('file.path') ?? '',
    absolutePath: asString(notes.absolutePath) ?? '',
    workspace: asString(notes.workspace) ?? '',
    opType: facts.type,
    startedAt: isoWithMicroseconds(BigInt(span.start)),
    traceId: span.traceId,
    spanId: span.spanId,
    sessionId: facts.sessionId,
    toolName: asString(notes.toolName),
    toolCallId: asString(notes.toolCallId),
    previousPath: named('turnlog.file_operation.previous_path'),
    previousAbsolutePath: asString(notes.previousAbsolutePath),
    before: stateOf(before),
    after: stateOf(after),
    overwritten: overwritten === undefined ? undefined : stateOf(overwritten),
    mode: modeOf(notes.before),
    overwrittenMode: modeOf(notes.overwritten),
    uploaded: uploadedHashes(before, after),
    diff: diff?.diff,
    linesAdded: diff?.linesAdded,
    linesRemoved: diff?.linesRemoved,
    binary: facts.isBinary,
    source: named('turnlog.file_operation.source'),
    errorType: named('error.type'),
    isShared:
      span.attributes['turnlog.file_operation.shared' satisfies AttributeName] === true ||
      undefined,
  }
}

function isoWithMicroseconds(nanos: bigint): string {
  const milliseconds = new Date(Number(nanos / 1_000_000n)).toISOString().slice(0, -1)
  return `${milliseconds}${String((nanos / 1_000n) % 1_000n).padStart(3, '0')}Z`
}

function modeOf(noted: unknown): number | undefined {
  return isObject(noted) && typeof noted.mode === 'number' ? noted.mode : undefined
}

function stateOf(side: FileSide): RecordedChange['before'] {
  if (side.state === 'absent') return 'absent'
  // Both names stand for the same hash.
  return side.state === 'omitted' ? 'unknown' : (side.rawHash as string as RawHash)
}

function uploadedHashes(before: FileSide, after: FileSide): RecordedChange['uploaded'] {
  const changed = (side: FileSide): string | undefined =>
    side.state === 'content' && side.redactions > 0 ? side.hash : undefined
  if (changed(before) === undefined && changed(after) === undefined) return undefined
  return { before: changed(before), after: changed(after) }
}
