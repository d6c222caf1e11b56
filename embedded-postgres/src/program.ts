import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Account } from './account.ts'
import { PostgresError } from './errors.ts'

/** How much of the end of what a program writes to standard error is kept, for the message when it fails. */
const outputMax = 4_096

export interface ProgramExit {
  readonly code: number | undefined
  readonly signal: NodeJS.Signals | undefined
}

/**
 * Starts a program of PostgreSQL. It has its own process group, so that a terminal's Ctrl-C does not reach it, nothing of
 * our environment but PATH, and a working folder that any user may enter. Rejects with `TL_POSTGRES_MISSING` when it
 * cannot be run.
 */
export async function startProgram(
  program: string,
  options: readonly string[],
  account: Account | undefined,
) {
  const child = spawn(program, options, {
    ...account,
    cwd: '/',
    detached: true,
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let output = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(-outputMax)
  })
  const exited = new Promise<ProgramExit>((resolve) => {
    child.once('exit', (code, signal) => {
      resolve({ code: code ?? undefined, signal: signal ?? undefined })
    })
  })
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  await once(child, 'spawn').catch((cause: Error) => {
    const message = `'${program}' cannot be run (${cause.message}): set DATABASE_URL to use another PostgreSQL.`
    throw new PostgresError('TL_POSTGRES_MISSING', message, { cause })
  })
  return {
    child,
    pid: child.pid ?? 0,
    exited,
    /** Resolves when it has exited and every process that shares its standard error has, too. */
    closed,
    output: () => output,
  }
}
