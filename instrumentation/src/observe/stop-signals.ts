/**
 * Why a process ends: a signal that asks it to, such as Ctrl-C, or an exit code that says so. Signals are seen where Node hands them to the
 * app's listeners: a listener of ours would change what a signal does. Without a listener a signal ends the process, and nothing is known.
 */
import * as os from 'node:os'
import type { StopSignal } from '../record/turn-result.ts'
import { replaceMethod } from './replace-method.ts'

const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK', 'SIGQUIT'] as const
/** An app that goes on for longer has another reason to end. */
const endsWithinMs = 30_000
/** A shell's code for a process that a signal has ended; apps that read keys themselves exit with it, too. */
const signalCodeBase = 128

/** Begins to watch; `undo` ends it. `now`: the time of records. */
export function observeStopSignals(now: () => number): {
  undo(): void
  /** What has asked the process to exit, with this code. */
  signalOf(exitCode: number): StopSignal | undefined
} {
  let last: { readonly name: string; readonly at: number } | undefined
  const undo = replaceMethod(process, 'emit', (original) => {
    return function emit(...values) {
      const name = stopSignals.find((signal) => signal === values[0])
      if (name !== undefined) last = { name, at: now() }
      return original.apply(this, values)
    }
  })
  return {
    undo,
    signalOf(exitCode) {
      if (last !== undefined && now() - last.at < endsWithinMs) return last
      const number = exitCode - signalCodeBase
      const name = stopSignals.find((signal) => os.constants.signals[signal] === number)
      return name && { name, at: undefined }
    },
  }
}
