import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { prepareFolder } from '@turnlog/embedded-postgres/folder'
import { takeLock } from '@turnlog/embedded-postgres/lock'
import { describeTrouble, ExpectedError } from './expected-error.ts'
import type { TurnlogOptions } from './options.ts'
import { describeEnd, type Part } from './part.ts'
import { clearRemains, markStopping, readRunning } from './running.ts'
import { startParts } from './start-parts.ts'
import { aborted } from './stop-request.ts'

/**
 * Runs the parts of `npm start`: database, receiver, app.
 *
 * Starting: in this order; a part must answer before its line is printed and the next part is started.
 * Running: until a part ends unexpectedly, or we are asked to stop.
 * Stopping: in reverse order; each part has a time limit and is killed after it. A second request to stop has no effect.
 */

/** The limit for stopping everything; we promise ten seconds. */
const stopWithinMs = 9_300

/** Another `npm start` checks every half second whether its npm still runs. */
const noticesNpmGoneWithinMs = 1_000

/** The processes of a killed `npm start` end within about five seconds. */
const remainsEndWithinMs = 7_000

/** Resolves with the exit code: 0 if all parts ended when asked, else 1, after printing the reason. */
export async function runTurnlog(options: TurnlogOptions): Promise<0 | 1> {
  const { settings, say, signal } = options
  const parts: Part[] = []
  const ended = Promise.withResolvers<string>()
  const addPart = (part: Part): void => {
    parts.push(part)
    void part.exited.then((how) => ended.resolve(describeEnd(part, how)))
  }
  const stopRequested = aborted(signal)
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
    trouble = await Promise.race([ended.promise, stopRequested])
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
 * Only one `npm start` at a time may use a data folder. Waits for one that is about to end, since its npm may just have been
 * killed. Else throws an `ExpectedError` that names the other process.
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

/** Resolves with a line for each part that did not end when asked. */
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
