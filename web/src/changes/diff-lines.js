/**
 * A unified diff as lines to show: each with its kind, its text and its line numbers. Pure.
 *
 * A hunk's header says how many lines follow on either side. Only these counts tell a removed line `-- x` from the
 * header `--- x` of the next file, so lines are read by them. Lines outside of hunks are read by how they begin: a diff
 * with wrong counts, or without hunks, is shown as well as it can be, and no line of it is lost except file names.
 */

/**
 * @typedef {object} DiffLine
 * @property {'hunk' | 'added' | 'removed' | 'same' | 'header' | 'note'} kind `header`: names a file of the diff;
 *   `note`: any other line that is not a line of a file
 * @property {string} text without its marker
 * @property {number | undefined} oldNumber
 * @property {number | undefined} newNumber
 */

const hunkHeader = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/

/** Lines that git, GNU diff and the package `diff` write above the hunks; a change of mode is not shown elsewhere. */
const fileHeader =
  /^(?:diff -|index [\da-f]+\.\.|(?:dis)?similarity index |(?:rename|copy) (?:from|to) |(?:new|deleted) file mode |Index: |={60,}$)/

/** @type {Readonly<Record<string, 'added' | 'removed' | 'same' | undefined>>} */
const kindByMarker = { '+': 'added', '-': 'removed', ' ': 'same' }

/**
 * File names above the first other line are left out: they are shown elsewhere. Only a line feed ends a line; other
 * separators belong to the file's own text.
 *
 * @param {string} diff
 * @returns {readonly DiffLine[]}
 */
export function parseDiff(diff) {
  const rows = diff.split('\n')
  if (rows.at(-1) === '') rows.pop()
  const sides = { old: makeSide(), new: makeSide() }
  const lines = rows.map((row, at) => {
    // Some tools cut the blank off an empty line.
    const kind = kindByMarker[row[0] ?? ' ']
    const isOfHunk =
      (kind === 'added' || sides.old.left > 0) && (kind === 'removed' || sides.new.left > 0)
    if (kind !== undefined && (isOfHunk || !isFileHeader(rows, at))) {
      const oldNumber = kind === 'added' ? undefined : take(sides.old)
      const newNumber = kind === 'removed' ? undefined : take(sides.new)
      return makeLine(kind, row.slice(1), oldNumber, newNumber)
    }
    if (row.startsWith('\\')) return makeLine('note', row.slice(1).trim())
    const [hunk, oldStart, oldCount = '1', newStart, newCount = '1'] = hunkHeader.exec(row) ?? []
    sides.old = makeSide(oldStart, oldCount)
    sides.new = makeSide(newStart, newCount)
    if (hunk !== undefined) return makeLine('hunk', row)
    return makeLine(isFileHeader(rows, at) ? 'header' : 'note', row)
  })
  const first = lines.findIndex(({ kind }) => kind !== 'header')
  return first === -1 ? [] : lines.slice(first)
}

/**
 * Read outside of hunks only.
 *
 * @param {readonly string[]} rows
 * @param {number} at
 */
function isFileHeader(rows, at) {
  const row = rows[at] ?? ''
  if (row.startsWith('--- ')) return rows[at + 1]?.startsWith('+++ ') === true
  if (row.startsWith('+++ ')) return rows[at - 1]?.startsWith('--- ') === true
  return fileHeader.test(row)
}

/**
 * One side of a hunk: the number of its next line, and how many lines are left.
 *
 * @typedef {{ number: number | undefined, left: number }} Side
 */

/**
 * @param {string} [start] absent before the first hunk
 * @param {string} [count]
 * @returns {Side}
 */
function makeSide(start, count) {
  return start === undefined
    ? { number: undefined, left: 0 }
    : { number: Number(start), left: Number(count) }
}

/** @param {Side} side */
function take(side) {
  side.left -= 1
  return side.number === undefined ? undefined : side.number++
}

/**
 * @param {DiffLine['kind']} kind
 * @param {string} text
 * @param {number} [oldNumber]
 * @param {number} [newNumber]
 * @returns {DiffLine}
 */
function makeLine(kind, text, oldNumber, newNumber) {
  return { kind, text, oldNumber, newNumber }
}
