/**
 * One conversation on each model API that the example speaks: app, SDK, preload, spool, receiver, PostgreSQL, views. The rows
 * are those of Anthropic's API, except for what the APIs themselves say differently.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { modelApis } from '../example/src/agent/models/model.ts'
import { startExample, temporaryFolder } from './support/example.ts'
import { cloneDatabase } from './support/postgres.ts'
import { startReceiver } from './support/receiver.ts'

const patience = { timeout: 60_000, interval: 100 }
const views = ['turns', 'model_calls', 'tool_calls', 'file_operations'] as const

type Row = Readonly<Record<string, unknown>>
type Rows = Readonly<Record<(typeof views)[number], readonly Row[]>>

const edit = 'replace milk with bread in notes.txt'
const command = 'run echo made > made.txt; cat made.txt'
const prompts = [`${edit}, then ${command}, then read missing.txt`, 'add "Buy tea" to notes.txt']

/** Two turns of a conversation: the first is streamed, the second is not. Resolves with all rows, as they are. */
async function converse(api: string): Promise<Rows> {
  await using stack = new AsyncDisposableStack()
  const database = stack.use(await cloneDatabase())
  const receiver = stack.use(await startReceiver({ database }))
  const spool = stack.use(temporaryFolder()).path
  const workspace = stack.use(temporaryFolder()).path
  writeFileSync(path.join(workspace, 'notes.txt'), 'Buy milk\n')
  const app = stack.use(
    await startExample({
      spool,
      workspace,
      endpoint: receiver.url,
      token: receiver.token,
      settings: { EXAMPLE_MODEL_API: api },
    }),
  )
  const [first = '', second = ''] = prompts
  await app.chatOnSocket(first, undefined, 'c-1')
  await app.chat(second, 'c-1')
  expect(readFileSync(path.join(workspace, 'notes.txt'), 'utf8')).toBe('Buy bread\nBuy tea\n')

  // A turn is the last span of its trace. The logs of the command are sent apart.
  await expect.poll(() => database.query('select * from turns'), patience).toHaveLength(2)
  const compared = 'select from processes where files_compared is not null'
  await expect.poll(() => database.query(compared), patience).toHaveLength(1)
  const rows = views.map((view) =>
    database.query<Record<string, string | null>>(`select * from ${view} order by started_at`),
  )
  const [turns = [], model_calls = [], tool_calls = [], file_operations = []] =
    await Promise.all(rows)
  return { turns, model_calls, tool_calls, file_operations }
}

/** Why an answer ended, in the words of each API; and what is recorded of a failed tool: two of them cannot mark its result. */
const words = {
  anthropic: { asks: 'tool_use', ends: 'end_turn', failure: 'tool_error' },
  openai: { asks: 'tool_calls', ends: 'stop', failure: null },
  responses: { asks: 'completed', ends: 'completed', failure: null },
  gemini: { asks: 'STOP', ends: 'STOP', failure: 'tool_error' },
} as const

/** Ids, times, models and providers, which `name` has, too; and what `words` is about. */
const leftOut =
  /^(?:trace|span|parent_span|session|operation|call|tool_call|response)_id$|_at$|^(?:duration|time_to_first_chunk|model|request_model|response_model|provider|name)$|_tokens$|^finish_reasons$|^error_/

/** The rows without what is different in each run, and in the same words for all APIs. */
function comparable(rows: Rows): Rows {
  const spans = new Map<unknown, string>()
  for (const view of views) {
    for (const [at, { span_id }] of rows[view].entries()) spans.set(span_id, `${view} ${at}`)
  }
  const simplify = (row: Row): Row => {
    const kept = Object.entries(row).filter(([name]) => !leftOut.test(name))
    const values = kept.map(([name, value]) => [name, simplified(name, value)])
    return { ...Object.fromEntries(values), parent: spans.get(row.parent_span_id) }
  }
  return {
    turns: rows.turns.map(simplify),
    model_calls: rows.model_calls.map(simplify),
    tool_calls: rows.tool_calls.map(simplify),
    file_operations: rows.file_operations.map(simplify),
  }
}

function simplified(column: string, value: unknown): unknown {
  switch (column) {
    case 'system_instructions':
    case 'arguments':
      return JSON.parse(String(value))
    case 'input_messages':
    case 'output_messages':
      return messageParts(JSON.parse(String(value)))
    case 'tool_definitions':
      return JSON.parse(String(value)).map(({ strict: _, ...definition }: Row) => definition)
    // In Gemini's address it is always there; in the other APIs' bodies only for a stream.
    case 'stream':
      return value ?? false
    default:
      return value
  }
}

/** Some APIs have a message for each result, and a role for results. */
function messageParts(messages: readonly { role: string; parts: readonly Row[] }[]): Row[] {
  return messages.flatMap(({ role, parts }) =>
    parts.map(({ type, content, name, arguments: given, response }): Row => {
      if (type === 'text') return { role, type, content }
      if (type === 'tool_call') return { role, type, name, given }
      const { output, error } = Object(response)
      return { role: 'tool', type, response: output ?? error ?? response }
    }),
  )
}

/** The rows that all are compared with; the conversation is held once. */
let ofAnthropic: Promise<Rows> | undefined
function rowsOfAnthropic(): Promise<Rows> {
  ofAnthropic ??= converse('anthropic')
  return ofAnthropic
}

test('the conversation has rows of every kind', async () => {
  const rows = comparable(await rowsOfAnthropic())
  expect(rows.turns).toMatchObject([
    { prompt: prompts[0], model_calls: 4, tool_calls: 3, file_operations: 2 },
    { prompt: prompts[1], model_calls: 3, tool_calls: 2, file_operations: 1 },
  ])
  expect(rows.tool_calls).toMatchObject([
    { tool: 'edit_file', parent: 'turns 0', result: 'Edited notes.txt.' },
    { tool: 'run_command', parent: 'turns 0', result: 'made\n[exit code 0]' },
    { tool: 'read_file', parent: 'turns 0', result: 'Error: missing.txt does not exist (ENOENT).' },
    { tool: 'read_file', parent: 'turns 1', result: 'Buy bread\n' },
    { tool: 'edit_file', parent: 'turns 1' },
  ])
  expect(rows.file_operations).toMatchObject([
    { type: 'edit', path: 'notes.txt', parent: 'tool_calls 0' },
    { type: 'create', path: 'made.txt', parent: 'tool_calls 1' },
    { type: 'edit', path: 'notes.txt', parent: 'tool_calls 4' },
  ])
})

test.each(modelApis)('on the API %s it has the same rows', async (api) => {
  const rows = await (api === 'anthropic' ? rowsOfAnthropic() : converse(api))
  expect(comparable(rows)).toEqual(comparable(await rowsOfAnthropic()))
  const { asks, ends, failure } = words[api]
  expect(rows.model_calls.map((call) => call.finish_reasons)).toEqual(
    [asks, asks, asks, ends, asks, asks, ends].map((reason) => [reason]),
  )
  expect(rows.model_calls.map((call) => call.error_type)).toEqual(Array(7).fill(null))
  expect(rows.tool_calls.map((call) => call.error_type)).toEqual([null, null, failure, null, null])
  const message = failure === null ? null : 'Error: missing.txt does not exist (ENOENT).'
  expect(rows.tool_calls[2]?.error_message).toBe(message)
  for (const { input_tokens, output_tokens } of rows.model_calls) {
    expect(Number(input_tokens)).toBeGreaterThan(100)
    expect(Number(output_tokens)).toBeGreaterThan(10)
  }
})
