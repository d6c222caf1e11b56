/** Indents JSON text by four, piece by piece, as Jaeger does. Pure. */

const indent = '    '

/** Each call takes the next piece; a piece may end anywhere. */
export function openPrettyJson(): (piece: string) => string {
  let depth = 0
  let isInText = false
  let isEscaped = false
  /** The last character was an opening bracket, which may be followed by its closing one. */
  let isOpening = false

  const newLine = () => `\n${indent.repeat(depth)}`

  function add(character: string): string {
    if (isInText) {
      if (isEscaped) isEscaped = false
      else if (character === '\\') isEscaped = true
      else if (character === '"') isInText = false
      return character
    }
    const isClosing = character === '}' || character === ']'
    if (isClosing) {
      depth -= 1
      const isEmpty = isOpening
      isOpening = false
      return isEmpty ? character : newLine() + character
    }
    const before = isOpening ? newLine() : ''
    isOpening = false
    if (character === '{' || character === '[') {
      depth += 1
      isOpening = true
      return before + character
    }
    if (character === '"') isInText = true
    if (character === ',') return `,${newLine()}`
    return before + (character === ':' ? ': ' : character)
  }

  return (piece) => {
    let text = ''
    for (const character of piece) text += add(character)
    return text
  }
}
