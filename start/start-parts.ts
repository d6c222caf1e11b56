import { join } from 'node:path'
import { keepToken } from './access.ts'
import { answers } from './answers.ts'
import { checkPort } from './check-port.ts'
import { openDatabase } from './database.ts'
import { exampleEnvironment, receiverEnvironment } from './environment.ts'
import type { TurnlogOptions } from './options.ts'
import { type ChildOptions, type Part, startChild, untilAnswers } from './part.ts'
import { writeRunning } from './running.ts'
import { prepareWorkspace } from './workspace.ts'

/** Migrations included. */
const receiverAnswersWithinMs = 60_000
const exampleAnswersWithinMs = 30_000

/** A chat app closes within two or three seconds, the receiver when it has answered what it was asked. */
const exampleStopsWithinMs = 4_000
const receiverStopsWithinMs = 2_500

/** What one part may tell of its problems on the console; its log has them all. */
const problemLinesMax = 20

export interface StartPartsOptions extends TurnlogOptions {
  readonly dataFolder: string
  readonly runningFile: string
  /** Told of each part as it begins, so that it is stopped whatever happens next. */
  readonly addPart: (part: Part) => void
}

interface BringUpOptions extends Omit<ChildOptions, 'folder' | 'onProblem'> {
  /** The part's name before a line of its problems. */
  readonly problemsOf: string
  readonly answersAt: string
  readonly answersWithinMs: number
}

/** Starts all, in order, and prints where each is reached once it answers. Fails with one clear line. */
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
    const problems = tellProblems(problemsOf, say)
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
    problems.tell()
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
    token = await keepToken({ access, dataFolder, user: settings.user })
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

/** Kept back until the part is up: one that does not come up is told about once, by how it ended. */
function tellProblems(name: string, say: TurnlogOptions['say']) {
  let noted = 0
  let keptBack: string[] | undefined = []
  const tell = (line: string): void => {
    if (keptBack === undefined) say(`${name}: ${line}`, 'problem')
    else keptBack.push(line)
  }
  return {
    note(line: string): void {
      if (line.trim() === '' || noted > problemLinesMax) return
      noted += 1
      tell(noted > problemLinesMax ? '… its log has the rest.' : line)
    },
    tell(): void {
      const lines = keptBack ?? []
      keptBack = undefined
      for (const line of lines) tell(line)
    },
  }
}
