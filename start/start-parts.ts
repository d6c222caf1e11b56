import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder } from '@turnlog/conventions/folders'
import { explainFolderErrors } from '@turnlog/embedded-postgres/folder'
import { ensureToken } from './access.ts'
import { openDatabase } from './database.ts'
import type { TurnlogOptions } from './options.ts'
import { type ChildOptions, checkPort, type Part, startChild, untilAnswers } from './part.ts'
import { writeRunning } from './running.ts'

/** Includes the migrations. */
const receiverAnswersWithinMs = 60_000
const exampleAnswersWithinMs = 30_000

/** A chat app needs two or three seconds to close; the receiver first answers its open requests. */
const exampleStopsWithinMs = 4_000
const receiverStopsWithinMs = 2_500

/** How many lines of one part's problems are printed; its log contains all. */
const problemLinesMax = 20

interface StartPartsOptions extends TurnlogOptions {
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
    await untilAnswers({ part, url: answersAt, withinMs: answersWithinMs, signal })
    problems.release()
  }

  // Each child gets our environment without the secrets that only the other one needs.
  const forReceiver = withoutModelKeys(environment)
  const { DATABASE_URL: _database, ...forExample } = environment
  await bringUp({
    name: 'The receiver',
    problemsOf: 'receiver',
    command: commands.receiver,
    environment: {
      ...forReceiver,
      DATABASE_URL: database.url,
      TURNLOG_RECEIVER_PORT: String(receiverPort),
      TURNLOG_DATA: settings.dataFolder,
    },
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
    // Telemetry settings that are not set here, such as TELEMETRY_ENABLED, pass through unchanged.
    environment: {
      ...forExample,
      EXAMPLE_PORT: String(examplePort),
      EXAMPLE_WORKSPACE: workspace,
      TELEMETRY_ENDPOINT: receiverUrl,
      TELEMETRY_TOKEN: token,
      TELEMETRY_WORKSPACE: workspace,
      TELEMETRY_SPOOL_DIRECTORY: settings.spoolFolder,
      // Whoever stops this stops the receiver, too: the next start sends the rest.
      TELEMETRY_SEND_AFTER_EXIT: '0',
    },
    logPath: join(dataFolder, 'logs', 'example.log'),
    answersAt: `${chatUrl}/`,
    answersWithinMs: exampleAnswersWithinMs,
    stopsWithinMs: exampleStopsWithinMs,
  })
  say(`Chat      ${chatUrl}/`)
  say('Ctrl-C stops all of it.')
}

/** The variables from which the SDKs of the example take a key. */
const modelKeys = ['ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'GEMINI_API_KEY', 'GOOGLE_API_KEY']

function withoutModelKeys(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const others = Object.entries(environment).filter(([name]) => !modelKeys.includes(name))
  return Object.fromEntries(others)
}

/** Creates the agent's folder with a first file to ask about; an existing folder is not changed. */
async function prepareWorkspace(folder: string): Promise<void> {
  await explainFolderErrors(folder, async () => {
    const isMissing = await stat(folder).then(
      () => false,
      () => true,
    )
    makeFolder(folder, { mode: 0o700 })
    if (isMissing)
      await writeFile(join(folder, 'hello.txt'), 'This is hello.txt.\n', { flag: 'wx' })
  })
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
