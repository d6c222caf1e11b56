/**
 * The unified diff of one file operation. Pure, bounded in work, and correct: `patch -p1` and `git apply` make the after
 * of the before.
 *
 * Equal lines at both ends are removed first, so a small edit of a large file is cheap; the package `diff` compares the
 * rest. Beyond `diffStepsMax` or `diffedLinesMax` the diff is one hunk, all of before and all of after, and says so. These
 * limits count work, not time: a busy machine makes the same diff, unless it is so slow that the time limit is reached.
 */
import { FILE_HEADERS_ONLY, formatPatch, type StructuredPatch, structuredPatch } from 'diff'
import { countLines } from './text.ts'

/**
 * About 250 ms of a worker's time; 5 000 unlucky lines would take 4 s. Myers' algorithm makes one round for each line added
 * or removed. A round takes as many steps as there were rounds before it, but no more than the shorter side has lines.
 */
const diffStepsMax = 5_000_000
/** For very long lines, and slow machines. */
const diffMillisecondsMax = 5_000
/** Splitting more lines than this takes as long as `diffStepsMax` steps. */
export const diffedLinesMax = 200_000
const contextLines = 3

export interface UnifiedDiff {
  /** Empty when there is nothing to apply. */
  readonly diff: string
  readonly linesAdded: number
  readonly linesRemoved: number
  /** A limit was reached: the diff is one hunk over the whole file. */
  readonly isWholeFile: boolean
}

export interface DiffInput {
  /** Relative, with `/`. */
  readonly path: string
  /** Set on a rename. */
  readonly previousPath?: string | undefined
  /** Absent when there was no file. */
  readonly before?: string | undefined
  /** Absent when there is no file. */
  readonly after?: string | undefined
}

type Hunks = StructuredPatch['hunks']

export function unifiedDiff(
  input: DiffInput,
  { millisecondsMax = diffMillisecondsMax }: { readonly millisecondsMax?: number } = {},
): UnifiedDiff {
  const { before = '', after = '' } = input
  const hunks = before === after ? [] : hunksBetween(before, after, millisecondsMax)
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
function hunksBetween(before: string, after: string, timeout: number): Hunks | undefined {
  const changed = changedLines(before, after)
  const linesBefore = countLines(changed.before)
  const linesAfter = countLines(changed.after)
  if (linesBefore + linesAfter > diffedLinesMax) return undefined
  const stepsOfRound = Math.min(linesBefore, linesAfter) + 1
  const options = {
    context: contextLines,
    maxEditLength: Math.floor(Math.max(Math.sqrt(diffStepsMax), diffStepsMax / stepsOfRound)),
    timeout,
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
    const inFile = {
      ...hunk,
      oldStart: hunk.oldStart + changed.linesAbove,
      newStart: hunk.newStart + changed.linesAbove,
    }
    return index === length - 1 ? withContextBelow(inFile, changed.below) : inFile
  })
}

/**
 * The last hunk reaches the end of the compared lines, because the last of them differ. The equal lines below are added
 * here instead of being compared: the comparison could match them to other lines, and `git apply` would then assume that
 * the file ends there.
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

/** Git's short ids of the empty content and of no content. Without this line GNU patch does not delete an empty file. */
const emptyFileIndex = { create: '0000000..e69de29', delete: 'e69de29..0000000' } as const

/**
 * Git's own header lines are written only when the hunks do not say everything: for a rename, and when an empty file is
 * created or deleted. Otherwise the header is `---` and `+++`.
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
  if (isGit && hunks.length === 0) {
    const index = isEmptyFile ? `index ${emptyFileIndex[isCreate ? 'create' : 'delete']}\n` : ''
    return quoteNames(text, [previousPath, path]) + index
  }
  return endNames(text, [`--- ${patch.oldFileName}`, `+++ ${patch.newFileName}`])
}

/** Without `---` and `+++` GNU patch takes the names from git's first line, where only quotes include a blank. */
function quoteNames(diff: string, [previousPath, path]: readonly [string, string]): string {
  const header = `diff --git a/${previousPath} b/${path}\n`
  return header.split(' ').length === 4
    ? diff
    : diff.replace(header, () => `diff --git "a/${previousPath}" "b/${path}"\n`)
}

/** A tab ends a name that contains a blank, as in git's diffs: without it GNU patch cuts the name at the blank. */
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

/** Works on bytes: sixteen million short lines as strings would take seconds. */
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

/** The lines that differ with some equal lines above them; and some of the equal lines below. */
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

/** Slices are compared before characters, which is as fast as memory for equal text. */
const comparedLength = 4096

function equalAtStart(a: string, b: string): number {
  const lengthMax = Math.min(a.length, b.length)
  let at = 0
  while (at + comparedLength <= lengthMax && slicesEqual(a, b, at, at)) at += comparedLength
  while (at < lengthMax && a.charCodeAt(at) === b.charCodeAt(at)) at += 1
  return at
}

/** The length in characters of the equal whole lines at the end of both; at most `lengthMax`. */
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
