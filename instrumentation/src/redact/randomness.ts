/**
 * Decides whether a value looks random rather than written by a person, from the value alone. Pure.
 *
 * Names of variables, kebab-cased file names and prose look written; keys and good passwords look random. A password that is
 * an ordinary word looks written, so it is not redacted.
 */

/** Bits per character: `aaaaaaaa` has 0, eight different characters have 3, hex digests have about 3.7. */
const entropyBitsMin = 2.5
/** Longer samples do not change the result. */
const sampleLength = 512

/** True for mixed letters and digits, or three kinds of characters, unless they are words joined by signs. */
export function isRandom(value: string): boolean {
  const sample = value.slice(0, sampleLength)
  return isMixed(sample) && !isWords(sample) && entropyBits(sample) >= entropyBitsMin
}

/** The same, for contexts such as `api_key=`, in which a hex digest or a UUID is a secret too. */
export function isRandomOrHex(value: string): boolean {
  if (value.includes('[REDACTED')) return false
  return isRandom(value) || (/^[0-9a-fA-F-]{32,128}$/.test(value) && /[0-9]/.test(value))
}

function isMixed(value: string): boolean {
  const hasLetter = /[A-Za-z]/.test(value)
  if (/[0-9]/.test(value)) return hasLetter
  return /[a-z]/.test(value) && /[A-Z]/.test(value) && /[^A-Za-z0-9_.\-/:|,]/.test(value)
}

/** True if every piece looks written, such as `Home`, `homePage`, `HOME`, `v2`, `2024`, `Uint8Array` and `K8S`. */
function isWords(value: string): boolean {
  return value.split(/[-_./@:|,?]/).every(isWord)
}

/** True for runs of letters of some length with at most one short number, which is before a capital or at the end. */
function isWord(piece: string): boolean {
  const runs = piece.match(/[A-Z]+[a-z]*|[a-z]+|\d+/g) ?? []
  const isAll = runs.reduce((length, run) => length + run.length, 0) === piece.length
  const numbers = runs.filter((run) => /\d/.test(run))
  if (!isAll || numbers.length > 1 || /\d{5}|\d[a-z]/.test(piece)) return false
  const letters = piece.length - (numbers[0]?.length ?? 0)
  return piece.length <= 4 || letters >= 2.5 * (runs.length - numbers.length)
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
