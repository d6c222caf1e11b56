/**
 * Whether a value looks drawn rather than written: pure, and blind to where the value stands.
 *
 * Names of variables, kebab-cased file names and prose are written; keys and good passwords are not. A
 * weak password that is a word is not told from a word.
 */

/** Bits a character; `aaaaaaaa` has 0, eight different characters have 3, hex digests about 3.7. */
const entropyBitsMin = 2.5
/** Counting characters beyond this changes nothing: what is random shows it by then. */
const sampleLength = 512

/** Letters and digits mixed, or three kinds of characters, and not words that are joined by signs. */
export function isRandom(value: string): boolean {
  const sample = value.slice(0, sampleLength)
  return isMixed(sample) && !isWords(sample) && entropyBits(sample) >= entropyBitsMin
}

/** The same, for places where a digest or a UUID is a secret too: after `api_key=`. */
export function isRandomOrHex(value: string): boolean {
  if (value.includes('[REDACTED')) return false
  return isRandom(value) || (/^[0-9a-fA-F-]{32,128}$/.test(value) && /[0-9]/.test(value))
}

function isMixed(value: string): boolean {
  const hasLetter = /[A-Za-z]/.test(value)
  if (/[0-9]/.test(value)) return hasLetter
  return /[a-z]/.test(value) && /[A-Z]/.test(value) && /[^A-Za-z0-9_.\-/:|,]/.test(value)
}

/** Every piece is a word (`Home`, `homePage`, `HOME`), a short number, or a version (`v2`). */
function isWords(value: string): boolean {
  return value
    .split(/[-_./@:|,]/)
    .every((piece) =>
      /^(?:[A-Z]{0,3}[a-z]*(?:[A-Z][a-z]+)*|[A-Z]+|[a-z]{0,12}\d{1,4})$/.test(piece),
    )
}

function entropyBits(value: string): number {
  const counts = new Map<string, number>()
  for (const character of value) counts.set(character, (counts.get(character) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) {
    const share = count / value.length
    bits -= share * Math.log2(share)
  }
  return bits
}
