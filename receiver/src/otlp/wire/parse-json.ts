/** JSON text → values that lose nothing: integers beyond 2^53 are bigints, and lone surrogates keep their bytes. */
import { escapeLoneSurrogates } from './text.ts'

/** A bare number of sixteen digits or more, as some clients send times. Inside text it costs only time. */
const longInteger = /[:[,]\s*-?\d{16}/

/** Throws a SyntaxError on what is not JSON. A byte order mark before it is no part of it (RFC 8259, 8.1). */
export function parseJson(body: string): unknown {
  const text = escapeLoneSurrogates(body.startsWith('\u{feff}') ? body.slice(1) : body)
  if (!longInteger.test(text)) return JSON.parse(text)
  try {
    return JSON.parse(text, keepDigits)
  } catch (error) {
    // The reviver walks by recursion and can run out of stack, the parser alone cannot: values
    // that deep are not read anyway, and no valid number is lost to anything but rounding.
    if (error instanceof RangeError) return JSON.parse(text)
    throw error
  }
}

/** As `parseJson`, but undefined for what is not JSON. The error is dropped: it quotes the text. */
export function tryParseJson(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}

function keepDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
  const source = context?.source
  return source !== undefined && /^-?\d{1,32}$/.test(source) ? BigInt(source) : value
}
