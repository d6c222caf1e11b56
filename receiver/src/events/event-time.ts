/** Times and durations of plain events → nanoseconds. Pure. */

const iso =
  /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9})\d*)?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?$/i

const decimal = /^\d{1,20}(?:\.\d{1,9})?$/

/** ISO 8601 or milliseconds since 1970; undefined for anything else. */
export function parseTime(value: unknown): bigint | undefined {
  return parseMilliseconds(value) ?? (typeof value === 'string' ? parseIso(value) : undefined)
}

/** A number from 0 up, also as text; undefined for anything else. */
export function parseMilliseconds(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value < 0n ? undefined : value * 1_000_000n
  if (typeof value === 'string') {
    return decimal.test(value) ? nanosecondsOf(value) : undefined
  }
  if (typeof value !== 'number' || value < 0) return undefined
  // `toFixed` writes larger numbers with an exponent; none of them is a time or a duration.
  return value < 1e20 ? nanosecondsOf(value.toFixed(6)) : undefined
}

function nanosecondsOf(milliseconds: string): bigint {
  const [whole = '0', fraction = ''] = milliseconds.split('.')
  return BigInt(whole) * 1_000_000n + BigInt(fraction.slice(0, 6).padEnd(6, '0'))
}

/** Without an offset the time is UTC: the client's time zone is unknown. */
function parseIso(text: string): bigint | undefined {
  const match = iso.exec(text.trim())
  if (match === null) return undefined
  const [, year, month, day, hour, minute, second = '0', fraction = '', offset = 'Z'] = match
  const fields = [year, month, day, hour, minute, second].map(Number)
  const [y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0] = fields
  const date = new Date(Date.UTC(y, mo - 1, d))
  const isDay = date.getUTCMonth() === mo - 1 && date.getUTCDate() === d && y >= 1970
  // The 60th second is a leap second.
  if (!isDay || h > 23 || mi > 59 || s > 60) return undefined
  const offsetMinutes = minutesOf(offset)
  if (offsetMinutes === undefined) return undefined
  const seconds = BigInt(date.getTime() / 1000 + h * 3600 + (mi - offsetMinutes) * 60 + s)
  return seconds * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'))
}

function minutesOf(offset: string): number | undefined {
  if (/^z$/i.test(offset)) return 0
  const hours = Number(offset.slice(1, 3))
  const minutes = Number(offset.slice(3).replace(':', ''))
  if (hours > 23 || minutes > 59) return undefined
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes)
}
