/** Says once that the database is unwell, and once that it is well again, however many requests find out. */

import { errorCode } from '@turnlog/conventions/plain'

export function openWellness(log: (message: string) => void) {
  let isWell = true
  return {
    unwell(error: unknown): void {
      if (isWell) log(`Requests are answered 503 and will come again: ${describe(error)}.`)
      isWell = false
    },
    well(): void {
      if (!isWell) log('Requests land again.')
      isWell = true
    },
  }
}

/** Never the detail of a database error: it may quote content. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = errorCode(error)
  const message = error.message === '' ? error.name : error.message
  return `${message.slice(0, 200)}${code === undefined ? '' : ` (${code})`}`
}
