import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { prepareFolder } from '@turnlog/embedded-postgres/folder'
import { takeLock } from '@turnlog/embedded-postgres/lock'
import { describeTrouble, ExpectedError } from './expected-error.ts'
import type { TurnlogOptions } from './options.ts'
import { describeEnd, type Part } from './part.ts'
import { clearRemains, markStopping, readRunning } from './running.ts'
import { startParts } from './start-parts.ts'

/**
 * What `npm start` runs: database, receiver, app.
 *
 * Starting: one after the other; each answers before its line is printed and before the next is started.
 * Running: until one ends by itself, or we are told to stop.
 * Stopping: in reverse, one after the other; each has its share of the time and is killed when that is over. Another
 * request to stop changes nothing.
 */

/** All is over within ten seconds. */
const stopWithinMs = 9_300

/** Another one looks every half second whether its npm still lives. */
const noticesNpmGoneWithinMs = 1_000

/** What a start that was killed left ends by itself within about five seconds. */
const remainsEndWithinMs = 7_000

/** Resolves with the exit code: 0 when it was told to stop and all ended as asked, 1 else. Says why. */
export async function runTurnlog(options: TurnlogOptions): Promise<0 | 1> {
  const { settings, say, signal } = options
  const parts: Part[] = []
  const ended = Promise.withResolvers<string>()
  const addPart = (part: Part): void => {
    parts.push(part)
    void part.exited.then((how) => ended.resolve(describeEnd(part, how)))
  }
  const toldToStop = aborted(signal)
  await using closing = new AsyncDisposableStack()
  const runningFile = join(settings.dataFolder, 'start.json')
  let trouble: string | undefined
  try {
    const dataFolder = await prepareFolder(settings.dataFolder)
    const lock = await lockFolder({ dataFolder, runningFile, signal })
    closing.defer(lock.release)
    await clearRemains(runningFile, { withinMs: remainsEndWithinMs })
    closing.defer(() => clearRemains(runningFile, { withinMs: 0 }))
    await startParts({ ...options, dataFolder, runningFile, addPart })
    trouble = await Promise.race([ended.promise, toldToStop])
  } catch (error) {
    trouble = signal.aborted ? undefined : describeTrouble(error)
  }
  if (trouble !== undefined) say(trouble, 'problem')
  if (parts.length > 0) {
    say('Stopping.')
    await markStopping(runningFile)
  }
  const late = await stopParts(parts)
  for (const line of late) say(line, 'problem')
  return trouble === undefined && late.length === 0 ? 0 : 1
}

/**
 * One `npm start` at a time has a data folder. One that is about to end is waited for: its npm may have been killed a
 * moment ago. Throws an `ExpectedError` that names the other.
 */
async function lockFolder({
  dataFolder,
  runningFile,
  signal,
}: {
  dataFolder: string
  runningFile: string
  signal: AbortSignal
}) {
  for (const from = performance.now(); ; await sleep(100, undefined, { signal })) {
    const lock = takeLock(join(dataFolder, 'start.lock'))
    if (lock.status === 'taken') return lock
    const running = await readRunning(runningFile)
    const withinMs = running?.isStopping ? stopWithinMs + 1_000 : noticesNpmGoneWithinMs
    if (performance.now() - from < withinMs) continue
    const who = running === undefined ? '' : ` (process ${running.pid}, chat at ${running.chat})`
    throw new ExpectedError(
      `Turnlog is already running on '${dataFolder}'${who}: stop it first, or set TURNLOG_DATA to another folder.`,
    )
  }
}

/** Resolves with a line for each that did not end as asked. */
async function stopParts(parts: readonly Part[]): Promise<string[]> {
  const deadline = performance.now() + stopWithinMs
  const late: string[] = []
  for (const part of parts.toReversed()) {
    const left = Math.max(0, deadline - performance.now())
    const hasEnded = await part.stop({ withinMs: Math.min(left, part.stopsWithinMs) })
    if (!hasEnded) late.push(`${part.name} did not end when asked, and was killed.`)
  }
  return late
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}
