/**
 * The tool that runs a shell command in the workspace.
 *
 * The shell leads a new process group, which is killed when the shell exits, after the time limit, and when the turn is
 * aborted. So no background process outlives the answer.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { define, failed, ok, readStrings, type Tool, type ToolOutcome } from './tool.ts'
import type { Workspace } from './workspace.ts'

export const commandLimits = { timeMs: 60_000, outputBytes: 256 * 1024 }

/** The variables that a command gets from the app's environment: enough to run, but no keys. */
const environmentNames = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'LANG',
  'LC_ALL',
  'TMPDIR',
  'TZ',
]

/** When the group has ended, a process outside it may still hold a pipe open; we wait this long for it. */
const drainWithinMs = 500

export function createRunCommand(workspace: Workspace, limits = commandLimits): Tool {
  return {
    definition: define(
      'run_command',
      `Runs a shell command in the workspace and answers its output and exit code. Ended after ${limits.timeMs / 1000} seconds, with everything it started; output above ${limits.outputBytes / 1024} KiB is left out.`,
      { command: 'The command line, for sh.' },
    ),
    async run(input, signal) {
      const fields = readStrings(input, ['command'])
      if (typeof fields === 'string') return failed(fields)
      if (fields.command.includes('\0')) return failed('A command cannot hold a NUL.')
      return runInShell(fields.command, { directory: workspace.root, limits, signal })
    },
  }
}

interface Ending {
  readonly by: 'exit' | 'signal' | 'time' | 'abort' | 'error'
  readonly detail: string
}

async function runInShell(
  command: string,
  options: {
    readonly directory: string
    readonly limits: typeof commandLimits
    readonly signal: AbortSignal
  },
): Promise<ToolOutcome> {
  const { directory, limits, signal } = options
  if (signal.aborted) return failed('The turn was aborted.')
  const shell = spawn('/bin/sh', ['-c', command], {
    cwd: directory,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: commandEnvironment(),
  })
  const output = collect(shell, limits.outputBytes)
  const ending = await endOf(shell, limits.timeMs, signal)
  const text = `${await output.text()}\n[${ending.detail}]`.trimStart()
  return ending.by === 'exit' || ending.by === 'signal' ? ok(text) : failed(text)
}

function endOf(shell: ChildProcess, timeMs: number, signal: AbortSignal): Promise<Ending> {
  return new Promise((resolve) => {
    const end = (ending: Ending): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      killGroup(shell)
      resolve(ending)
    }
    const onAbort = (): void => end({ by: 'abort', detail: 'ended: the turn was aborted' })
    const timer = setTimeout(() => {
      end({ by: 'time', detail: `ended after its limit of ${timeMs / 1000} seconds` })
    }, timeMs)
    signal.addEventListener('abort', onAbort)
    shell.once('error', (error) => end({ by: 'error', detail: `did not start: ${error.message}` }))
    shell.once('exit', (code, name) => {
      if (name === null) end({ by: 'exit', detail: `exit code ${code}` })
      else end({ by: 'signal', detail: `ended by signal ${name}` })
    })
  })
}

function killGroup(shell: ChildProcess): void {
  if (shell.pid === undefined) return
  try {
    process.kill(-shell.pid, 'SIGKILL')
  } catch {
    // The group has no more processes.
  }
}

/** The output of both pipes in order of arrival, up to the limit; a note says how much was left out. */
function collect(shell: ChildProcess, bytesMax: number) {
  const kept: Buffer[] = []
  let keptBytes = 0
  let leftOutBytes = 0
  const closed = new Promise<void>((resolve) => shell.once('close', () => resolve()))
  for (const pipe of [shell.stdout, shell.stderr]) {
    pipe?.on('data', (chunk: Buffer) => {
      const piece = chunk.subarray(0, bytesMax - keptBytes)
      kept.push(piece)
      keptBytes += piece.length
      leftOutBytes += chunk.length - piece.length
    })
    pipe?.on('error', () => {})
  }
  return {
    async text(): Promise<string> {
      const timer = setTimeout(() => {
        shell.stdout?.destroy()
        shell.stderr?.destroy()
      }, drainWithinMs)
      await closed
      clearTimeout(timer)
      const text = Buffer.concat(kept).toString('utf8')
      return leftOutBytes === 0
        ? text.replace(/\n$/, '')
        : `${text}\n[${leftOutBytes} bytes of output were left out, above the limit of ${bytesMax}]`
    },
  }
}

function commandEnvironment(): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = {}
  for (const name of environmentNames) {
    if (process.env[name] !== undefined) environment[name] = process.env[name]
  }
  return environment
}
