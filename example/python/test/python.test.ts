/** The Python app, run as in its README, in a new virtual environment, with a real receiver. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import * as path from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type Folder, temporaryFolder } from '../../../test/support/example.ts'
import { cloneDatabase, type TestDatabase } from '../../../test/support/postgres.ts'
import { startReceiver, type TestReceiver } from '../../../test/support/receiver.ts'
import { startScriptedModel } from '../../src/scripted-model/start.ts'

const source = path.resolve(import.meta.dirname, '..')
const venv = inject('virtualEnvironment') ?? ''

describe.skipIf(venv === '')('the Python app', () => {
  const opened = new AsyncDisposableStack()
  let folder: Folder
  let database: TestDatabase
  let receiver: TestReceiver
  let app: Awaited<ReturnType<typeof startApp>>

  beforeAll(async () => {
    folder = opened.use(temporaryFolder())
    database = opened.use(await cloneDatabase())
    receiver = opened.use(await startReceiver({ database }))
    app = opened.adopt(
      await startApp({ workspace: path.join(folder.path, 'workspace'), receiver }),
      ({ stop }) => stop(),
    )
  })
  afterAll(() => opened.disposeAsync())

  test('a turn makes the same rows as in Node: model calls, tool call, file operation, decision', async () => {
    const prompt = 'create notes.txt with "Grüße, 世界"'
    const { answer } = await app.post('/api/chat', { message: prompt, conversation_id: 'c-1' })
    expect(readFileSync(path.join(folder.path, 'workspace/notes.txt'), 'utf8')).toBe(
      'Grüße, 世界\n',
    )
    const { operations } = await app.get('/api/changes')
    expect(operations).toEqual([{ id: expect.any(String), path: 'notes.txt' }])
    await app.post(`/api/changes/${operations[0]?.id}`, { decision: 'accept', reason: 'good' })

    const [turn] = await rows(
      `select trace_id, agent, conversation_id, prompt, answer, outcome, model, transport, model_calls, tool_calls,
              file_operations, input_tokens > 0 as has_tokens, duration > interval '0' as has_duration, user_id, session_id
         from turns where ended_at is not null`,
    )
    expect(turn).toMatchObject({
      agent: 'example',
      conversation_id: 'c-1',
      prompt,
      answer,
      outcome: 'completed',
      model: 'claude-opus-4-5',
      transport: 'rest',
      model_calls: 2,
      tool_calls: 1,
      file_operations: 1,
      has_tokens: true,
      has_duration: true,
      user_id: 'mara',
    })
    const { trace_id, session_id } = turn ?? {}
    expect(
      await rows(
        'select tool, arguments::json ->> $$path$$ as path, result, error_type, session_id from tool_calls',
      ),
    ).toEqual([
      {
        tool: 'write_file',
        path: 'notes.txt',
        result: 'Wrote notes.txt.',
        error_type: null,
        session_id,
      },
    ])
    expect(
      await rows(
        'select type, path, before, after, diff, lines_added, lines_removed, tool, source from file_operations',
      ),
    ).toEqual([
      {
        type: 'create',
        path: 'notes.txt',
        before: null,
        after: 'Grüße, 世界\n',
        diff: '--- /dev/null\n+++ b/notes.txt\n@@ -0,0 +1 @@\n+Grüße, 世界\n',
        lines_added: 1,
        lines_removed: 0,
        tool: 'write_file',
        source: 'api',
      },
    ])
    expect(
      await rows(
        'select decision, source, reason, outcome, path, elapsed is not null as has_elapsed, trace_id from change_decisions',
      ),
    ).toEqual([
      {
        decision: 'accept',
        source: 'user',
        reason: 'good',
        outcome: 'kept',
        path: 'notes.txt',
        has_elapsed: true,
        trace_id,
      },
    ])
    const calls = await rows(
      `select input_messages, output_messages, input_tokens > 0 as has_tokens, conversation_id, session_id, trace_id
         from model_calls order by started_at`,
    )
    expect(calls).toHaveLength(2)
    for (const call of calls) {
      expect(call).toMatchObject({
        has_tokens: true,
        conversation_id: 'c-1',
        session_id,
        trace_id,
      })
      expect(call.input_messages).toContain('Grüße')
    }
    expect(
      await rows(
        `select session_id, service_name, service_version, os_type, runtime_version, model_calls
           from sessions`,
      ),
    ).toEqual([
      {
        session_id,
        service_name: 'python-agent',
        service_version: '1.0.0',
        os_type: expect.any(String),
        runtime_version: expect.stringMatching(/^3\./),
        model_calls: 2,
      },
    ])
  })

  test('a failed tool is a failed tool call and an error', async () => {
    await app.post('/api/chat', { message: 'read nothing-there.txt', conversation_id: 'c-2' })
    const told = 'nothing-there.txt does not exist.'
    const failed = await rows(
      'select tool, error_type, error_message, result from tool_calls where error_type is not null',
    )
    expect(failed).toEqual([
      {
        tool: 'read_file',
        error_type: 'FileNotFoundError',
        error_message: told,
        result: told,
      },
    ])
    expect(
      await rows(
        `select type, message, origin, stacktrace like '%in run_tool%' as has_stack
           from errors where kind = 'tool_call' and stacktrace is not null`,
      ),
    ).toEqual([{ type: 'FileNotFoundError', message: told, origin: null, has_stack: true }])
  })

  test('a revert restores the file byte by byte, or says why not; git can apply the diff', async () => {
    const file = path.join(folder.path, 'workspace/windows.txt')
    const before = 'one\r\ntwo\f\u2028three\r\nfour'
    writeFileSync(file, before)
    await app.post('/api/chat', { message: 'create windows.txt with "two"' })
    const after = 'two\n'
    expect(readFileSync(file, 'utf8')).toBe(after)
    const [operation] = await rows(
      "select operation_id, type, before, after, diff from file_operations where path = 'windows.txt'",
    )
    expect(operation).toMatchObject({ type: 'edit', before, after })
    writeFileSync(path.join(folder.path, 'windows.diff'), String(operation?.diff))
    writeFileSync(path.join(folder.path, 'windows.txt'), before)
    execFileSync('git', ['apply', '--whitespace=nowarn', 'windows.diff'], { cwd: folder.path })
    expect(readFileSync(path.join(folder.path, 'windows.txt'), 'utf8')).toBe(after)

    const at = `/api/changes/${String(operation?.operation_id)}`
    expect(await app.post(at, { decision: 'revert' })).toEqual({ outcome: 'restored' })
    expect(readFileSync(file, 'utf8')).toBe(before)
    await expect(app.post(at, { decision: 'revert' })).rejects.toThrow(/^409/)
    await expect
      .poll(() =>
        database.query(
          "select outcome from change_decisions where path = 'windows.txt' order by decided_at",
        ),
      )
      .toEqual([{ outcome: 'restored' }, { outcome: 'conflict' }])
  })

  /** Polls until there are rows. */
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

async function startApp(options: { readonly workspace: string; readonly receiver: TestReceiver }) {
  const { workspace, receiver } = options
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
        OTEL_EXPERIMENTAL_RESOURCE_DETECTORS: 'otel,process,os,host',
        OTEL_RESOURCE_ATTRIBUTES: 'service.version=1.0.0',
        OTEL_SERVICE_NAME: 'python-agent',
        // With the default intervals, the test would take half a minute.
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
    return (await response.json()) as { answer: string; operations: { id: string; path: string }[] }
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
