/** A duration as Go writes it, `1.2s`, `1h15m30.5s`, `-3ms`: exactly, in nanoseconds. Pure. */

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

/** Go's `time.Duration` ends here, at 292 years. */
const nanosecondsMax = 2n ** 63n - 1n

const part = /(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/y
const lengthMax = 100

/** Undefined for what is none. */
export function parseDuration(text: string): bigint | undefined {
  const isNegative = text.startsWith('-')
  const unsigned = text.replace(/^[-+]/, '')
  if (unsigned === '0') return 0n
  if (unsigned === '' || unsigned.length > lengthMax) return undefined
  let sum = 0n
  let index = 0
  while (index < unsigned.length) {
    part.lastIndex = index
    const match = part.exec(unsigned)
    if (match === null) return undefined
    const [whole, digits = '', fraction = '', unit = ''] = match
    const nanoseconds = units[unit]
    if ((digits === '' && fraction === '') || nanoseconds === undefined) return undefined
    // Digits of a fraction beyond a nanosecond count for nothing, as in Go.
    const scale = 10n ** BigInt(fraction.length)
    sum += (BigInt(digits + fraction) * nanoseconds) / scale
    index += whole.length
  }
  if (sum > nanosecondsMax) return undefined
  return isNegative ? -sum : sum
}
