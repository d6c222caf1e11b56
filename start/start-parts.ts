import { join } from 'node:path'
import { ensureToken } from './access.ts'
import { answers } from './answers.ts'
import { checkPort } from './check-port.ts'
import { openDatabase } from './database.ts'
import { exampleEnvironment, receiverEnvironment } from './environment.ts'
import type { TurnlogOptions } from './options.ts'
import { type ChildOptions, type Part, startChild, untilAnswers } from './part.ts'
import { writeRunning } from './running.ts'
import { prepareWorkspace } from './workspace.ts'

/** Includes the migrations. */
const receiverAnswersWithinMs = 60_000
const exampleAnswersWithinMs = 30_000

/** A chat app needs two or three seconds to close; the receiver first answers its open requests. */
const exampleStopsWithinMs = 4_000
const receiverStopsWithinMs = 2_500

/** How many lines of one part's problems are printed; its log contains all. */
const problemLinesMax = 20

export interface StartPartsOptions extends TurnlogOptions {
  readonly dataFolder: string
  readonly runningFile: string
  /** Called as each part starts, so that it is stopped even if a later step fails. */
  readonly addPart: (part: Part) => void
}

interface BringUpOptions extends Omit<ChildOptions, 'folder' | 'onProblem'> {
  /** The prefix of each printed problem. */
  readonly problemsOf: string
  readonly answersAt: string
  readonly answersWithinMs: number
}

/** Starts the parts in order, and prints the address of each once it answers. Fails with a message of one line. */
export async function startParts(options: StartPartsOptions): Promise<void> {
  const { settings, commands, environment, openAccess, dataFolder, addPart, say, signal } = options
  const { receiverPort, examplePort, workspace } = settings
  await checkPort('TURNLOG_RECEIVER_PORT', receiverPort)
  await checkPort('EXAMPLE_PORT', examplePort)
  await prepareWorkspace(workspace)

  const database = await openDatabase({ settings, say, signal })
  if (database.part !== undefined) addPart(database.part)
  say(`Database  ${database.shownUrl}`)

  const receiverUrl = `http://127.0.0.1:${receiverPort}`
  const chatUrl = `http://127.0.0.1:${examplePort}`
  const children: Part[] = []
  const bringUp = async ({ problemsOf, answersAt, answersWithinMs, ...child }: BringUpOptions) => {
    const problems = reportProblems(problemsOf, say)
    const part = startChild({ ...child, folder: options.folder, onProblem: problems.note })
    addPart(part)
    children.push(part)
    await writeRunning(options.runningFile, {
      pid: process.pid,
      startedAt: new Date().toISOString(),
      chat: chatUrl,
      receiver: receiverUrl,
      isStopping: false,
      children: children.map(({ name, pid, start }) => ({ name, pid, start })),
    })
    const probe = () => answers(answersAt)
    await untilAnswers({ part, probe, withinMs: answersWithinMs, signal })
    problems.release()
  }

  await bringUp({
    name: 'The receiver',
    problemsOf: 'receiver',
    command: commands.receiver,
    environment: receiverEnvironment({ environment, settings, databaseUrl: database.url }),
    logPath: join(dataFolder, 'logs', 'receiver.log'),
    answersAt: `${receiverUrl}/api/v1/health`,
    answersWithinMs: receiverAnswersWithinMs,
    stopsWithinMs: receiverStopsWithinMs,
  })
  const access = await openAccess({ databaseUrl: database.url, receiverUrl })
  let token: string
  try {
    say(`Receiver  ${await access.signInLink()}`)
    token = await ensureToken({ access, dataFolder, user: settings.user })
  } finally {
    await access.close()
  }

  await bringUp({
    name: 'The chat app',
    problemsOf: 'chat app',
    command: commands.example,
    environment: exampleEnvironment({ environment, settings, receiverUrl, token }),
    logPath: join(dataFolder, 'logs', 'example.log'),
    answersAt: `${chatUrl}/`,
    answersWithinMs: exampleAnswersWithinMs,
    stopsWithinMs: exampleStopsWithinMs,
  })
  say(`Chat      ${chatUrl}/`)
  say('Ctrl-C stops all of it.')
}

/**
 * Prints a part's problems, but not before `release`: for a part that does not come up, the message about its end already
 * contains its last output.
 */
function reportProblems(name: string, say: TurnlogOptions['say']) {
  let noted = 0
  let delayed: string[] | undefined = []
  const report = (line: string): void => {
    if (delayed === undefined) say(`${name}: ${line}`, 'problem')
    else delayed.push(line)
  }
  return {
    note(line: string): void {
      if (line.trim() === '' || noted > problemLinesMax) return
      noted += 1
      report(noted > problemLinesMax ? '… its log has the rest.' : line)
    },
    release(): void {
      const lines = delayed ?? []
      delayed = undefined
      for (const line of lines) report(line)
    },
  }
}
