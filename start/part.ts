import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { processStart, sendSignal } from '@turnlog/embedded-postgres/process'
import { type Descendant, descendantsOf, endDescendants } from './descendants.ts'
import { ExpectedError } from './expected-error.ts'
import { openLogFile } from './log-file.ts'

/** One of the three that `npm start` runs. */
export interface Part {
  /** As a sentence begins with it: `The receiver`. */
  readonly name: string
  readonly pid: number
  /** When it began, which tells it from a later process with the same id. */
  readonly start: string
  /** It may take this long to end when asked. */
  readonly stopsWithinMs: number
  /** Resolves with how it ended: `exit code 1`, `signal SIGKILL`. */
  readonly exited: Promise<string>
  readonly lastLines: (count: number) => readonly string[]
  /** Resolves with whether it ended by itself when asked; one that does not is killed when the time is over. */
  readonly stop: (options: { withinMs: number }) => Promise<boolean>
}

export interface ChildOptions {
  readonly name: string
  readonly command: readonly [string, ...string[]]
  readonly folder: string
  readonly environment: NodeJS.ProcessEnv
  readonly logPath: string
  readonly stopsWithinMs: number
  /** Told each line that the child writes on its standard error: a problem, as a rule. */
  readonly onProblem: (line: string) => void
}

/** How often who comes from it is noted, so that they can be ended when it dies without a word. */
const descendantsNotedEveryMs = 1_000

/** Before what one run writes into its log. */
const startedLine = '--- started'

/** Of a part that ended by itself this many of its last lines are shown. */
const lastWordsMax = 8

/** What it wrote last may still be on its way when it has ended. */
const lastWordsWithinMs = 300

/** What a killed process still needs to be gone. */
const killedEndsWithinMs = 1_000

/**
 * Starts a program in a process group of its own, so that a terminal's Ctrl-C does not reach it before its turn. It
 * gets a channel to us, by which it learns that we are gone. Its output goes to its log file.
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
      endDescendants([...descendants.values()])
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
    lastLines: (count) => log.lastLines(count),
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

/** Resolves once `probe` says so. Fails when the part ends before, when it is told to stop, and when time is over. */
export async function untilAnswers({
  part,
  probe,
  withinMs,
  signal,
}: {
  part: Part
  probe: () => Promise<boolean>
  withinMs: number
  signal: AbortSignal
}): Promise<void> {
  let ended: string | undefined
  void part.exited.then((how) => {
    ended = how
  })
  const deadline = performance.now() + withinMs
  while (!(await probe())) {
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

/** The line that names who ended, with the last it said below. */
export function describeEnd(part: Part, how: string): string {
  return `${part.name} (process ${part.pid}) ended by itself: ${how}.${lastWords(part)}`
}

/** Of this run only: the log also holds those before. */
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

/** A line that is never ended is cut here rather than kept. */
const lineLengthMax = 8_192

function eachLine(stream: NodeJS.ReadableStream | null, tell: (line: string) => void): void {
  let rest = ''
  stream?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > lineLengthMax) {
      lines.push(rest)
      rest = ''
    }
    for (const line of lines) tell(line)
  })
}
