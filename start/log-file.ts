import { appendFileSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** A part's log and the one before it: 8 MiB at most, whatever a part has to say. */
const bytesMax = 4 * 1024 ** 2

/**
 * A part's output, in a file that stays bounded: a full one becomes `<path>.1`, and what that held is gone. Never
 * fails: that the log cannot be written, on a full disk say, must not stop what is logged.
 */
export function openLogFile(path: string) {
  let bytes = quietly(() => statSync(path).size) ?? 0
  quietly(() => mkdirSync(dirname(path), { recursive: true, mode: 0o700 }))
  return {
    path,
    append(text: string | Uint8Array): void {
      quietly(() => {
        if (bytes > bytesMax) {
          renameSync(path, `${path}.1`)
          bytes = 0
        }
        appendFileSync(path, text, { mode: 0o600 })
        bytes += typeof text === 'string' ? Buffer.byteLength(text) : text.byteLength
      })
    },
    lastLines(count: number): string[] {
      const text = quietly(() => readFileSync(path, 'utf8')) ?? ''
      return text.trimEnd().split('\n').slice(-count)
    },
  }
}

export type LogFile = ReturnType<typeof openLogFile>

function quietly<Result>(act: () => Result): Result | undefined {
  try {
    return act()
  } catch {
    return undefined
  }
}
