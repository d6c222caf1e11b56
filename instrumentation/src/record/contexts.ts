/**
 * The async context that observers work in: whose turn the code that runs now belongs to. It is our own and is never
 * registered with OpenTelemetry's API, so a host's SDK finds nothing in its way; a host without one is offered it
 * (`observe/host-telemetry.ts`), so that its spans become children of our turns.
 */
import type { Context } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'

export const contexts = new AsyncLocalStorageContextManager()

/**
 * Runs `call` in `context`. Entered and left by hand: an error the host's code throws in between shows no other frame
 * of ours than this one, and stays where it was thrown.
 */
export function runIn<T>(context: Context, call: () => T): T {
  const entered = contexts.attach(context)
  try {
    return call()
  } finally {
    entered.dispose()
  }
}
