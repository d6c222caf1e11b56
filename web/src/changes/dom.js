/** Every element of the panel is made here: text is inserted as text, never as markup. */

import { toPieces } from './visible-text.js'

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Readonly<Record<string, string>>} [attributes]
 * @param {readonly (Node | string)[]} [children]
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, attributes = {}, children = []) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.append(...children)
  return element
}

/**
 * Text that the panel did not write: its misleading characters are made visible and coloured.
 *
 * @param {string} text
 * @returns {readonly (Node | string)[]}
 */
export function foreign(text) {
  return toPieces(text).map((piece) =>
    piece.isControl ? make('span', { class: 'control' }, [piece.text]) : piece.text,
  )
}
