/** One content as it stands, or the beginning of it and where the whole is. */
import { contentLengthMax } from '../storage/queries/turn.ts'
import { formatBytes, formatNumber } from './format.ts'
import { type Html, html } from './html.ts'

/** The queries read one character more than is shown. */
export function isCut(text: string): boolean {
  return text.length > contentLengthMax
}

export function contentBlock(options: { readonly text: string; readonly wholePath: string }): Html {
  const { text, wholePath } = options
  return html`<pre class="code">${text.slice(0, contentLengthMax)}</pre>${isCut(text) && cutNote(wholePath)}`
}

/** JSON laid out to be read, when it is JSON and whole. */
export function jsonBlock(options: { readonly text: string; readonly wholePath: string }): Html {
  if (isCut(options.text)) return contentBlock(options)
  try {
    return contentBlock({ ...options, text: JSON.stringify(JSON.parse(options.text), null, 2) })
  } catch {
    return contentBlock(options)
  }
}

export function bytesNote(options: { readonly bytes: number; readonly wholePath: string }): Html {
  return html`<p class="note">${formatBytes(options.bytes)} that are no text: <a href="${options.wholePath}">download</a></p>`
}

export function cutNote(wholePath: string): Html {
  return html`<p class="note">The first ${formatNumber(contentLengthMax)} characters. <a href="${wholePath}">Show the whole</a></p>`
}
