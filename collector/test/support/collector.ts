/** The real Collector with our configurations, in a process that can be killed and restarted with the same ports and queue. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import * as path from 'node:path'
import { inject } from 'vitest'
import { freePorts } from '../../../test/support/ports.ts'

const root = path.resolve(import.meta.dirname, '../../..')

export interface CollectorOptions {
  /** The receiver's base URL. */
  readonly receiver: string
  readonly token: string
  /** The queue's folder. */
  readonly queue: string
  /** On top of the main configuration: a file of the repository, or `yaml:…`. */
  readonly overlays?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

export type TestCollector = Awaited<ReturnType<typeof prepareCollector>>

/** `await using collector = await startCollector(…)`: resolves once it is ready. */
export async function startCollector(options: CollectorOptions): Promise<TestCollector> {
  const collector = await prepareCollector(options)
  await collector.start()
  return collector
}

/** Chooses ports, the same for every start. Does not start the Collector yet. */
export async function prepareCollector(options: CollectorOptions) {
  const [grpc = 0, http = 0, health = 0, metrics = 0] = await freePorts(4)
  const files = ['otel-collector-config.yaml', ...(options.overlays ?? [])]
  let token = options.token
  let child: ChildProcess | undefined
  let output = ''

  /** Returns at once, before it is ready. */
  function launch(): ChildProcess {
    const { PATH, HOME } = process.env
    const launched = spawn(
      inject('collectorProgram'),
      files.flatMap((file) => ['--config', file]),
      {
        cwd: root,
        env: {
          PATH,
          HOME,
          TURNLOG_RECEIVER: options.receiver,
          TURNLOG_TOKEN: token,
          TURNLOG_QUEUE_DIRECTORY: options.queue,
          TURNLOG_COLLECTOR_GRPC_PORT: String(grpc),
          TURNLOG_COLLECTOR_HTTP_PORT: String(http),
          TURNLOG_COLLECTOR_HEALTH_PORT: String(health),
          TURNLOG_COLLECTOR_METRICS_PORT: String(metrics),
          ...options.environment,
        },
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    )
    launched.stderr?.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    child = launched
    return launched
  }

  async function start(): Promise<void> {
    const launched = launch()
    while (!(await isReady())) {
      if (launched.exitCode !== null) throw new Error(`The Collector ended: ${output}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  async function isReady(): Promise<boolean> {
    return fetch(`http://127.0.0.1:${health}/`).then(
      ({ ok }) => ok,
      () => false,
    )
  }

  /** Resolves with the exit code, null after a kill. */
  async function kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    const killed = child
    if (killed === undefined || killed.exitCode !== null || killed.signalCode !== null) return null
    const ended = once(killed, 'exit')
    killed.kill(signal)
    await ended
    return killed.exitCode
  }

  return {
    url: `http://127.0.0.1:${http}`,
    grpcUrl: `http://127.0.0.1:${grpc}`,
    launch,
    start,
    kill,
    /** For its next start. */
    setToken(next: string): void {
      token = next
    },
    output: () => output,
    /** The value of one of the Collector's metrics, summed over its labels; undefined if it does not exist yet. */
    async metric(name: string): Promise<number | undefined> {
      const text = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()
      const values = [...text.matchAll(new RegExp(`^${name}(?:_total)?\\{[^}]*\\} (\\S+)$`, 'gm'))]
      return values.length === 0
        ? undefined
        : values.reduce((sum, [, value]) => sum + Number(value), 0)
    },
    async [Symbol.asyncDispose]() {
      await kill()
    },
  }
}
