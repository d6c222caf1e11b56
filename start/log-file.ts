import { appendFileSync, readFileSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { makeFolder } from '@turnlog/conventions/folders'

/** With the previous file, a part's log takes 8 MiB at most. */
const bytesMax = 4 * 1024 ** 2

/**
 * A part's output, in a file of bounded size: a full file replaces `<path>.1`. Never fails: an unwritable log, on a full
 * disk say, must not stop the part.
 */
export function openLogFile(path: string) {
  let bytes = quietly(() => statSync(path).size) ?? 0
  quietly(() => makeFolder(dirname(path), { mode: 0o700 }))
  return {
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

function quietly<Result>(act: () => Result): Result | undefined {
  try {
    return act()
  } catch {
    return undefined
  }
}
