import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { whyUnusable } from '@turnlog/embedded-postgres/port'
import { processStart, sendSignal } from '@turnlog/embedded-postgres/process'
import { type Descendant, descendantsOf, endDescendants } from './descendants.ts'
import { ExpectedError } from './expected-error.ts'
import { openLogFile } from './log-file.ts'

/** A process that `npm start` or `npm run collector` starts, watches and stops. */
export interface Part {
  /** Written as the beginning of a sentence: `The receiver`. */
  readonly name: string
  readonly pid: number
  /** When the process began; a later process with the same id differs in it. */
  readonly start: string
  /** How long it may take to end when asked. */
  readonly stopsWithinMs: number
  /** Resolves with how it ended: `exit code 1`, `signal SIGKILL`. */
  readonly exited: Promise<string>
  readonly lastLines: (count: number) => readonly string[]
  /** Asks it to end, and kills it after `withinMs`. Resolves with true unless it had to be killed. */
  readonly stop: (options: { withinMs: number }) => Promise<boolean>
}

export interface ChildOptions {
  readonly name: string
  readonly command: readonly [string, ...string[]]
  readonly folder: string
  readonly environment: NodeJS.ProcessEnv
  readonly logPath: string
  readonly stopsWithinMs: number
  /** Called with each line that the child writes to standard error, which is a problem as a rule. */
  readonly onProblem: (line: string) => void
}

/** How often its descendants are noted, so that they can be killed if it dies suddenly. */
const descendantsNotedEveryMs = 1_000

/** Written to the log at the beginning of each run. */
const startedLine = '--- started'

/** How many of its last lines are shown when a part ends unexpectedly. */
const lastWordsMax = 8

/** A process's last output may still be in the pipe when it has ended. */
const lastWordsWithinMs = 300

/** How long a killed process may take to end. */
const killedEndsWithinMs = 1_000

/**
 * Starts a program as the leader of a new process group, so that a terminal's Ctrl-C reaches only us. The IPC channel lets
 * it notice when we have ended. Its output is written to its log file.
 */
export function startChild(options: ChildOptions): Part {
  const { name, folder, environment, onProblem } = options
  const [program, ...args] = options.command
  const log = openLogFile(options.logPath)
  log.append(`${startedLine} ${new Date().toISOString()}\n`)
  const child = spawn(program, args, {
    cwd: folder,
    env: environment,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const pid = child.pid
  if (pid === undefined) {
    child.once('error', () => {})
    throw new ExpectedError(`${name} cannot be run: '${program}'.`)
  }
  const start = processStart(pid) ?? ''
  child.stdout?.on('data', (chunk: Buffer) => log.append(chunk))
  child.stderr?.on('data', (chunk: string) => log.append(chunk))
  eachLine(child.stderr, onProblem)

  let descendants = new Map<number, Descendant>()
  const noteDescendants = () => {
    for (const each of descendantsOf(pid)) descendants.set(each.pid, each)
  }
  const timer = setInterval(() => {
    descendants = new Map(descendantsOf(pid).map((each) => [each.pid, each]))
  }, descendantsNotedEveryMs).unref()

  let hasExited = false
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      hasExited = true
      clearInterval(timer)
      endDescendants(descendants.values())
      sendSignal(-pid, 'SIGKILL')
      const how = signal === null ? `exit code ${code}` : `signal ${signal}`
      child.once('close', () => resolve(how))
      setTimeout(() => resolve(how), lastWordsWithinMs).unref()
    })
  })

  return {
    name,
    pid,
    start,
    stopsWithinMs: options.stopsWithinMs,
    exited,
    lastLines: log.lastLines,
    async stop({ withinMs }) {
      noteDescendants()
      if (!hasExited) sendSignal(pid, 'SIGTERM')
      if ((await within(withinMs, exited)) !== 'late') return true
      noteDescendants()
      if (processStart(pid) === start) sendSignal(-pid, 'SIGKILL')
      await within(killedEndsWithinMs, exited)
      return false
    },
  }
}

/** Rejects with an `ExpectedError` that names the process on the port and the setting that chooses another port. */
export async function checkPort(setting: string, port: number): Promise<void> {
  const why = await whyUnusable(port)
  if (why === undefined) return
  throw new ExpectedError(`Port ${port} (${setting}) ${why}: set ${setting} to a free one.`)
}

/** Resolves once `url` answers. Fails if the part ends first, if `signal` is aborted, and after `withinMs`. */
export async function untilAnswers({
  part,
  url,
  withinMs,
  signal,
}: {
  part: Part
  url: string
  withinMs: number
  signal: AbortSignal
}): Promise<void> {
  let ended: string | undefined
  void part.exited.then((how) => {
    ended = how
  })
  const deadline = performance.now() + withinMs
  while (!(await answers(url))) {
    signal.throwIfAborted()
    if (ended !== undefined) throw new ExpectedError(describeEnd(part, ended))
    if (performance.now() >= deadline) {
      throw new ExpectedError(
        `${part.name} does not answer within ${withinMs / 1_000} s.${lastWords(part)}`,
      )
    }
    await sleep(50)
  }
  signal.throwIfAborted()
}

/** Whether a server answers this URL with a 2xx status within two seconds. */
async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}

/** A line that names the part that ended, followed by its last output. */
export function describeEnd(part: Part, how: string): string {
  return `${part.name} (process ${part.pid}) ended unexpectedly: ${how}.${lastWords(part)}`
}

/** The last lines of this run; the log also contains earlier runs. */
function lastWords(part: Part): string {
  const lines = part.lastLines(lastWordsMax)
  const beginning = lines.findLastIndex((line) => line.startsWith(startedLine))
  return lines
    .slice(beginning + 1)
    .filter((line) => line.trim() !== '')
    .map((line) => `\n    ${line.slice(0, 300)}`)
    .join('')
}

async function within<Result>(ms: number, promise: Promise<Result>): Promise<Result | 'late'> {
  const done = new AbortController()
  try {
    return await Promise.race([
      promise,
      sleep(Math.max(0, ms), 'late' as const, { signal: done.signal }),
    ])
  } finally {
    done.abort()
  }
}

/** Longer lines are cut here, so that output without line ends takes no memory. */
const lineLengthMax = 8_192

function eachLine(stream: NodeJS.ReadableStream | null, onLine: (line: string) => void): void {
  let rest = ''
  stream?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > lineLengthMax) {
      lines.push(rest)
      rest = ''
    }
    for (const line of lines) onLine(line)
  })
}
