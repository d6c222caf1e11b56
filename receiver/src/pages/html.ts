/**
 * HTML from templates. Text that is inserted is escaped, and its misleading characters are made visible; HTML is inserted as
 * it is.
 */
import { toVisibleLines } from '@turnlog/web/visible-text.js'

const markup = Symbol('markup')

export interface Html {
  readonly [markup]: string
}

type Insertion = Html | string | number | false | null | undefined | readonly Insertion[]

/** `html\`<p>${text}</p>\``. Null, undefined and false insert nothing; lists are joined. */
export function html(strings: TemplateStringsArray, ...insertions: readonly Insertion[]): Html {
  let text = strings[0] ?? ''
  for (const [index, insertion] of insertions.entries()) {
    text += render(insertion) + (strings[index + 1] ?? '')
  }
  return { [markup]: text }
}

export function toText(page: Html): string {
  return page[markup]
}

function render(insertion: Insertion): string {
  if (insertion === null || insertion === undefined || insertion === false) return ''
  if (typeof insertion === 'string') return escapeText(insertion)
  if (typeof insertion === 'number') return String(insertion)
  if (isList(insertion)) return insertion.map(render).join('')
  return insertion[markup]
}

function isList(insertion: Html | readonly Insertion[]): insertion is readonly Insertion[] {
  return Array.isArray(insertion)
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeText(text: string): string {
  return toVisibleLines(text).replace(/[&<>"']/g, (character) => escapes[character] ?? character)
}
