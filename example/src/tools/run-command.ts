/**
 * The tool that runs a shell command in the workspace.
 *
 * The shell leads a new process group, which is killed when the shell exits, after the time limit, and when the turn is
 * aborted. So no background process outlives the answer.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { defineTool, failed, ok, type Tool, type ToolOutcome } from './tool.ts'
import type { Workspace } from './workspace.ts'

export const commandLimits = { timeMs: 60_000, outputBytes: 256 * 1024 }

/** The variables that a command inherits from the app's environment: enough to run, but no keys. */
const inherited = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LC_ALL', 'TMPDIR', 'TZ']

/** When the group has ended, a process outside it may still hold a pipe open; we wait this long for it. */
const drainWithinMs = 500

export function createRunCommand(workspace: Workspace, limits = commandLimits): Tool {
  return defineTool(
    'run_command',
    `Runs a shell command in the workspace and answers its output and exit code. Ended after ${limits.timeMs / 1000} seconds, with everything it started; output above ${limits.outputBytes / 1024} KiB is left out.`,
    { command: 'The command line, for sh.' },
    async ({ command }, signal) => {
      if (command.includes('\0')) return failed('A command cannot hold a NUL.')
      return runInShell(command, { directory: workspace.root, limits, signal })
    },
  )
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
    env: Object.fromEntries(inherited.map((name) => [name, process.env[name]])),
  })
  const output = collect(shell, limits.outputBytes)
  const ending = await endOf(shell, limits.timeMs, signal)
  return { ...ending, text: `${await output.text()}\n[${ending.text}]`.trimStart() }
}

/** How the shell ended, in words; a shell that was ended by us, or did not start, has failed. */
function endOf(shell: ChildProcess, timeMs: number, signal: AbortSignal): Promise<ToolOutcome> {
  return new Promise((resolve) => {
    const end = (ending: ToolOutcome): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      killGroup(shell)
      resolve(ending)
    }
    const onAbort = (): void => end(failed('ended: the turn was aborted'))
    const timer = setTimeout(() => {
      end(failed(`ended after its limit of ${timeMs / 1000} seconds`))
    }, timeMs)
    signal.addEventListener('abort', onAbort)
    shell.once('error', (error) => end(failed(`did not start: ${error.message}`)))
    shell.once('exit', (code, name) => {
      end(ok(name === null ? `exit code ${code}` : `ended by signal ${name}`))
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
