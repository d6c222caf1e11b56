/** Compares what was recorded of a way with what must be: the operations, their contents to the byte, and their attributes. */
import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import * as path from 'node:path'
import type { RecordedChange } from '../../src/changes/change.ts'
import type { RecordedSpan } from '../support/recorded.ts'
import type { Content, ExpectedOperation, Source, State, Way } from './way.ts'

/** One operation, as the local store and the sent span have it. */
export interface RecordedOperation {
  readonly change: RecordedChange
  readonly contents: Readonly<Record<'before' | 'after' | 'overwritten', Uint8Array | undefined>>
  readonly span: RecordedSpan | undefined
  readonly parent: RecordedSpan | undefined
}

export interface Folders {
  readonly workspace: string
  readonly outside: string
}

/** Nothing when all is right; otherwise lines that say what is expected and what is recorded. */
export function differencesOf(
  way: Way,
  recorded: readonly RecordedOperation[],
  folders: Folders,
): readonly string[] {
  const inOrder = recorded
    .map((operation) => ({ operation, path: nameIn(way, operation.change.absolutePath, folders) }))
    .toSorted((a, b) => compareText(a.path, b.path))
    .map(({ operation }) => operation)
  const told = [way.expected, ...(way.orElse ?? [])].map((expected) =>
    compareAll(way, expected, inOrder, folders),
  )
  return told.find(({ length }) => length === 0) ?? told[0] ?? []
}

function compareAll(
  way: Way,
  expected: readonly ExpectedOperation[],
  recorded: readonly RecordedOperation[],
  folders: Folders,
): readonly string[] {
  const sorted = expected.toSorted((a, b) => compareText(a.path, b.path))
  const length = Math.max(sorted.length, recorded.length)
  const lines = Array.from({ length }, (_, index) => {
    const [wanted, got] = [sorted[index], recorded[index]]
    if (wanted === undefined) return got && `also recorded: ${describe(way, got, folders)}`
    if (got === undefined) return `not recorded: ${describeExpected(wanted)}`
    const faults = faultsOf(way, wanted, got, folders)
    if (faults.length === 0) return undefined
    return `expected: ${describeExpected(wanted)}; recorded: ${describe(way, got, folders)}; ${faults.join(', ')}`
  })
  return lines.filter((line) => line !== undefined)
}

function faultsOf(
  way: Way,
  wanted: ExpectedOperation,
  { change, contents, span, parent }: RecordedOperation,
  folders: Folders,
): string[] {
  const found = (text: string | undefined): string | undefined =>
    text === undefined ? undefined : nameIn(way, text, folders)
  const attributes = span?.attributes ?? {}
  const source = attributes['turnlog.file_operation.source']
  const checks: Record<string, boolean> = {
    type: change.opType === wanted.type,
    path: found(change.absolutePath) === wanted.path,
    'previous path': found(change.previousAbsolutePath) === wanted.previousPath,
    'no span': span !== undefined,
    'type of the span': attributes['turnlog.file_operation.type'] === wanted.type,
    'path of the span': attributes['file.path'] === change.path,
    [`source ${String(source)}`]: isSource(wanted.source ?? way.source ?? 'fs', source),
    parent: way.isLate === true || parent?.name.startsWith('execute_tool') === true,
    lines: hasRightLines(wanted, change, contents, span),
  }
  for (const side of ['before', 'after', 'overwritten'] as const) {
    const state = wanted[side]
    if (state === undefined) checks[side] = change[side] === undefined
    else if (isOutside(wanted)) checks[side] = isHashed(state, attributes, side)
    else {
      checks[side] = isState(state, contents[side], change[side], fileOf(way, wanted, folders))
      checks[`${side} of the span`] = isHashed(state, attributes, side)
    }
  }
  return Object.entries(checks).flatMap(([name, isRight]) => (isRight ? [] : [name]))
}

function isSource(wanted: Source, recorded: unknown): boolean {
  return (
    wanted === recorded || (wanted === 'either' && (recorded === 'fs' || recorded === 'process'))
  )
}

function isState(
  state: State,
  content: Uint8Array | undefined,
  recorded: string | undefined,
  file: string,
): boolean {
  if (state === 'absent') return recorded === 'absent'
  if ('unknown' in state || 'tooLarge' in state) return recorded === 'unknown'
  if ('anyOf' in state) {
    return state.anyOf.some((each) =>
      isState(
        typeof each === 'string' && each === 'absent'
          ? 'absent'
          : typeof each === 'object' && 'unknown' in each
            ? each
            : { is: each },
        content,
        recorded,
        file,
      ),
    )
  }
  const wanted = 'onDisk' in state ? readFileSync(file) : bytes(state.is)
  return content !== undefined && Buffer.compare(content, wanted) === 0
}

/** The hash and size that are sent, for contents from which nothing was redacted. */
function isHashed(state: State, attributes: RecordedSpan['attributes'], side: string): boolean {
  const name = `turnlog.file_operation.${side}`
  if (state === 'absent') return attributes[`${name}.size`] === undefined
  const content = 'is' in state ? state.is : 'tooLarge' in state ? state.tooLarge : undefined
  if (content === undefined || attributes[`${name}.redactions`] !== undefined) return true
  const wanted = bytes(content)
  const hash = attributes[`${name}.sha256`]
  const isHash = hash === `sha256:${createHash('sha256').update(wanted).digest('hex')}`
  const isSize = attributes[`${name}.size`] === wanted.byteLength
  if (!('tooLarge' in state)) return isSize && isHash
  // The hash of a large file from before a write is not known: it would have needed a copy of the file.
  const isHashKnown = isHash || (side === 'before' && hash === undefined)
  return isSize && isHashKnown && attributes[`${name}.omitted`] === 'too_large'
}

function hasRightLines(
  wanted: ExpectedOperation,
  change: RecordedChange,
  contents: RecordedOperation['contents'],
  span: RecordedSpan | undefined,
): boolean {
  const [before, after] = [textOf(contents.before), textOf(contents.after)]
  const isKnown = (side: 'before' | 'after', text: string | undefined): boolean =>
    change[side] === 'absent' || text !== undefined
  if (isOutside(wanted) || !isKnown('before', before) || !isKnown('after', after)) return true
  const lines = changedLines(linesOf(before ?? ''), linesOf(after ?? ''))
  if (lines === undefined) return true
  const attributes = span?.attributes ?? {}
  return (
    change.linesAdded === lines.added &&
    change.linesRemoved === lines.removed &&
    attributes['turnlog.file_operation.lines_added'] === lines.added &&
    attributes['turnlog.file_operation.lines_removed'] === lines.removed
  )
}

/** The text of a content that is UTF-8 without NUL; `undefined` for other contents: their lines are not counted. */
function textOf(content: Uint8Array | undefined): string | undefined {
  if (content === undefined || content.includes(0)) return undefined
  const text = Buffer.from(content).toString()
  return Buffer.compare(Buffer.from(text), content) === 0 ? text : undefined
}

function linesOf(text: string): readonly string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? []
}

/** Counts lines by the longest common subsequence; `undefined` for texts for which that takes too long. */
function changedLines(
  before: readonly string[],
  after: readonly string[],
): { readonly added: number; readonly removed: number } | undefined {
  if (before.length * after.length > 1_000_000) return undefined
  let row: readonly number[] = Array.from({ length: after.length + 1 }, () => 0)
  for (const line of before) {
    const next = [0]
    for (const [index, other] of after.entries()) {
      const diagonal = (row[index] ?? 0) + 1
      next.push(line === other ? diagonal : Math.max(row[index + 1] ?? 0, next[index] ?? 0))
    }
    row = next
  }
  const common = row.at(-1) ?? 0
  return { added: after.length - common, removed: before.length - common }
}

/** The way must have changed the disk as it says; otherwise the test is wrong, whatever is recorded. */
export function faultOnDisk(way: Way, folders: Folders): string | undefined {
  const last = new Map(way.expected.map((operation) => [operation.path, operation]))
  for (const { path: name, previousPath } of way.expected) {
    if (previousPath !== undefined && name !== previousPath) last.delete(previousPath)
  }
  for (const operation of last.values()) {
    const file = fileOf(way, operation, folders)
    const { after } = operation
    const size = statSync(file, { throwIfNoEntry: false })?.size
    if (after === 'absent' ? size !== undefined : size === undefined)
      return `${operation.path} is wrong on disk`
    if (typeof after !== 'object' || !('is' in after)) continue
    if (Buffer.compare(readFileSync(file), bytes(after.is)) !== 0) {
      return `${operation.path} is ${short(readFileSync(file))} on disk`
    }
  }
  return undefined
}

function fileOf(
  way: Way,
  { path: name }: ExpectedOperation,
  { workspace, outside }: Folders,
): string {
  return isOutside({ path: name })
    ? path.join(outside, name.slice('OUTSIDE/'.length))
    : path.join(workspace, way.id, name)
}

function isOutside({ path }: Pick<ExpectedOperation, 'path'>): boolean {
  return path.startsWith('OUTSIDE/')
}

/** The path in the form in which a way names its files. */
function nameIn(way: Way, file: string, { workspace, outside }: Folders): string {
  const absolute = file.replace(/\/tmp-\w{6}\//, '/tmp-XXXXXX/')
  const inWay = path.relative(path.join(workspace, way.id), absolute)
  if (!inWay.startsWith('..')) return inWay
  const inOutside = path.relative(outside, absolute)
  return inOutside.startsWith('..') ? absolute : `OUTSIDE/${inOutside}`
}

function describe(
  way: Way,
  { change, contents, span }: RecordedOperation,
  folders: Folders,
): string {
  const side = (name: 'before' | 'after'): string => {
    const content = contents[name]
    return content === undefined ? String(change[name]) : short(content)
  }
  const previous = change.previousAbsolutePath
  const from = previous === undefined ? '' : ` < ${nameIn(way, previous, folders)}`
  const name = nameIn(way, change.absolutePath, folders)
  const lines = `+${change.linesAdded} −${change.linesRemoved}`
  return `${change.opType} ${name}${from} ${side('before')} → ${side('after')} ${lines} ${span?.attributes['turnlog.file_operation.source']}`
}

function describeExpected({
  type,
  path: name,
  previousPath,
  before,
  after,
}: ExpectedOperation): string {
  const from = previousPath === undefined ? '' : ` < ${previousPath}`
  return `${type} ${name}${from} ${shortState(before)} → ${shortState(after)}`
}

function shortState(state: State): string {
  if (state === 'absent') return state
  if ('is' in state) return short(bytes(state.is))
  return 'tooLarge' in state
    ? 'a hash'
    : 'anyOf' in state
      ? 'one of several'
      : Object.keys(state).join()
}

function short(content: Uint8Array): string {
  return content.byteLength > 60
    ? `${content.byteLength} bytes`
    : JSON.stringify(Buffer.from(content).toString())
}

function bytes(content: Content): Buffer {
  return Buffer.from(content as Uint8Array)
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
