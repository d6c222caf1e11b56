/** Times as Jaeger's clients write them, in nanoseconds since 1970: exactly. Pure. */

/** Beyond these PostgreSQL's calendar, or 64 bits, would end; nothing that landed lies beyond them. */
const nanosecondsMax = 9_000_000_000_000_000_000n

/** Microseconds before this are 1973; milliseconds beyond it are the year 5138. */
const microsecondsMin = 100_000_000_000_000n

/** Jaeger's UI writes microseconds, Grafana milliseconds: told by their magnitude. Undefined for what is no integer. */
export function parseUnixTime(text: string): bigint | undefined {
  const value = parseInteger(text)
  if (value === undefined) return undefined
  return within(value * (value < microsecondsMin ? 1_000_000n : 1_000n))
}

export function parseUnixMilliseconds(text: string): bigint | undefined {
  const value = parseInteger(text)
  return value === undefined ? undefined : within(value * 1_000_000n)
}

/** 64 bits, as the original has it: a longer one is no number there either. */
export function parseInteger(text: string): bigint | undefined {
  if (!/^[-+]?\d{1,19}$/.test(text)) return undefined
  const value = BigInt(text.replace('+', ''))
  return value === BigInt.asIntN(64, value) ? value : undefined
}

const rfc3339 =
  /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:[.,](\d{1,9})\d*)?([Zz]|[-+]\d{2}:\d{2})$/

export function parseRfc3339(text: string): bigint | undefined {
  const match = rfc3339.exec(text)
  if (match === null) return undefined
  const [, date, time, fraction = '', zone = ''] = match
  const milliseconds = Date.parse(`${date}T${time}${zone.toUpperCase()}`)
  if (Number.isNaN(milliseconds)) return undefined
  return within(BigInt(milliseconds) * 1_000_000n + BigInt(fraction.padEnd(9, '0')))
}

function within(nanoseconds: bigint): bigint {
  if (nanoseconds < 0n) return 0n
  return nanoseconds > nanosecondsMax ? nanosecondsMax : nanoseconds
}
