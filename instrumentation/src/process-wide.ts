/** What all threads of the process have in common: the session and the settings. The main thread decides both. */
import { randomUUID } from 'node:crypto'
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads'
import { isObject } from '@turnlog/conventions/plain'
import type { Config } from './config.ts'

const sessionKey = 'turnlog.session'
const configKey = 'turnlog config'

/**
 * What `memory` of the session has at which place, 0 or 1: a thread has something to record (`session.ts`); a thread has sent a
 * request to a model (`record/unseen-work.ts`).
 */
export const inSessionMemory = { asked: 0, hasSeenModel: 1 } as const

/** One session for all threads of the process; other processes have their own. `memory` is shared. */
export function sharedSession(): { readonly id: string; readonly memory: SharedArrayBuffer } {
  const known: unknown = getEnvironmentData(sessionKey)
  if (isObject(known) && typeof known.id === 'string' && isShared(known.memory)) {
    return { id: known.id, memory: known.memory }
  }
  const made = {
    id: randomUUID(),
    memory: new SharedArrayBuffer(
      Object.keys(inSessionMemory).length * Int32Array.BYTES_PER_ELEMENT,
    ),
  }
  setEnvironmentData(sessionKey, made)
  return made
}

/** Whether a thread of this process has sent a request to a model. */
export function sharedModelFlag(): { readonly isSet: () => boolean; readonly set: () => void } {
  const memory = new Int32Array(sharedSession().memory)
  const place = inSessionMemory.hasSeenModel
  return {
    isSet: () => Atomics.load(memory, place) === 1,
    set: () => void Atomics.store(memory, place, 1),
  }
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
