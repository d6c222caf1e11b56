/** A unified diff, coloured line by line. */
import { contentLengthMax } from '../storage/queries/turn.ts'
import { cutNote, isCut } from './content-block.ts'
import { type Html, html } from './html.ts'

/** More lines than this are for an editor; the whole is a link away. */
const linesMax = 2_000

export function diffBlock(options: { readonly diff: string; readonly wholePath: string }): Html {
  const { diff, wholePath } = options
  const lines = diff.slice(0, contentLengthMax).split('\n')
  if (lines.at(-1) === '') lines.pop()
  // The two lines that name the file stand above the diff already.
  const body = lines.slice(lines.findIndex((line) => line.startsWith('@@')) === 2 ? 2 : 0)
  return html`<pre class="diff">${body.slice(0, linesMax).map(diffLine)}</pre>
${(isCut(diff) || body.length > linesMax) && cutNote(wholePath)}`
}

function diffLine(line: string): Html {
  return html`<span class="${classOf(line)}">${line === '' ? ' ' : line}
</span>`
}

function classOf(line: string): string {
  if (line.startsWith('+')) return 'added'
  if (line.startsWith('-')) return 'removed'
  if (line.startsWith('@@')) return 'hunk'
  return 'same'
}
