/** The scripted model in a process of its own, so that the app has no sockets but its own. */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const startWithinMs = 10_000

export interface ScriptedModel {
  readonly baseUrl: string
  /** Settles when the process has ended, on request or not. */
  readonly ended: Promise<void>
  close(): Promise<void>
}

/** Starts it and waits until it listens; throws when it does not within ten seconds. It ends with this process. */
export async function startScriptedModel(): Promise<ScriptedModel> {
  const program = fileURLToPath(new URL('./main.ts', import.meta.url))
  // Neither flags nor environment are passed on: the stand-in for a remote API shares nothing with the app.
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
  // What is still open in this process must not wait for the child; the child watches the channel instead.
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
