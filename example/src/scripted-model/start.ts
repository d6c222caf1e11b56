/** Starts the scripted model in a separate process, so that the app has only its own sockets. */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const startWithinMs = 10_000

export interface ScriptedModel {
  readonly baseUrl: string
  /** Settles when the process has ended, for any reason. */
  readonly ended: Promise<void>
  close(): Promise<void>
}

/** Starts the model and waits until it listens; throws if that takes more than ten seconds. The model ends with this process. */
export async function startScriptedModel(): Promise<ScriptedModel> {
  const program = fileURLToPath(new URL('./main.ts', import.meta.url))
  // Flags and environment are not passed on: a stand-in for a remote API must share nothing with the app.
  const child = fork(program, {
    execArgv: [],
    env: {},
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))

  const [message] = await Promise.race([
    once(child, 'message', { signal: AbortSignal.timeout(startWithinMs) }),
    ended.then((): never => {
      throw new Error('The scripted model ended before it listened.')
    }),
  ]).catch((error: unknown) => {
    child.kill('SIGKILL')
    throw error
  })
  // The child must not keep this process alive; it ends when the channel closes.
  child.unref()
  child.channel?.unref()

  return {
    baseUrl: `http://127.0.0.1:${parsePort(message)}`,
    ended,
    async close() {
      child.ref()
      if (child.connected) child.disconnect()
      await ended
    },
  }
}

function parsePort(message: unknown): number {
  if (typeof message === 'object' && message !== null && 'port' in message) {
    if (Number.isInteger(message.port)) return Number(message.port)
  }
  throw new Error('The scripted model did not say its port.')
}
