/** The Python app as its README runs it, in a virtual environment of its own, against a real receiver. */
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import * as path from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Folder, temporaryFolder } from '../../../test/support/example.ts'
import { cloneDatabase, type TestDatabase } from '../../../test/support/postgres.ts'
import { startReceiver, type TestReceiver } from '../../../test/support/receiver.ts'
import { startScriptedModel } from '../../src/scripted-model/start.ts'

const run = promisify(execFile)
const source = path.resolve(import.meta.dirname, '..')
const python = findPython()
if (python === undefined) console.log('Skipped: Python 3.10 or newer is not here (python3).')

describe.skipIf(python === undefined)('the Python app', () => {
  const opened = new AsyncDisposableStack()
  let folder: Folder
  let database: TestDatabase
  let receiver: TestReceiver
  let app: Awaited<ReturnType<typeof startApp>>

  beforeAll(async () => {
    folder = opened.use(temporaryFolder())
    const venv = path.join(folder.path, 'venv')
    await run(python ?? '', ['-m', 'venv', venv])
    const requirements = path.join(source, 'requirements.txt')
    await run(path.join(venv, 'bin/pip'), ['install', '--quiet', '--requirement', requirements])
    database = opened.use(await cloneDatabase())
    receiver = opened.use(await startReceiver({ database }))
    app = opened.adopt(
      await startApp({ venv, workspace: path.join(folder.path, 'workspace'), receiver }),
      ({ stop }) => stop(),
    )
  })
  afterAll(() => opened.disposeAsync())

  test('a turn is the same rows as from Node: model calls, tool call, file operation, decision', async () => {
    const prompt = 'create notes.txt with "Grüße, 世界"'
    const { answer } = await app.post('/api/chat', { message: prompt, conversation_id: 'c-1' })
    expect(readFileSync(path.join(folder.path, 'workspace/notes.txt'), 'utf8')).toBe(
      'Grüße, 世界\n',
    )
    const { operations } = await app.get('/api/changes')
    await app.post(`/api/changes/${operations[0]}`, { decision: 'accept', reason: 'good' })

    const [turn] = await rows(
      `select trace_id, agent, conversation_id, prompt, answer, outcome, model_calls, tool_calls, user_id, session_id
         from turns where ended_at is not null`,
    )
    expect(turn).toMatchObject({
      agent: 'example',
      conversation_id: 'c-1',
      prompt,
      answer,
      model_calls: 2,
      tool_calls: 1,
      user_id: 'mara',
    })
    expect(
      await rows(
        'select tool, arguments::json ->> $$path$$ as path, result, error_type from tool_calls',
      ),
    ).toEqual([
      { tool: 'write_file', path: 'notes.txt', result: 'Wrote notes.txt.', error_type: null },
    ])
    expect(
      await rows(
        'select type, path, before, after, lines_added, lines_removed, tool, source from file_operations',
      ),
    ).toEqual([
      {
        type: 'create',
        path: 'notes.txt',
        before: null,
        after: 'Grüße, 世界\n',
        lines_added: 1,
        lines_removed: 0,
        tool: 'write_file',
        source: 'api',
      },
    ])
    expect(await rows('select decision, source, reason, trace_id from change_decisions')).toEqual([
      { decision: 'accept', source: 'user', reason: 'good', trace_id: turn?.trace_id },
    ])
    const calls = await rows(
      'select input_messages, output_messages, trace_id from model_calls order by started_at',
    )
    expect(calls).toHaveLength(2)
    for (const call of calls) {
      expect(call).toMatchObject({ trace_id: turn?.trace_id })
      expect(call.input_messages).toContain('Grüße')
    }
    expect(await rows('select session_id, service_name from sessions')).toEqual([
      { session_id: turn?.session_id, service_name: 'python-agent' },
    ])
  })

  test('a tool that fails is a failed tool call, and an error', async () => {
    await app.post('/api/chat', { message: 'read nothing-there.txt', conversation_id: 'c-2' })
    const failed = await rows(
      'select tool, error_type from tool_calls where error_type is not null',
    )
    expect(failed).toEqual([{ tool: 'read_file', error_type: 'FileNotFoundError' }])
    const errors = await rows("select type, message from errors where kind = 'exception'")
    expect(errors).toEqual([{ type: 'FileNotFoundError', message: 'nothing-there.txt' }])
  })

  /** Polled until there are some. */
  async function rows(text: string): Promise<Record<string, unknown>[]> {
    let found: Record<string, unknown>[] = []
    await expect
      .poll(async () => {
        found = await database.query<Record<string, string | null>>(text)
        return found.length
      })
      .toBeGreaterThan(0)
    return found
  }
})

function findPython(): string | undefined {
  return ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10'].find((command) => {
    try {
      execFileSync(command, ['-c', 'import sys, venv; sys.exit(sys.version_info < (3, 10))'], {
        stdio: 'ignore',
      })
      return true
    } catch {
      return false
    }
  })
}

async function startApp(options: {
  readonly venv: string
  readonly workspace: string
  readonly receiver: TestReceiver
}) {
  const { venv, workspace, receiver } = options
  mkdirSync(workspace, { recursive: true })
  const model = await startScriptedModel()
  const bin = (name: string): string => path.join(venv, 'bin', name)
  const child = spawn(
    bin('opentelemetry-instrument'),
    [bin('uvicorn'), 'agent_app:app', '--port', '0', '--no-access-log'],
    {
      cwd: source,
      env: {
        ...process.env,
        PYTHONDONTWRITEBYTECODE: '1',
        ANTHROPIC_API_KEY: 'none',
        ANTHROPIC_BASE_URL: model.baseUrl,
        ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE: 'content',
        EXAMPLE_WORKSPACE: workspace,
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer ${receiver.token}`,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
        OTEL_METRICS_EXPORTER: 'none',
        OTEL_SERVICE_NAME: 'python-agent',
        // As seldom as they are by default, it would be half a minute's test.
        OTEL_BSP_SCHEDULE_DELAY: '200',
        OTEL_BLRP_SCHEDULE_DELAY: '200',
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  const ended = once(child, 'exit')
  let printed = ''
  const address = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      printed += `${line}\n`
      const found = /running on (http:\S+)/.exec(line)?.[1]
      if (found !== undefined) resolve(found)
    })
    void ended.then(() => reject(new Error(printed)))
  })
  async function answerOf(response: Response) {
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}\n${printed}`)
    return (await response.json()) as { answer: string; operations: string[] }
  }
  return {
    post: async (at: string, body: object) =>
      answerOf(
        await fetch(address + at, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
      ),
    get: async (at: string) => answerOf(await fetch(address + at)),
    async stop() {
      child.kill('SIGINT')
      await ended
      await model.close()
    },
  }
}
