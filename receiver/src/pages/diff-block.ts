/** A unified diff, coloured line by line. */
import { type DiffLine, parseDiff } from '@turnlog/web/diff-lines.js'
import { beginningOf, cutNote, isCut } from './content-block.ts'
import { type Html, html } from './html.ts'

/** Below the last of them is a link to the whole diff. */
const linesMax = 2_000

const markers = { hunk: '', added: '+', removed: '-', same: ' ', header: '', note: '' }

export function diffBlock(options: { readonly diff: string; readonly wholePath: string }): Html {
  const { diff, wholePath } = options
  const lines = parseDiff(beginningOf(diff))
  if (lines.length === 0) return html`<p class="note">No line was added or removed.</p>`
  return html`<pre class="diff">${lines.slice(0, linesMax).map(diffLine)}</pre>
${(isCut(diff) || lines.length > linesMax) && cutNote(wholePath)}`
}

function diffLine({ kind, text }: DiffLine): Html {
  return html`<span class="${kind}">${markers[kind]}${text}
</span>`
}
