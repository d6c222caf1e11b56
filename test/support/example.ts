/** Runs the example app like a user: as a separate process, under the preload, with a real spool folder. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import * as path from 'node:path'
import { createInterface } from 'node:readline'
import { WebSocket } from 'ws'

const root = path.resolve(import.meta.dirname, '../..')

export interface Folder extends Disposable {
  readonly path: string
}

/** A temporary folder, deleted after use. */
export function temporaryFolder(): Folder {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'turnlog-test-')))
  return {
    path: folder,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}

export interface ExampleOptions {
  readonly spool: string
  readonly workspace: string
  readonly endpoint?: string | undefined
  readonly token?: string | undefined
  readonly isRecorded?: boolean
  /** Further settings. */
  readonly settings?: Readonly<Record<string, string>>
}

export type Example = Awaited<ReturnType<typeof startExample>>

/** Resolves once the app answers. */
export async function startExample(options: ExampleOptions) {
  const { spool, workspace, endpoint, token, isRecorded = true, settings = {} } = options
  const preload = isRecorded ? ['--import', '@turnlog/instrumentation/register'] : []
  const child = spawn(process.execPath, [...preload, 'example/src/main.ts'], {
    cwd: root,
    env: {
      ...withoutOwnSettings(),
      EXAMPLE_PORT: '0',
      EXAMPLE_WORKSPACE: workspace,
      TELEMETRY_WORKSPACE: workspace,
      TELEMETRY_SPOOL_DIRECTORY: spool,
      // It would outlive the app, and work in a folder that the test removes.
      TELEMETRY_SEND_AFTER_EXIT: '0',
      ...(endpoint === undefined ? {} : { TELEMETRY_ENDPOINT: endpoint }),
      ...(token === undefined ? {} : { TELEMETRY_TOKEN: token }),
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'exit')
  const output = collect(child)
  const url = await Promise.race([listeningUrl(child), ended.then(() => undefined)])
  if (url === undefined) throw new Error(`The example ended before it listened: ${output()}`)

  async function stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    child.kill(signal)
    await ended
  }

  return {
    url,
    child,
    /** Its output, of both streams. */
    output,
    stop,
    /** One turn over REST; without a conversation's id it begins a new one. */
    async chat(
      message: string,
      conversation_id?: string,
    ): Promise<{ answer: string; conversation_id: string }> {
      const response = await fetch(`${url}/api/chat`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ message, conversation_id }),
      })
      if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`)
      return (await response.json()) as { answer: string; conversation_id: string }
    },
    /** One turn over the WebSocket; `onDelta` sees each piece of the answer. Resolves at `done` or when the socket ends. */
    async chatOnSocket(
      text: string,
      onDelta?: (delta: string) => void,
      conversation_id?: string,
    ): Promise<string> {
      const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/chat`)
      let answer = ''
      const over = new Promise<string>((resolve) => {
        socket.on('message', (data) => {
          const frame: { type: string; text?: string } = JSON.parse(String(data))
          if (frame.type === 'delta') {
            answer += frame.text ?? ''
            onDelta?.(frame.text ?? '')
          } else resolve(answer)
        })
        socket.on('close', () => resolve(answer))
        socket.on('error', () => resolve(answer))
      })
      socket.on('open', () =>
        socket.send(JSON.stringify({ type: 'message', text, conversation_id })),
      )
      const result = await over
      socket.close()
      return result
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) await stop('SIGKILL')
    },
  }
}

/** The environment without the user's own settings. */
function withoutOwnSettings(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !/^(TELEMETRY_|OTEL_|ANTHROPIC_|OPENAI_|GEMINI_|GOOGLE_|EXAMPLE_|NODE_OPTIONS$)/.test(name),
    ),
  )
}

function collect({ stdout, stderr }: ChildProcess): () => string {
  let text = ''
  stdout?.on('data', (chunk) => {
    text += chunk
  })
  stderr?.on('data', (chunk) => {
    text += chunk
  })
  return () => text
}

async function listeningUrl({ stdout }: ChildProcess): Promise<string | undefined> {
  if (stdout === null) return undefined
  for await (const line of createInterface({ input: stdout })) {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0]
    if (url !== undefined) {
      stdout.resume()
      return url
    }
  }
  return undefined
}
