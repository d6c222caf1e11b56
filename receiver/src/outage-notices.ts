/** Logs once that the database does not work, and once that it works again, however many requests notice. */
import { errorCode, errorMessage } from '@turnlog/conventions/plain'

export function openOutageNotices(log: (message: string) => void) {
  let isWell = true
  return {
    unwell(error: unknown): void {
      if (isWell)
        log(`Requests are answered 503, and clients will repeat them: ${describe(error)}.`)
      isWell = false
    },
    well(): void {
      if (!isWell) log('Requests land again.')
      isWell = true
    },
  }
}

/** Without the detail of a database error, which may quote content. */
function describe(error: unknown): string {
  const message = error instanceof Error && error.message === '' ? error.name : errorMessage(error)
  const code = errorCode(error)
  return `${message.slice(0, 200)}${code === undefined ? '' : ` (${code})`}`
}
