/**
 * What the host writes to a child's standard input, and what it reads from its standard output, as the bytes pass: nothing is read
 * twice, delayed or changed.
 */
import type { ChildProcess } from 'node:child_process'
import { quietly } from '../health.ts'
import { type Method, replaceMethod } from './replace-method.ts'

export interface PipeObserver {
  written(chunk: string | Uint8Array): void
  read(chunk: string | Uint8Array): void
}

export function observePipes({ stdin, stdout }: ChildProcess, observer: PipeObserver): void {
  const seeing =
    (see: (chunk: string | Uint8Array) => void) =>
    (original: Method): Method =>
      function (...values) {
        const [chunk] = values
        if (typeof chunk === 'string' || chunk instanceof Uint8Array) {
          quietly('see a message of a child process', () => see(chunk))
        }
        return original.apply(this, values)
      }
  const written = seeing((chunk) => observer.written(chunk))
  if (stdin !== null) for (const name of ['write', 'end']) replaceMethod(stdin, name, written)
  // Chunks come this way however the host reads them.
  const read = seeing((chunk) => observer.read(chunk))
  if (stdout !== null) replaceMethod(stdout, 'push', read)
}
