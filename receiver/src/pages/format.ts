/** Numbers and times as text. Pure. The caller decides how to show an unknown value. */

const numbers = new Intl.NumberFormat('en')
const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })
const days = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full' })

export function formatNumber(value: number): string {
  return numbers.format(value)
}

/** In the receiver's time zone: the pages are usually read on the machine that serves them. */
export function formatTime(date: Date): string {
  return clock.format(date)
}

export function formatDay(date: Date): string {
  return days.format(date)
}

export function formatSeconds(seconds: number): string {
  if (seconds < 0) return `−${formatSeconds(-seconds)}`
  if (seconds < 0.0095) return `${(seconds * 1000).toFixed(1)} ms`
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(1)} KiB`
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`
}

export function secondsBetween(start: Date, end: Date | null): number | undefined {
  return end === null ? undefined : (end.getTime() - start.getTime()) / 1000
}

/** `1 tool call`, `2 tool calls`. */
export function countOf(count: number, noun: string): string {
  return `${formatNumber(count)} ${noun}${count === 1 ? '' : 's'}`
}
