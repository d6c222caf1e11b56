/** `npx turnlog-receiver serve` in the project, and its commands. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import * as path from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import {
  connectionFile,
  connectionUrl,
  readConnection,
} from '@turnlog/embedded-postgres/connection'
import pg from 'pg'
import { removeDataFolder } from '../../../test/support/remove-data-folder.ts'

const run = promisify(execFile)

export type InstalledReceiver = Awaited<ReturnType<typeof startReceiver>>

/** On its embedded PostgreSQL in `data`, or on the one of `databaseUrl`. */
export async function startReceiver(
  project: string,
  options: { readonly data: string; readonly databaseUrl?: string },
) {
  const { NODE_OPTIONS: _, ...own } = process.env
  const env: NodeJS.ProcessEnv = {
    ...own,
    // The project's Node, which is a current one.
    PATH: `${path.join(project, 'node_modules/.bin')}:${process.env.PATH}`,
    TURNLOG_DATA: path.join(project, options.data),
    TURNLOG_RECEIVER_PORT: '0',
    DATABASE_URL: options.databaseUrl ?? '',
  }
  const child = spawn('npx', ['turnlog-receiver', 'serve'], {
    cwd: project,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let complained = ''
  child.stderr.on('data', (data) => {
    complained += String(data)
  })
  // npx may end first; the output ends with the receiver.
  const ended = once(child, 'close')
  const said = new Map<string, string>()
  for await (const line of createInterface({ input: child.stdout })) {
    const [word = '', address = ''] = line.split(/\s+/)
    said.set(word, address)
    if (word === 'Receiver') break
  }
  if (!said.has('Receiver')) throw new Error(`The receiver did not start: ${complained}`)
  child.stdout.resume()
  const url = new URL(said.get('Receiver') ?? '')
  // The commands of an operator find it there.
  env.TURNLOG_RECEIVER_PORT = url.port
  const databaseUrl = options.databaseUrl ?? (await embeddedUrl(path.join(project, options.data)))

  async function command(...args: readonly string[]): Promise<string> {
    const { stdout } = await run('npx', ['turnlog-receiver', ...args], { cwd: project, env })
    return stdout.trim()
  }

  return {
    /** The sign-in link, valid once. */
    signInLink: await command('link'),
    url: url.origin,
    databaseUrl,
    token: await command('token', 'create', '--user', 'mara'),
    command,
    async query(text: string, values: readonly unknown[] = []) {
      const client = new pg.Client({ connectionString: databaseUrl })
      await client.connect()
      try {
        const { rows } = await client.query(text, [...values])
        return rows
      } finally {
        await client.end()
      }
    },
    /** Stops it like Ctrl-C. Resolves with the problems that it printed. */
    async stop() {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT')
      await ended
      if (options.databaseUrl === undefined)
        await removeDataFolder(path.join(project, options.data))
      return complained.replaceAll(/^npm warn .*\n/gm, '')
    },
  }
}

/** Does not use the printed address, which has no password without a terminal. */
async function embeddedUrl(data: string): Promise<string> {
  const connection = await readConnection(path.join(data, connectionFile))
  if (connection === undefined) throw new Error(`There is no ${connectionFile} in '${data}'.`)
  return connectionUrl(connection)
}
