/**
 * Text as it is, with what could mislead the eye made visible. Pure.
 *
 * File names and file contents come from anywhere. HTML is harmless as text, but an escape sequence, a
 * zero-width character or a control that turns the reading direction can make a line look like another one.
 */

/**
 * @typedef {object} Piece
 * @property {string} text
 * @property {boolean} isControl the text stands for a character that would not be seen
 */

/** C0 but tab, DEL and C1, bidi and zero-width controls, separators, tags, surrogates without their half. */
const misleading =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /[\x00-\x08\x0a-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|\p{Cs}/gu

/**
 * @param {string} text
 * @returns {readonly Piece[]}
 */
export function toPieces(text) {
  /** @type {Piece[]} */
  const pieces = []
  let from = 0
  for (const match of text.matchAll(misleading)) {
    if (match.index > from) pieces.push({ text: text.slice(from, match.index), isControl: false })
    pieces.push({ text: picture(match[0]), isControl: true })
    from = match.index + match[0].length
  }
  if (from < text.length) pieces.push({ text: text.slice(from), isControl: false })
  return pieces
}

/**
 * A control picture where Unicode has one (␛ for escape), else the code point.
 *
 * @param {string} character
 */
function picture(character) {
  const code = character.codePointAt(0) ?? 0
  if (code < 0x20) return String.fromCodePoint(0x2400 + code)
  if (code === 0x7f) return '\u2421'
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
}

/**
 * The same for places that take only a string, such as labels.
 *
 * @param {string} text
 */
export function toVisible(text) {
  return toPieces(text)
    .map((piece) => piece.text)
    .join('')
}
