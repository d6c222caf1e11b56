/**
 * Text with its misleading characters made visible, for the panel and for the receiver's pages. Pure.
 *
 * Names, prompts and file contents come from anywhere. Escaping makes their HTML harmless, but an invisible character, or one
 * that turns the reading direction, can still make a text look like another one. Each is replaced by its control picture (␛)
 * or its code point (U+202E). What stays, because the text would be wrong without it:
 *
 * - tabs, and in texts of several lines the line ends LF and CR LF;
 * - a variation selector right after a visible character (❤️), but not a second one: a row of them can hide a message;
 * - a zero-width joiner between two emoji (👩‍💻);
 * - a zero-width joiner or non-joiner between two letters of a script that is written with them, such as Persian and Hindi.
 */

/**
 * @typedef {object} Piece
 * @property {string} text
 * @property {boolean} isControl the text stands for a character that would not be seen
 */

const scriptsWithJoiners = [
  ...['Arab', 'Syrc', 'Mong', 'Deva', 'Beng', 'Guru', 'Gujr', 'Orya', 'Taml', 'Telu', 'Knda'],
  ...['Mlym', 'Sinh', 'Khmr', 'Mymr', 'Tibt'],
]
const joinedLetter = `[${scriptsWithJoiners.map((script) => `\\p{Script=${script}}`).join('')}]`
const emoji = String.raw`\p{Extended_Pictographic}`
const variationSelector = String.raw`[\ufe00-\ufe0f\u{e0100}-\u{e01ef}\u180b-\u180d\u180f]`
const ignorable = String.raw`\p{Default_Ignorable_Code_Point}`

/** Controls, surrogates without their half, separators of lines and paragraphs, annotations, invisible characters. */
const misleading = [
  String.raw`(?!\t)[\p{Cc}\p{Cs}\u2028\u2029\ufff9-\ufffb${ignorable}]`,
  String.raw`(?<![^\s\p{Cc}${ignorable}]${variationSelector})`,
  String.raw`(?<!${emoji}[\ufe0f\p{Emoji_Modifier}]?\u200d(?=${emoji}))`,
  String.raw`(?<!${joinedLetter}[\u200c\u200d](?=${joinedLetter}))`,
].join('')
const misleadingInLine = new RegExp(misleading, 'gu')
const misleadingInLines = new RegExp(String.raw`(?!\r?\n)${misleading}`, 'gu')

/**
 * For one line, such as a name: its line ends are shown as well.
 *
 * @param {string} text
 * @returns {readonly Piece[]}
 */
export function toPieces(text) {
  /** @type {Piece[]} */
  const pieces = []
  let from = 0
  for (const match of text.matchAll(misleadingInLine)) {
    if (match.index > from) pieces.push({ text: text.slice(from, match.index), isControl: false })
    pieces.push({ text: picture(match[0]), isControl: true })
    from = match.index + match[0].length
  }
  if (from < text.length) pieces.push({ text: text.slice(from), isControl: false })
  return pieces
}

/**
 * The same as a string, where there can be no markup.
 *
 * @param {string} text
 */
export function toVisible(text) {
  return text.replace(misleadingInLine, picture)
}

/**
 * For texts of several lines, such as a prompt.
 *
 * @param {string} text
 */
export function toVisibleLines(text) {
  // Ten times faster for what most texts are.
  if (!/[^\t\n -~]/.test(text)) return text
  return text.replace(misleadingInLines, picture)
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
