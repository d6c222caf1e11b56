/** One content on a page: all of it, or its beginning and a link to all of it. */
import { isObject, parseJson } from '@turnlog/conventions/plain'
import { contentLengthMax } from '../storage/queries/turn.ts'
import { formatBytes, formatNumber } from './format.ts'
import { type Html, html } from './html.ts'

/** The queries read one character more than the pages show. */
export function isCut(text: string): boolean {
  return text.length > contentLengthMax
}

/** Cut between two characters, not inside one. */
export function beginningOf(text: string, lengthMax: number = contentLengthMax): string {
  return text.length > lengthMax ? text.slice(0, lengthMax).replace(/[\ud800-\udbff]$/, '') : text
}

export function contentBlock(options: { readonly text: string; readonly wholePath: string }): Html {
  const { text, wholePath } = options
  return html`<pre class="code">${beginningOf(text)}</pre>${isCut(text) && cutNote(wholePath)}`
}

/** Text that is JSON is indented; a small object of short texts is shown as pairs. Other text, and cut JSON, stays as it is. */
export function jsonBlock(options: { readonly text: string; readonly wholePath: string }): Html {
  const value = isCut(options.text) ? undefined : parseJson(options.text)
  if (value === undefined) return contentBlock(options)
  const pairs = shortPairs(value)
  if (pairs === undefined) return contentBlock({ ...options, text: JSON.stringify(value, null, 2) })
  return html`<dl class="pairs">${pairs.map(([key, text]) => html`<dt>${key}</dt><dd>${text}</dd>`)}</dl>`
}

const shortPairsMax = 4
const shortTextMax = 160

function shortPairs(value: unknown): [string, string][] | undefined {
  if (!isObject(value)) return undefined
  const pairs = Object.entries(value)
  if (pairs.length === 0 || pairs.length > shortPairsMax) return undefined
  const isShort = ([, text]: [string, unknown]) =>
    typeof text === 'string' && text !== '' && text.length <= shortTextMax && !text.includes('\n')
  return pairs.every(isShort) ? pairs.map(([key, text]) => [key, String(text)]) : undefined
}

export function bytesNote(options: { readonly bytes: number; readonly wholePath: string }): Html {
  return html`<p class="note">${formatBytes(options.bytes)}, not text: <a href="${options.wholePath}">download</a></p>`
}

/** Large content is sent apart from its record, and may arrive later. */
export function awaitedNote(what: string): Html {
  return html`<p class="note">${what} is not here yet.</p>`
}

export function cutNote(wholePath: string): Html {
  return html`<p class="note">The first ${formatNumber(contentLengthMax)} characters. <a href="${wholePath}">Show all</a></p>`
}
