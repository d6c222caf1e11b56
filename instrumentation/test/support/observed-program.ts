/** Runs a real program with or without the preload. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import * as path from 'node:path'
import { fileURLToPath } from 'node:url'
import { bareEnvironment } from '../../../test/support/bare-environment.ts'

const register = new URL('../../src/register.js', import.meta.url).href
const programs = fileURLToPath(new URL('../programs/', import.meta.url))
const startsWithinMs = 15_000

export interface ProgramOptions {
  /** The working directory, and so the workspace. */
  readonly cwd: string
  /** The preload's spool; `undefined`: the program runs without the preload. */
  readonly spool?: string | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly args?: readonly string[]
  /** Another Node than the one of the test. */
  readonly node?: string | undefined
  /** Another preload than the unbuilt one, such as the one that is published: a file URL. */
  readonly preload?: string | undefined
  /** Options of Node, before the program. */
  readonly nodeOptions?: readonly string[]
}

export interface Outcome {
  readonly stdout: string
  readonly stderr: string
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** Starts `name` of `test/programs`, or any program by its path. It is killed when the caller's scope ends. */
export function startProgram(name: string, options: ProgramOptions) {
  const preload = options.spool === undefined ? [] : ['--import', options.preload ?? register]
  const child = spawn(
    options.node ?? process.execPath,
    [
      ...preload,
      ...(options.nodeOptions ?? []),
      path.resolve(programs, name),
      ...(options.args ?? []),
    ],
    {
      cwd: options.cwd,
      env: {
        ...bareEnvironment(),
        HOME: options.cwd,
        TELEMETRY_WORKSPACE: options.cwd,
        // It would outlive the program, and work in a folder that the test removes: `senders.ts` is for tests that have it.
        TELEMETRY_SEND_AFTER_EXIT: '0',
        ...(options.spool === undefined ? {} : { TELEMETRY_SPOOL_DIRECTORY: options.spool }),
        ...options.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const closed = once(child, 'close')

  return {
    child,
    /** Waits for the `nth` line of standard output that begins with `word`, and gives what follows it. */
    async line(word: string, nth = 1): Promise<string> {
      const signal = AbortSignal.timeout(startsWithinMs)
      for (;;) {
        const found = stdout.split('\n').filter((line) => line.startsWith(`${word} `))[nth - 1]
        if (found !== undefined) return found.slice(word.length + 1)
        if (child.exitCode !== null) throw new Error(`The program ended: ${stderr}`)
        await Promise.race([once(child.stdout, 'data', { signal }), closed])
      }
    },
    async ended(): Promise<Outcome> {
      await closed
      return { stdout, stderr, code: child.exitCode, signal: child.signalCode }
    },
    /** Asks the program to end, as a terminal does, and waits. */
    async stop(): Promise<Outcome> {
      child.kill('SIGTERM')
      return this.ended()
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await kill(child, closed)
    },
  }
}

export interface FinishedProgram extends Outcome {
  readonly pid: number | undefined
}

/** Runs `name` to its end. */
export async function runProgram(name: string, options: ProgramOptions): Promise<FinishedProgram> {
  await using program = startProgram(name, options)
  return { ...(await program.ended()), pid: program.child.pid }
}

async function kill(child: ChildProcess, closed: Promise<unknown>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
  await closed
}
