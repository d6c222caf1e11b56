/** A file operation: its kind, told by the disk; before, after and diff; and what the local Changes list keeps of it. */
import {
  type AttributeName,
  type FileOperationType,
  fileOperationTypes,
} from '@turnlog/conventions'
import { type UnifiedDiff, unifiedDiff } from '@turnlog/conventions/content/unified-diff'
import type { SealedAttributes } from '../otlp/otlp-json.ts'
import { toLocalChange } from './local-change.ts'
import {
  type FileSide,
  type FileSides,
  put,
  putFileSide,
  putText,
  readFileSide,
} from './seal-content.ts'
import { incomplete, type Notes, type SealContext, type SealKind } from './sealed-span.ts'

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
  putFileSide(attributes, 'turnlog.file_operation.before', before, { isOutside })
  putFileSide(attributes, 'turnlog.file_operation.after', after, { isOutside })
  if (sides.overwritten !== undefined) {
    putFileSide(attributes, 'turnlog.file_operation.overwritten', sides.overwritten, { isOutside })
  }
  const diff = isOutside ? undefined : putDiff(attributes, sides, context)
  return {
    span: { ...span, name: `file.${type}` },
    attributes,
    change: {
      operation: toLocalChange(ended, {
        ...sides,
        type,
        isBinary,
        diff,
        sessionId: context.sessionId,
      }),
      contents: {
        before: bytesOf(before),
        after: bytesOf(after),
        overwritten: sides.overwritten === undefined ? undefined : bytesOf(sides.overwritten),
      },
    },
  }
}

function readSides(
  { span, notes }: Parameters<SealKind>[0],
  { held, isWhole }: Parameters<SealKind>[2],
): FileSides {
  const read = (side: 'before' | 'after' | 'overwritten'): FileSide =>
    readFileSide(notes[side], () =>
      isWhole ? (held.bytes(span.spanId, `file.${side}`) ?? new Uint8Array()) : incomplete,
    )
  const before = read('before')
  const absent = { state: 'absent' } as const
  const { operation } = notes
  const isNoted = (side: 'after' | 'overwritten'): boolean => notes[side] !== undefined
  return {
    before,
    after: isNoted('after') ? read('after') : operation === 'rename' ? before : absent,
    overwritten: isNoted('overwritten') ? read('overwritten') : undefined,
  }
}

/** The kind is told by the disk, not by the call; by what an app says only where that does not tell. */
function typeOf({ operation, type }: Notes, before: FileSide, after: FileSide): FileOperationType {
  if (operation === 'delete' || operation === 'rename') return operation
  if (before.state === 'absent') return 'create'
  if (before.state === 'omitted' || after.state !== 'content') {
    return fileOperationTypes.find((known) => known === type) ?? 'write'
  }
  return before.rawHash === after.rawHash ? 'write' : 'edit'
}

/** Lines are counted in what was there; the diff that leaves the machine is made of what is redacted. */
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
  const sealed = isRedacted ? diffSides(attributes, before, after, 'text') : raw
  putText(attributes, 'turnlog.file_operation.diff', sealed?.diff, { contentBytesMax })
  if (sealed?.isWholeFile === true) put(attributes, 'turnlog.file_operation.diff.whole_file', true)
  return raw
}

function diffSides(
  attributes: SealedAttributes,
  before: FileSide,
  after: FileSide,
  of: 'rawText' | 'text',
): UnifiedDiff | undefined {
  const textOf = (side: FileSide): string | undefined | false => {
    if (side.state === 'absent') return undefined
    return side.state === 'content' ? (side[of] ?? false) : false
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

function bytesOf(side: FileSide): Uint8Array | undefined {
  return side.state === 'content' ? side.bytes : undefined
}
