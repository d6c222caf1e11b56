import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { prepareFolder } from '@turnlog/embedded-postgres/folder'
import { takeLock } from '@turnlog/embedded-postgres/lock'
import { reachableHost } from '@turnlog/receiver/address'
import { describeTrouble, ExpectedError } from '../start/expected-error.ts'
import { checkPort, describeEnd, type Part, startChild, untilAnswers } from '../start/part.ts'
import { aborted } from '../start/stop-request.ts'
import { buildCollector, untilEnd } from './build.ts'
import { describeLogLine } from './log-line.ts'
import { queueBytesFor, roomOf, safeRoom } from './queue-room.ts'
import { checkReceiver } from './receiver-check.ts'
import { portNames, type Settings, settings as settingTable } from './settings.ts'

/**
 * `npm run collector`: builds the Collector, checks that it can run, and runs it until it ends or we are asked to stop.
 *
 * Problems that the user can fix are found before the start and reported in one line. The Collector's log is written to a
 * file; only its problems are printed.
 */

export interface CollectorOptions {
  readonly settings: Settings
  readonly environment: NodeJS.ProcessEnv
  /** Prints one line for the user; a `problem` goes to standard error. */
  readonly say: (line: string, kind?: 'problem') => void
  /** Aborted when the Collector is asked to stop. */
  readonly signal: AbortSignal
}

const root = join(import.meta.dirname, '..')
const answersWithinMs = 60_000

/** Time for open requests to be answered; those that are not are sent again after the next start. */
const stopsWithinMs = 15_000

/** A problem that repeats is printed once in this time. */
const repeatedAfterMs = 60_000

/** Resolves with the exit code: 0 if the Collector ended when asked, else 1, after printing the reason. */
export async function runCollector(options: CollectorOptions): Promise<0 | 1> {
  const { say, signal } = options
  using closing = new DisposableStack()
  let part: Part | undefined
  let trouble: string | undefined
  try {
    part = await bringUp(options, closing)
    const how = await Promise.race([part.exited, aborted(signal)])
    if (how !== undefined) trouble = describeEnd(part, how)
  } catch (error) {
    trouble = signal.aborted ? undefined : describeTrouble(error)
  }
  if (trouble !== undefined) say(trouble, 'problem')
  if (part === undefined || trouble !== undefined) return trouble === undefined ? 0 : 1
  say('Stopping.')
  if (await part.stop({ withinMs: stopsWithinMs })) return 0
  say('The Collector did not end when asked, and was killed.', 'problem')
  return 1
}

/** Only one Collector may use a queue. Without our lock, the second one would fail with just "timeout". */
function lockQueue(queueDirectory: string): () => void {
  const lock = takeLock(join(queueDirectory, 'in-use.lock'))
  if (lock.status === 'taken') return lock.release
  throw new ExpectedError(`Another npm run collector has the queue '${queueDirectory}'.`)
}

async function bringUp(options: CollectorOptions, closing: DisposableStack): Promise<Part> {
  const { settings, say, signal } = options
  const { receiver, queueDirectory, logPath } = settings
  const host = reachableHost(settings.host)
  for (const name of portNames) await checkPort(settingTable[name].env, settings[name])
  closing.defer(lockQueue(await prepareFolder(queueDirectory)))
  const state = await checkReceiver(settings)
  const refusal = `The receiver at ${receiver} does not take what TURNLOG_TOKEN sends`
  if (state.status === 'refuses') throw new ExpectedError(`${refusal}: ${state.reason}.`)
  const program = await findProgram(options)
  const room = roomOf(queueDirectory)
  const queueBytesMax = settings.queueBytesMax ?? queueBytesFor(room)
  const environment = collectorEnvironment(options, queueBytesMax)
  const files = [join(root, 'otel-collector-config.yaml'), ...settings.configurations]
  const configuration = files.flatMap((file) => ['--config', file])
  await validate([program, 'validate', ...configuration], environment)

  const part = startChild({
    name: 'The Collector',
    command: [program, ...configuration],
    folder: root,
    environment,
    logPath,
    stopsWithinMs,
    onProblem: reportSeldom(say),
  })
  try {
    const url = `http://${host}:${settings.healthPort}/`
    await untilAnswers({ part, url, withinMs: answersWithinMs, signal })
  } catch (error) {
    await part.stop({ withinMs: stopsWithinMs })
    throw error
  }
  say(`Collector  http://${host}:${settings.httpPort} (gRPC ${settings.grpcPort})`)
  say(`Receiver   ${receiver}`)
  say(`Queue      ${queueDirectory}`)
  say(`Log        ${logPath}`)
  if (state.status === 'away') {
    say(
      `The receiver does not answer (${state.reason}): what arrives waits in the queue.`,
      'problem',
    )
  }
  if (room < safeRoom(queueBytesMax)) {
    say(
      `The queue may fill its disk: it has ${inMebibytes(room)} MiB for it, and ${settingTable.queueBytesMax.env}=${queueBytesMax} is safe with ${inMebibytes(safeRoom(queueBytesMax))}.`,
      'problem',
    )
  }
  say('Ctrl-C stops it; what has not been sent by then is sent after the next start.')
  return part
}

function inMebibytes(bytes: number): number {
  return Math.floor(bytes / 1024 ** 2)
}

async function findProgram({ settings, ...options }: CollectorOptions): Promise<string> {
  if (settings.program !== undefined) return settings.program
  const built = await buildCollector({ ...options, cacheDirectory: settings.cacheDirectory })
  if (built.status === 'failed') throw new ExpectedError(built.reason)
  return built.program
}

/** The variables that the configuration reads. All are set, so that none of the configuration's own defaults applies. */
function collectorEnvironment(
  { settings, environment }: CollectorOptions,
  queueBytesMax: number,
): NodeJS.ProcessEnv {
  const values = { ...settings, queueBytesMax }
  const names = [
    'receiver',
    'token',
    'host',
    ...portNames,
    'queueDirectory',
    'queueBytesMax',
  ] as const
  const variables = names.map((name) => [settingTable[name].env, String(values[name])])
  return { ...environment, ...Object.fromEntries(variables) }
}

async function validate(
  [program, ...args]: readonly [string, ...string[]],
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  const { failure, output } = await untilEnd(
    spawn(program, args, { cwd: root, env: environment, stdio: ['ignore', 'pipe', 'pipe'] }),
  )
  if (failure === undefined) return
  if (failure !== 'exit') {
    throw new ExpectedError(`The Collector '${program}' cannot be run: ${failure.message}.`)
  }
  const lines = output.split('\n').flatMap((line) => describeLogLine(line) ?? [])
  throw new ExpectedError(['The configuration is not valid:', ...lines].join('\n    '))
}

function reportSeldom(say: CollectorOptions['say']): (line: string) => void {
  const printedAt = new Map<string, number>()
  return (line) => {
    const text = describeLogLine(line)
    if (text === undefined) return
    const now = performance.now()
    for (const [other, at] of printedAt) if (now - at >= repeatedAfterMs) printedAt.delete(other)
    if (printedAt.has(text)) return
    printedAt.set(text, now)
    say(`collector: ${text}`, 'problem')
  }
}
