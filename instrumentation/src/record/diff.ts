/**
 * The unified diff of one file operation: pure, bounded in work, and true: applied to before it gives
 * after, with `patch -p1` or `git apply`.
 *
 * Equal lines at both ends are taken off first, so a small edit of a large file is cheap. What is left is
 * diffed by the package `diff`. Beyond `diffStepsMax`, or above `diffedLinesMax`, the diff is one hunk, all of before
 * and all of after, and says so. These limits are of work, not of time: a machine that is busy makes the same diff, unless
 * it is so slow that `diffMillisecondsMax` is reached.
 */
import { FILE_HEADERS_ONLY, formatPatch, type StructuredPatch, structuredPatch } from 'diff'
import { countLines } from './content.ts'

/**
 * About 250 ms of a worker's time; an unlucky 5 000 lines would take 4 s. Myers' algorithm goes through as many rounds as
 * lines were added and removed, each of as many steps as rounds before it, and at most as the shorter side has lines.
 */
const diffStepsMax = 5_000_000
/** For lines that make a step slow, or a machine on which it is. */
const diffMillisecondsMax = 5_000
/** Splitting more lines than this takes as long as all those steps. */
export const diffedLinesMax = 200_000
const contextLines = 3

export interface UnifiedDiff {
  /** Empty where nothing is there to apply. */
  readonly diff: string
  readonly linesAdded: number
  readonly linesRemoved: number
  /** The limit was reached: one hunk over the whole file. */
  readonly isWholeFile: boolean
}

export interface DiffInput {
  /** Relative, with `/`. */
  readonly path: string
  /** On a rename. */
  readonly previousPath?: string | undefined
  /** Absent: there was no file. */
  readonly before?: string | undefined
  /** Absent: there is no file. */
  readonly after?: string | undefined
}

type Hunks = StructuredPatch['hunks']

export function unifiedDiff(input: DiffInput): UnifiedDiff {
  const { before = '', after = '' } = input
  const hunks = before === after ? [] : hunksBetween(before, after)
  if (hunks === undefined) {
    return {
      diff: wholeFileDiff(input, before, after),
      linesAdded: countLines(after),
      linesRemoved: countLines(before),
      isWholeFile: true,
    }
  }
  const lines = hunks.flatMap((hunk) => hunk.lines)
  return {
    diff: format(input, hunks),
    linesAdded: lines.filter((line) => line.startsWith('+')).length,
    linesRemoved: lines.filter((line) => line.startsWith('-')).length,
    isWholeFile: false,
  }
}

/** Undefined beyond the limits. */
function hunksBetween(before: string, after: string): Hunks | undefined {
  const changed = changedLines(before, after)
  const linesBefore = countLines(changed.before)
  const linesAfter = countLines(changed.after)
  if (linesBefore + linesAfter > diffedLinesMax) return undefined
  const stepsOfRound = Math.min(linesBefore, linesAfter) + 1
  const options = {
    context: contextLines,
    maxEditLength: Math.floor(Math.max(Math.sqrt(diffStepsMax), diffStepsMax / stepsOfRound)),
    timeout: diffMillisecondsMax,
  }
  const patch = structuredPatch(
    '',
    '',
    changed.before,
    changed.after,
    undefined,
    undefined,
    options,
  )
  return patch?.hunks.map((hunk, index, { length }) => {
    const moved = {
      ...hunk,
      oldStart: hunk.oldStart + changed.linesAbove,
      newStart: hunk.newStart + changed.linesAbove,
    }
    return index === length - 1 ? withContextBelow(moved, changed.below) : moved
  })
}

/**
 * The last hunk reaches the end of what was diffed, for its last lines differ. The lines below are put
 * to it here, not diffed with it: the diff could take them for others, and `git apply` then believes
 * that the file ends there.
 */
function withContextBelow(hunk: Hunks[number], below: string): Hunks[number] {
  const count = countLines(below)
  if (count === 0) return hunk
  const lines = below.replace(/\n$/, '').split('\n')
  const end = below.endsWith('\n') ? [] : ['\\ No newline at end of file']
  return {
    ...hunk,
    oldLines: hunk.oldLines + count,
    newLines: hunk.newLines + count,
    lines: [...hunk.lines, ...lines.map((line) => ` ${line}`), ...end],
  }
}

/** What git calls the empty content, and none: without that line GNU patch keeps an empty file. */
const emptyFileIndex = { create: '0000000..e69de29', delete: 'e69de29..0000000' } as const

/**
 * Git's own header lines are there only where something is to be done beside the hunks: for a rename,
 * and for an empty file that comes or goes. Else it is `---` and `+++`.
 */
function format(input: DiffInput, hunks: Hunks): string {
  const { path, previousPath = path, before, after } = input
  const isCreate = before === undefined && after !== undefined
  const isDelete = before !== undefined && after === undefined
  const isRename = previousPath !== path && !isCreate && !isDelete
  const isEmptyFile = (isCreate || isDelete) && hunks.length === 0
  const isGit = isRename || isEmptyFile
  if (!isGit && hunks.length === 0) return ''
  const patch: StructuredPatch = {
    oldFileName: isCreate ? '/dev/null' : `a/${previousPath}`,
    newFileName: isDelete ? '/dev/null' : `b/${path}`,
    oldHeader: undefined,
    newHeader: undefined,
    hunks,
    ...(isGit && { isGit, isCreate, isDelete, isRename }),
  }
  const text = formatPatch(patch, FILE_HEADERS_ONLY)
  if (isEmptyFile) return `${text}index ${emptyFileIndex[isCreate ? 'create' : 'delete']}\n`
  return endNames(text, [`--- ${patch.oldFileName}`, `+++ ${patch.newFileName}`])
}

/** As git does: a tab behind a name with a blank, which else would end the name. */
function endNames(diff: string, headers: readonly string[]): string {
  return headers
    .filter((header) => header.includes(' ', 4))
    .reduce((text, header) => text.replace(`${header}\n`, () => `${header}\t\n`), diff)
}

function wholeFileDiff(input: DiffInput, before: string, after: string): string {
  const removed = countLines(before)
  const added = countLines(after)
  const empty = { oldStart: 1, oldLines: 0, newStart: 1, newLines: 0, lines: [] }
  const header = format(input, [empty])
  return [
    header.slice(0, header.lastIndexOf('@@ -')),
    `@@ -${Math.min(1, removed)},${removed} +${Math.min(1, added)},${added} @@\n`,
    prefixLines('-', before, removed),
    prefixLines('+', after, added),
  ].join('')
}

/** By bytes: sixteen million short lines as strings would take seconds. */
function prefixLines(prefix: '-' | '+', text: string, lines: number): string {
  if (lines === 0) return ''
  const bytes = Buffer.from(text, 'utf8')
  const prefixed = Buffer.allocUnsafe(bytes.length + lines)
  const mark = prefix.charCodeAt(0)
  let to = 0
  let isLineStart = true
  for (let from = 0; from < bytes.length; from += 1) {
    const byte = bytes[from] ?? 0
    if (isLineStart) prefixed[to++] = mark
    prefixed[to++] = byte
    isLineStart = byte === 0x0a
  }
  const out = prefixed.toString('utf8')
  return isLineStart ? out : `${out}\n\\ No newline at end of file\n`
}

/** What differs, in whole lines, after a little of what is equal above; and a little of what is equal below. */
function changedLines(before: string, after: string) {
  const start = startOfLine(before, equalAtStart(before, after))
  const equalBelow = equalAtEnd(before, after, Math.min(before.length, after.length) - start)
  const from = linesUp(before, start, contextLines)
  const end = before.length - equalBelow
  return {
    before: before.slice(from, end),
    after: after.slice(from, after.length - equalBelow),
    below: before.slice(end, linesDown(before, end, contextLines)),
    linesAbove: countLines(before.slice(0, from)),
  }
}

/** Slices are compared before characters: equal text is passed at the speed of memory. */
const comparedLength = 4096

function equalAtStart(a: string, b: string): number {
  const lengthMax = Math.min(a.length, b.length)
  let at = 0
  while (at + comparedLength <= lengthMax && slicesEqual(a, b, at, at)) at += comparedLength
  while (at < lengthMax && a.charCodeAt(at) === b.charCodeAt(at)) at += 1
  return at
}

/** Whole lines that are equal at both ends, in characters; at most `lengthMax`. */
function equalAtEnd(a: string, b: string, lengthMax: number): number {
  let length = 0
  while (
    length + comparedLength <= lengthMax &&
    slicesEqual(a, b, a.length - length - comparedLength, b.length - length - comparedLength)
  ) {
    length += comparedLength
  }
  while (
    length < lengthMax &&
    a.charCodeAt(a.length - length - 1) === b.charCodeAt(b.length - length - 1)
  ) {
    length += 1
  }
  if (isLineStart(a, a.length - length) && isLineStart(b, b.length - length)) return length
  const lineEnd = a.indexOf('\n', a.length - length)
  return lineEnd === -1 ? 0 : a.length - lineEnd - 1
}

function slicesEqual(a: string, b: string, fromA: number, fromB: number): boolean {
  return a.slice(fromA, fromA + comparedLength) === b.slice(fromB, fromB + comparedLength)
}

function isLineStart(text: string, at: number): boolean {
  return at === 0 || text.charCodeAt(at - 1) === 0x0a
}

function startOfLine(text: string, at: number): number {
  return at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1
}

function linesUp(text: string, lineStart: number, count: number): number {
  let at = lineStart
  for (let passed = 0; passed < count && at > 0; passed += 1) at = startOfLine(text, at - 1)
  return at
}

function linesDown(text: string, lineStart: number, count: number): number {
  let at = lineStart
  for (let passed = 0; passed < count && at < text.length; passed += 1) {
    const end = text.indexOf('\n', at)
    at = end === -1 ? text.length : end + 1
  }
  return at
}
