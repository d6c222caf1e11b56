/** Whether a text quotes another one as a whole: in quotes, in tags, on a line, or after a colon. Pure. */

/** What may stand before a quoted text, and after it; blanks are skipped. */
const before = /[\n\r:"'`>([“‘«]/
const after = /[\n\r"'`<)\]”’»]/
const blank = /[ \t]/

/** A quoted text may be written as in JSON. */
export function isQuotedIn(outer: string, text: string): boolean {
  const inner = text.trim()
  if (inner === '') return false
  const escaped = JSON.stringify(inner).slice(1, -1)
  return isDelimited(outer, inner) || (escaped !== inner && isDelimited(outer, escaped))
}

function isDelimited(outer: string, inner: string): boolean {
  for (let at = outer.indexOf(inner); at !== -1; at = outer.indexOf(inner, at + 1)) {
    if (isEdge(outer, at - 1, -1, before) && isEdge(outer, at + inner.length, 1, after)) return true
  }
  return false
}

function isEdge(text: string, from: number, step: 1 | -1, marks: RegExp): boolean {
  let at = from
  while (blank.test(text[at] ?? '')) at += step
  // A word of a line that goes on is no quotation.
  const sign = text[at]
  return sign === undefined || marks.test(sign)
}
