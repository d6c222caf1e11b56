/** Frames of ours in the host's errors: taken out again, so that what the host prints is what it printed without us. */
import { types } from 'node:util'

/** This package's sources, as stack traces name them. */
const ownSources = new URL('..', import.meta.url).href

/**
 * Takes the lines of this package out of the error's stack. A stack is ten frames at most, so of a deep one the last
 * frames may be missing. Anything but an error with a text for a stack is left as it is.
 */
export function hideOwnFrames(error: unknown): void {
  if (!types.isNativeError(error)) return
  const { stack } = error
  if (typeof stack !== 'string' || !stack.includes(ownSources)) return
  error.stack = stack
    .split('\n')
    .filter((line) => !(line.includes(ownSources) && /^\s+at /.test(line)))
    .join('\n')
}
