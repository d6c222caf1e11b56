/**
 * A localhost agent app whose tools start child processes, in all ways that Node has. With `PARALLEL` the calls of one answer
 * run at once. Knows nothing of telemetry.
 */
import * as childProcess from 'node:child_process'
import { EventEmitter, on, once } from 'node:events'
import * as fs from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import type { IPty } from '@lydell/node-pty'
import { serveTools } from './tool-app.ts'

interface ToolInput {
  readonly command: string
  readonly path?: string
  readonly timeoutMs?: number
}

const shell = (command: string): [string, string[]] => ['sh', ['-c', command]]
const background: childProcess.ChildProcess[] = []

/** A server over standard input and output, as MCP has them, that is older than every turn. */
const rpcServer =
  process.env.RPC_SERVER === undefined
    ? undefined
    : childProcess.spawn('node', [process.env.RPC_SERVER], { stdio: ['pipe', 'pipe', 'ignore'] })
/** A shell that is kept for all commands, from the first one on. */
let session: childProcess.ChildProcessWithoutNullStreams | undefined
let terminal: IPty | undefined
let lastRequest = 0

async function inSession(command: string): Promise<void> {
  session ??= childProcess.spawn('sh', [], { stdio: 'pipe' })
  session.stdin.write(`${command}\necho finished\n`)
  for await (const [chunk] of on(session.stdout, 'data')) {
    if (String(chunk).includes('finished')) return
  }
}

/** The same in a terminal. */
async function inTerminal(command: string): Promise<void> {
  const { spawn } = await import('@lydell/node-pty')
  terminal ??= spawn('sh', [], {})
  const kept = terminal
  // The terminal shows what is written to it, too.
  kept.write(`${command}; echo fin''ished\r`)
  await new Promise<void>((resolve) => {
    const seen = kept.onData((text) => {
      if (!text.includes('finished')) return
      seen.dispose()
      resolve()
    })
  })
}

async function ask(params: object): Promise<unknown> {
  lastRequest += 1
  const id = lastRequest
  rpcServer?.stdin.write(
    `${JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params })}\n`,
  )
  for await (const [chunk] of on(rpcServer?.stdout ?? new EventEmitter(), 'data')) {
    for (const line of String(chunk).trim().split('\n')) {
      const answer = JSON.parse(line)
      if (answer.id === id) return answer.result
    }
  }
  return undefined
}

const tools: Record<string, (input: ToolInput) => unknown> = {
  exec: ({ command }) => promisify(childProcess.exec)(command),
  exec_file: ({ command }) => promisify(childProcess.execFile)(...shell(command)),
  spawn: ({ command }) =>
    new Promise((resolve) => {
      childProcess.spawn(...shell(command), { stdio: 'ignore' }).on('exit', resolve)
    }),
  spawn_shell: ({ command }) =>
    new Promise((resolve) => childProcess.spawn(command, { shell: true }).on('close', resolve)),
  exec_sync: ({ command }) => String(childProcess.execSync(command)),
  exec_file_sync: ({ command }) => String(childProcess.execFileSync(...shell(command))),
  spawn_sync: ({ command }) => childProcess.spawnSync(...shell(command)).status,
  fork: ({ command, path = '' }) =>
    new Promise((resolve) => childProcess.fork(path, [command]).on('exit', resolve)),
  with_timeout: ({ command, timeoutMs = 0 }) =>
    new Promise((resolve) =>
      childProcess.exec(command, { timeout: timeoutMs, killSignal: 'SIGKILL' }, resolve),
    ),
  in_worker_thread: ({ command }) =>
    once(
      new Worker("require('child_process').execSync(require('worker_threads').workerData)", {
        eval: true,
        workerData: command,
      }),
      'exit',
    ),
  background: ({ command }) => {
    background.push(childProcess.spawn(...shell(command), { stdio: 'ignore' }))
  },
  stop_background: async () => {
    for (const child of background) {
      if (child.exitCode === null && child.kill()) {
        await new Promise((resolve) => child.on('exit', resolve))
      }
    }
  },
  write_then_exec: async ({ command, path = '' }) => {
    fs.writeFileSync(path, 'by the app\n')
    await promisify(childProcess.exec)(command)
  },
  exec_then_write: async ({ command, path = '' }) => {
    const done = promisify(childProcess.exec)(command)
    fs.writeFileSync(path, 'by the app\n')
    await done
  },
  ask: (input) => ask(input),
  rest: async ({ path = '' }) => {
    fs.mkdirSync('node_modules', { recursive: true })
    fs.writeFileSync('node_modules/rests', '')
    // Made, and written.
    while ((fs.statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0) await sleep(10)
  },
  session: ({ command }) => inSession(command),
  terminal: async ({ command }) => {
    const { spawn } = await import('@lydell/node-pty')
    return new Promise((resolve) => spawn(...shell(command), {}).onExit(resolve))
  },
  terminal_session: ({ command }) => inTerminal(command),
  session_pings: async ({ command }) => {
    await inSession(command)
    setInterval(() => session?.stdin.write(':\n'), 20).unref()
  },
  missing_program: () =>
    new Promise((resolve) => childProcess.spawn('no-such-program').on('error', resolve)),
}

serveTools({ tools, isParallel: process.env.PARALLEL !== undefined })
