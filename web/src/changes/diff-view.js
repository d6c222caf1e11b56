/** A diff on the page: numbered, coloured, and added in parts, since thousands of lines would block the page. */

import { parseDiff } from './diff-lines.js'
import { foreign, make } from './dom.js'
import { toVisible } from './visible-text.js'

/** @import { DiffLine } from './diff-lines.js' */

const linesAtOnce = 500
/** Minified files have lines of megabytes. The number of characters left out is shown. */
const lineCharsMax = 2_000

const markers = { hunk: '', added: '+', removed: '−', same: '', header: '', note: '' }

/**
 * @param {string} diff
 * @param {string} path
 * @returns {HTMLElement}
 */
export function makeDiffView(diff, path) {
  const lines = parseDiff(diff)
  if (lines.length === 0) return makeNote('No line was added or removed.')

  const rows = make('div', { class: 'lines' })
  const view = make(
    'div',
    { class: 'diff', role: 'region', tabindex: '0', 'aria-label': `Diff of ${toVisible(path)}` },
    [rows],
  )
  const more = make('button', { type: 'button', class: 'more' })
  let shown = 0
  const showMore = () => {
    rows.append(...lines.slice(shown, shown + linesAtOnce).map(makeLine))
    shown = Math.min(shown + linesAtOnce, lines.length)
    const left = lines.length - shown
    more.textContent = `Show more (${left} of ${lines.length} lines left)`
    if (left === 0) more.remove()
  }
  more.addEventListener('click', showMore)
  showMore()
  if (shown < lines.length) view.append(more)
  return view
}

/** @param {string} text */
export function makeNote(text) {
  return make('p', { class: 'note' }, [text])
}

/** @param {DiffLine} line */
function makeLine({ kind, text, oldNumber, newNumber }) {
  const left = text.length - lineCharsMax
  const shown = left > 0 ? text.slice(0, lineCharsMax) : text
  const rest = left > 0 ? [make('span', { class: 'control' }, [` … ${left} more characters`])] : []
  return make('div', { class: `line ${kind}` }, [
    make('span', { class: 'number', 'aria-hidden': 'true' }, [String(oldNumber ?? '')]),
    make('span', { class: 'number', 'aria-hidden': 'true' }, [String(newNumber ?? '')]),
    make('span', { class: 'marker' }, [markers[kind]]),
    make('span', { class: 'text' }, [...foreign(shown), ...rest]),
  ])
}
