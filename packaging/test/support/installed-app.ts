/** Runs one of the project's apps under the preload. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import * as path from 'node:path'
import { createInterface } from 'node:readline'
import { startMessagesApi } from '../../../instrumentation/test/support/messages-api.ts'
import { bareEnvironment } from '../../../test/support/bare-environment.ts'
import type { InstalledReceiver } from './installed-receiver.ts'

export interface AppOptions {
  readonly receiver: InstalledReceiver
  readonly flag: '--require' | '--import'
  readonly program: string
  readonly exporter?: 'spool' | 'otlp' | undefined
  /** Relative to the project; default: its own. */
  readonly node?: string | undefined
}

export async function startApp(project: string, options: AppOptions) {
  const { receiver, flag, program, exporter = 'spool' } = options
  const api = await startMessagesApi(() => ({ text: 'Noted.' }))
  const node = path.join(project, options.node ?? 'node_modules/.bin/node')
  const child = spawn(node, [flag, '@turnlog/instrumentation/register', program], {
    cwd: project,
    env: {
      ...bareEnvironment(),
      ANTHROPIC_API_KEY: 'none',
      ANTHROPIC_BASE_URL: api.url,
      TELEMETRY_ENDPOINT: receiver.url,
      TELEMETRY_TOKEN: receiver.token,
      TELEMETRY_EXPORTER: exporter,
      TELEMETRY_SPOOL_DIRECTORY: path.join(project, 'spool'),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'exit')
  let printed = ''
  child.stderr.on('data', (data) => {
    printed += String(data)
  })
  const lines = createInterface({ input: child.stdout })
  const [port] = await Promise.race([once(lines, 'line'), ended.then(() => [undefined])])
  if (port === undefined) throw new Error(`The app ended before it listened: ${printed}`)
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    async post(at: string, message: string): Promise<unknown> {
      const body = JSON.stringify({ message })
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(url + at, { method: 'POST', headers, body })
      if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}\n${printed}`)
      return answer.json()
    },
    async stop() {
      child.kill('SIGTERM')
      const [code] = await ended
      return { code, printed }
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
      await api[Symbol.asyncDispose]()
    },
  }
}
