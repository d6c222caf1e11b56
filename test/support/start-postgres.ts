/** Starts `postgres-server.ts`, which ends with this process. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface TestServer extends AsyncDisposable {
  readonly url: string
  /** The fastest tablespace for databases. */
  readonly tablespace: string
}

const program = fileURLToPath(new URL('./postgres-server.ts', import.meta.url))

export async function startPostgres(): Promise<TestServer> {
  const server = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(server, 'exit')
  const lines = createInterface({ input: server.stdout })
  const [line] = await Promise.race([once(lines, 'line'), ended.then(() => [undefined])])
  if (typeof line !== 'string') throw new Error('The embedded PostgreSQL did not start.')
  const { url, tablespace } = JSON.parse(line) as Pick<TestServer, 'url' | 'tablespace'>
  return {
    url,
    tablespace,
    async [Symbol.asyncDispose]() {
      server.stdin.end()
      await ended
    },
  }
}
