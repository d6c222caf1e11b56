/**
 * Texts in Jaeger's addresses → values: times and durations in nanoseconds, exactly; trace ids, span kinds, booleans. A
 * reader returns undefined for a text of another form. Pure.
 */

/** Within PostgreSQL's calendar and 64 bits; no record beyond it lands. */
const timeMax = 9_000_000_000_000_000_000n

/** As microseconds this is 1973; as milliseconds it is the year 5138. */
const microsecondsMin = 100_000_000_000_000n

/** Jaeger's UI writes microseconds, Grafana milliseconds: the magnitude distinguishes them. */
export function parseUnixTime(text: string): bigint | undefined {
  const value = parseInteger(text)
  if (value === undefined) return undefined
  return withinCalendar(value * (value < microsecondsMin ? 1_000_000n : 1_000n))
}

export function parseUnixMilliseconds(text: string): bigint | undefined {
  const value = parseInteger(text)
  return value === undefined ? undefined : withinCalendar(value * 1_000_000n)
}

/** A signed 64-bit integer, as in Jaeger. */
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
  return withinCalendar(BigInt(milliseconds) * 1_000_000n + BigInt(fraction.padEnd(9, '0')))
}

function withinCalendar(nanoseconds: bigint): bigint {
  if (nanoseconds < 0n) return 0n
  return nanoseconds > timeMax ? timeMax : nanoseconds
}

const units: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
}
const durationPart = /(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/y
const durationLengthMax = 100
/** The largest `time.Duration` of Go: 292 years. */
const durationMax = 2n ** 63n - 1n

/** A duration as Go writes it: `1.2s`, `1h15m30.5s`, `-3ms`. */
export function parseDuration(text: string): bigint | undefined {
  const isNegative = text.startsWith('-')
  const unsigned = text.replace(/^[-+]/, '')
  if (unsigned === '0') return 0n
  if (unsigned === '' || unsigned.length > durationLengthMax) return undefined
  let sum = 0n
  let index = 0
  while (index < unsigned.length) {
    durationPart.lastIndex = index
    const match = durationPart.exec(unsigned)
    if (match === null) return undefined
    const [whole, digits = '', fraction = '', unit = ''] = match
    const nanoseconds = units[unit]
    if ((digits === '' && fraction === '') || nanoseconds === undefined) return undefined
    // Fractions of a nanosecond are dropped, as in Go.
    const scale = 10n ** BigInt(fraction.length)
    sum += (BigInt(digits + fraction) * nanoseconds) / scale
    index += whole.length
  }
  if (sum > durationMax) return undefined
  return isNegative ? -sum : sum
}

/** Up to 32 hex digits, or the Base64 of 16 bytes → 32 hex digits. */
export function parseJaegerTraceId(text: string): string | undefined {
  if (/^[0-9a-f]{1,32}$/i.test(text)) return text.toLowerCase().padStart(32, '0')
  // 16 bytes are 22 characters and padding, in either alphabet.
  if (!/^[\w+/-]{22}(==)?$/.test(text)) return undefined
  const bytes = Buffer.from(text, 'base64')
  return bytes.length === 16 ? bytes.toString('hex') : undefined
}

/** Jaeger's names of span kinds, at the numbers that OTLP gives them. */
const kindNames: readonly string[] = ['', 'internal', 'server', 'client', 'producer', 'consumer']

/** Empty for an unspecified kind, and for one without a name yet. */
export function nameOfKind(kind: number): string {
  return kindNames[kind] ?? ''
}

export function parseKind(name: string): number | undefined {
  const lower = name.toLowerCase()
  if (lower === 'unspecified') return 0
  const kind = kindNames.indexOf(lower)
  return kind < 0 ? undefined : kind
}

/** As Go's `strconv.ParseBool`. */
export function parseBoolean(text: string): boolean | undefined {
  if (/^(1|t|T|true|TRUE|True)$/.test(text)) return true
  if (/^(0|f|F|false|FALSE|False)$/.test(text)) return false
  return undefined
}
