/** What all threads of the process have in common: the session and the settings. The main thread decides both. */
import { randomUUID } from 'node:crypto'
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads'
import { isObject } from '@turnlog/conventions/plain'
import type { Config } from './config.ts'

const sessionKey = 'turnlog.session'
const configKey = 'turnlog config'

/** One session for all threads of the process; other processes have their own. `memory` is shared: see `session.ts`. */
export function sharedSession(): { readonly id: string; readonly memory: SharedArrayBuffer } {
  const known: unknown = getEnvironmentData(sessionKey)
  if (isObject(known) && typeof known.id === 'string' && isShared(known.memory)) {
    return { id: known.id, memory: known.memory }
  }
  const made = {
    id: randomUUID(),
    memory: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT),
  }
  setEnvironmentData(sessionKey, made)
  return made
}

function isShared(value: unknown): value is SharedArrayBuffer {
  return value instanceof SharedArrayBuffer
}

/** One for all threads of the process, also for a thread that is made with another environment or working directory. */
export function sharedConfig(own: Config): Config {
  const known: unknown = isMainThread ? undefined : getEnvironmentData(configKey)
  return isConfig(known) ? known : own
}

/** For the threads that this one makes. */
export function shareConfig(config: Config): void {
  setEnvironmentData(configKey, config)
}

function isConfig(value: unknown): value is Config {
  return isObject(value) && typeof value.spoolDirectory === 'string'
}
