/** One content as it stands, or the beginning of it and where the whole is. */
import { contentLengthMax } from '../storage/queries/turn.ts'
import { formatBytes, formatNumber } from './format.ts'
import { type Html, html } from './html.ts'

/** The queries read one character more than is shown. */
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

/** JSON laid out to be read, when it is JSON and whole: an object of short values as pairs. */
export function jsonBlock(options: { readonly text: string; readonly wholePath: string }): Html {
  const value = isCut(options.text) ? undefined : parse(options.text)
  if (value === undefined) return contentBlock(options)
  const pairs = shortPairs(value)
  if (pairs === undefined) return contentBlock({ ...options, text: JSON.stringify(value, null, 2) })
  return html`<dl class="pairs">${pairs.map(([key, text]) => html`<dt>${key}</dt><dd>${text}</dd>`)}</dl>`
}

const shortPairsMax = 4
const shortTextMax = 160

function shortPairs(value: unknown): [string, string][] | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const pairs = Object.entries(value)
  if (pairs.length === 0 || pairs.length > shortPairsMax) return undefined
  const isShort = ([, text]: [string, unknown]) =>
    typeof text === 'string' && text !== '' && text.length <= shortTextMax && !text.includes('\n')
  return pairs.every(isShort) ? pairs.map(([key, text]) => [key, String(text)]) : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export function bytesNote(options: { readonly bytes: number; readonly wholePath: string }): Html {
  return html`<p class="note">${formatBytes(options.bytes)} that are no text: <a href="${options.wholePath}">download</a></p>`
}

/** Its record is here, and it travels by itself. */
export function awaitedNote(what: string): Html {
  return html`<p class="note">${what} is not here yet.</p>`
}

export function cutNote(wholePath: string): Html {
  return html`<p class="note">The first ${formatNumber(contentLengthMax)} characters. <a href="${wholePath}">Show the whole</a></p>`
}
