/** OpenTelemetry's times: seconds, and the nanoseconds in the second. */
import type { HrTime } from '@opentelemetry/api'

export function hrTimeOf(milliseconds: number): HrTime {
  const seconds = Math.floor(milliseconds / 1_000)
  return [seconds, Math.round((milliseconds - seconds * 1_000) * 1e6)]
}

export function millisecondsOf([seconds, nanos]: HrTime): number {
  return seconds * 1_000 + nanos / 1e6
}

/** The time itself, if nothing is to be added. */
export function addMilliseconds(time: HrTime, added: number): HrTime {
  if (added === 0) return time
  const [seconds, nanos] = time
  const whole = Math.floor(added / 1_000)
  const sum = nanos + (added - whole * 1_000) * 1e6
  return sum < 1e9 ? [seconds + whole, sum] : [seconds + whole + 1, sum - 1e9]
}

/** An app may give its spans any time. An invalid time becomes 0, and the record is kept. */
export function nanoseconds([seconds, nanos]: HrTime): string {
  if (!(seconds >= 0 && Number.isFinite(seconds) && Number.isFinite(nanos))) return '0'
  if (Number.isSafeInteger(seconds) && Number.isInteger(nanos) && nanos >= 0 && nanos < 1e9) {
    return seconds === 0 ? String(nanos) : `${seconds}${String(nanos).padStart(9, '0')}`
  }
  const whole = BigInt(Math.trunc(seconds)) * 1_000_000_000n
  const rest = BigInt(Math.round((seconds % 1) * 1e9 + nanos))
  return whole + rest < 0n ? '0' : String(whole + rest)
}
