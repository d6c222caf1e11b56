/** A unified diff of one file, line by line. Pure. */

/**
 * @typedef {object} DiffLine
 * @property {'hunk' | 'added' | 'removed' | 'same' | 'note'} kind
 * @property {string} text without its marker
 * @property {number | undefined} oldNumber
 * @property {number | undefined} newNumber
 */

const hunkHeader = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/

/**
 * Everything before the first hunk is file names, which are shown elsewhere. Only a line feed ends a line: what
 * else may look like an end belongs to the file's own text.
 *
 * @param {string} diff
 * @returns {readonly DiffLine[]}
 */
export function parseDiff(diff) {
  const rows = diff.split('\n')
  if (rows.at(-1) === '') rows.pop()
  const first = rows.findIndex((row) => hunkHeader.test(row))
  if (first === -1) return []

  let [oldNumber, newNumber] = [0, 0]
  return rows.slice(first).map((row) => {
    const header = hunkHeader.exec(row)
    const text = row.slice(1)
    switch (header === null ? row[0] : '@') {
      case '@':
        if (header === null) return line('note', row)
        oldNumber = Number(header[1])
        newNumber = Number(header[2])
        return line('hunk', row)
      case '+':
        return line('added', text, undefined, newNumber++)
      case '-':
        return line('removed', text, oldNumber++)
      case '\\':
        return line('note', text.trim())
      default:
        return line('same', text, oldNumber++, newNumber++)
    }
  })
}

/**
 * @param {DiffLine['kind']} kind
 * @param {string} text
 * @param {number} [oldNumber]
 * @param {number} [newNumber]
 * @returns {DiffLine}
 */
function line(kind, text, oldNumber, newNumber) {
  return { kind, text, oldNumber, newNumber }
}
