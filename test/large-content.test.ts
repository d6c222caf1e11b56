/**
 * Large contents from the app to SQL: they are sent apart from their records, in parts, and can be read as if they had been
 * inline. A prompt, results, arguments, files before and after, diffs; all kinds of text; each sent once; also with kill -9.
 */

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as path from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, test, vi } from 'vitest'
import {
  type ApiAnswer,
  type ApiRequest,
  startMessagesApi,
} from '../instrumentation/test/support/messages-api.ts'
import { startProgram } from '../instrumentation/test/support/observed-program.ts'
import { makeWorkspace } from '../instrumentation/test/support/workspace.ts'
import { accounts } from './support/account.ts'
import { startLossyCollector } from './support/lossy-collector.ts'
import type { TestDatabase } from './support/postgres.ts'
import { withReceiver } from './support/receiver.ts'

// Diffing, hashing and compressing megabytes runs at low priority, so a busy machine takes long.
vi.setConfig({ testTimeout: 240_000 })
const patience = { timeout: 200_000, interval: 200 }
const kibibyte = 1024
const mebibyte = 1024 ** 2
const program = path.resolve(import.meta.dirname, 'programs/large-chat.ts')

/** A proxy between the app and the receiver. It inspects requests, and holds them until it is opened. */
async function startGate(target: string) {
  const bodies: Buffer[] = []
  let isOpen = true
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece)
    const body = Buffer.concat(pieces)
    if (!isOpen) return void response.writeHead(503).end()
    if (request.url?.startsWith('/v1/')) bodies.push(body)
    const headers = Object.fromEntries(
      Object.entries(request.headers).filter(([name]) => /^(content-|authorization)/.test(name)),
    ) as Record<string, string>
    const answer = await fetch(`${target}${request.url}`, { method: 'POST', headers, body })
    const committed = answer.headers.get('turnlog-ledger')
    response.writeHead(answer.status, {
      'content-type': 'application/json',
      ...(committed === null ? {} : { 'turnlog-ledger': committed }),
    })
    response.end(await answer.text())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    set isOpen(value: boolean) {
      isOpen = value
    },
    /** Hashes of the contents that passed, one for each time that a first part passed. */
    contents: (): string[] =>
      bodies.flatMap((body) =>
        [
          ...gunzipSync(body)
            .toString()
            .matchAll(
              /"turnlog\.content\.sha256","value":\{"stringValue":"(sha256:[0-9a-f]{64})"\}\}.{0,300}?"turnlog\.content\.part","value":\{"intValue":1\}/g,
            ),
        ].map(([, hash]) => hash ?? ''),
      ),
    largest: (): number => Math.max(...bodies.map((body) => gunzipSync(body).length)),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function openStage(answer: (request: ApiRequest) => ApiAnswer) {
  const stack = new AsyncDisposableStack()
  const { database, receiver } = await withReceiver()
  const gate = stack.use(await startGate(receiver.url))
  const api = stack.use(await startMessagesApi(answer))
  const workspace = stack.use(makeWorkspace())
  const start = async (settings: Readonly<Record<string, string>> = {}) => {
    const app = stack.use(
      startProgram(program, {
        cwd: workspace.folder,
        spool: workspace.spool,
        env: {
          API: api.url,
          TELEMETRY_ENDPOINT: gate.url,
          TELEMETRY_TOKEN: receiver.token,
          ...settings,
        },
      }),
    )
    const port = await app.line('port')
    return {
      ...app,
      async chat(message: string): Promise<string> {
        const body = JSON.stringify({ message })
        const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body })
        return ((await response.json()) as { answer: string }).answer
      },
    }
  }
  return {
    database,
    gate,
    api,
    spool: workspace.spool,
    start,
    file: (name: string) => path.join(workspace.folder, name),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** Asks for each tool once, one after the other, then answers. */
function script(
  tools: readonly Omit<NonNullable<ApiAnswer['tools']>[number], 'id'>[],
  text: string,
) {
  return ({ messages }: ApiRequest): ApiAnswer => {
    const place = (messages.length - 1) / 2
    const tool = tools[place]
    return tool === undefined ? { text } : { tools: [{ id: `toolu_${place}`, ...tool }] }
  }
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

/** PostgreSQL's hash of the text or bytes in a view. */
const hashOf = (column: string): string =>
  `encode(sha256(coalesce(convert_to(${column}, 'UTF8'), ${column}_bytes)), 'hex') as ${column}`

async function balanced(spool: string, database: TestDatabase): Promise<void> {
  await expect
    .poll(
      async () => (await accounts(spool, database)).every(({ unaccounted }) => unaccounted === 0),
      patience,
    )
    .toBe(true)
}

/** All contents have arrived that rows and messages refer to. */
async function complete(database: TestDatabase): Promise<void> {
  const awaited = `
    with referred as (
      select team_id, turnlog_day(start_time) as day, turnlog_hash(a.value ->> 'turnlog.content') as sha256
        from spans cross join lateral jsonb_each(attributes) a (name, value)
       where jsonb_typeof(a.value) = 'object' and a.value ? 'ref'
      union
      select team_id, day, turnlog_hash(m[1])
        from contents cross join lateral regexp_matches(body, '\\.ref":"(sha256:[0-9a-f]{64})"', 'g') m
       where size < 100000
    )
    select count(*) as count from referred
     where not exists (select from contents c where (c.team_id, c.day, c.sha256) = (referred.team_id, referred.day, referred.sha256))`
  await expect.poll(async () => (await database.query(awaited))[0], patience).toEqual({ count: 0 })
}

const lines = (bytes: number, word: string): string =>
  `${word}, as a file has lines of it\n`
    .repeat(Math.ceil(bytes / (word.length + 28)))
    .slice(0, bytes)

test('a prompt, results, arguments, files and diffs of megabytes are unchanged in SQL, each sent once', async () => {
  const prompt = `Please read this. ${lines(mebibyte, 'prompt')}`
  const notes = lines(3 * mebibyte, 'notes')
  const japanese = '\u65e5\u672c\u8a9e\u306e\u6587\u7ae0\u3002'.repeat(15_000)
  const emoji = `x${'\ud83d\ude00'.repeat(400_000)}`
  const before = lines(5 * mebibyte, 'before')
  const after = before
    .replace('before', 'After')
    .replaceAll('lines of it\n', 'lines of it!\n')
    .slice(0, 5 * mebibyte)
  const nuls = `a\0b${'c\0'.repeat(100_000)}`
  const answer = lines(300 * kibibyte, 'answer')
  await using stage = await openStage(
    script(
      [
        { name: 'read_file', input: { path: 'notes.txt' } },
        { name: 'write_file', input: { path: 'big.txt', content: after } },
        { name: 'read_file', input: { path: 'japanese.txt' } },
        { name: 'write_file', input: { path: 'nuls.bin', content: nuls } },
        { name: 'read_file', input: { path: 'emoji.txt' } },
        { name: 'odd_characters', input: { path: '' } },
      ],
      answer,
    ),
  )
  const { database, gate, api, spool, file } = stage
  writeFileSync(file('notes.txt'), notes)
  writeFileSync(file('big.txt'), before)
  writeFileSync(file('japanese.txt'), japanese)
  writeFileSync(file('emoji.txt'), emoji)
  const app = await stage.start()
  expect(await app.chat(prompt)).toBe(answer)
  await expect.poll(() => database.query('select 1 from turns'), patience).toHaveLength(1)
  await complete(database)

  const turns = `select ${hashOf('prompt')}, ${hashOf('answer')}, prompt_preview, outcome from turns`
  expect(await database.query(turns)).toEqual([
    {
      prompt: sha256(prompt),
      answer: sha256(answer),
      prompt_preview: prompt.slice(0, 200),
      outcome: 'completed',
    },
  ])
  const odd = Buffer.concat([
    Buffer.from('odd_characters \0 '),
    Buffer.alloc(3 * 70_000, Buffer.from([0xed, 0xa0, 0xbd])),
    Buffer.from(' '),
    Buffer.from([0xed, 0xb0, 0x80]),
  ])
  const tools = `select tool, ${hashOf('arguments')}, ${hashOf('result')} from tool_calls order by started_at`
  const input = (value: object): string => sha256(JSON.stringify(value))
  expect(await database.query(tools)).toEqual([
    { tool: 'read_file', arguments: input({ path: 'notes.txt' }), result: sha256(notes) },
    {
      tool: 'write_file',
      arguments: input({ path: 'big.txt', content: after }),
      result: sha256('written'),
    },
    { tool: 'read_file', arguments: input({ path: 'japanese.txt' }), result: sha256(japanese) },
    {
      tool: 'write_file',
      arguments: input({ path: 'nuls.bin', content: nuls }),
      result: sha256('written'),
    },
    { tool: 'read_file', arguments: input({ path: 'emoji.txt' }), result: sha256(emoji) },
    { tool: 'odd_characters', arguments: input({ path: '' }), result: sha256(odd) },
  ])
  const files = `select path, type, ${hashOf('before')}, ${hashOf('after')}, before_sha256, after_sha256,
                        before_size, after_size, lines_added, octet_length(diff) > 1000000 as has_diff
                   from file_operations order by started_at`
  expect(await database.query(files)).toEqual([
    {
      path: 'big.txt',
      type: 'edit',
      before: sha256(before),
      after: sha256(after),
      before_sha256: `sha256:${sha256(before)}`,
      after_sha256: `sha256:${sha256(after)}`,
      before_size: Buffer.byteLength(before),
      after_size: Buffer.byteLength(after),
      lines_added: expect.any(Number),
      has_diff: true,
    },
    {
      path: 'nuls.bin',
      type: 'create',
      before: null,
      after: sha256(nuls),
      before_sha256: null,
      after_sha256: `sha256:${sha256(nuls)}`,
      before_size: null,
      after_size: Buffer.byteLength(nuls),
      lines_added: null,
      has_diff: null,
    },
  ])
  expect(readFileSync(file('big.txt'), 'utf8')).toBe(after)

  // Each call's messages contain all earlier ones, with the exact texts.
  const calls = await database.query<{ input_messages: string }>(
    'select input_messages from model_calls order by started_at',
  )
  expect(calls).toHaveLength(7)
  for (const [index, { input_messages }] of calls.entries()) {
    const texts = textsIn(JSON.parse(input_messages)).map(sha256)
    expect(texts).toEqual(textsIn(api.requests[index]?.messages ?? []).map(sha256))
  }

  expect(gate.largest()).toBeLessThanOrEqual(4 * mebibyte)
  const passed = gate.contents()
  expect(passed.length).toBe(new Set(passed).size)
  // The prompt, notes, both files, their diff, and so on; not once for each of the seven calls that repeat them.
  expect(passed.length).toBeLessThan(15)
  expect(await database.query('select count(*) from content_parts')).toEqual([{ count: 0 }])
  await balanced(spool, database)
})

/** All long strings in the messages, in order: texts, arguments and results. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return value.length > 1_000 ? [value] : []
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}

test('contents at the limit are inline, a byte above it they are sent apart, and a setting changes the limit', async () => {
  const sizes = [4_095, 4_096, 4_097, 12_287, 12_288, 12_289]
  const contents = sizes.map((size) =>
    size < 10_000
      ? 'x'.repeat(size)
      : `${'\u2603'.repeat(Math.floor(size / 3))}${'y'.repeat(size % 3)}`,
  )
  await using stage = await openStage(
    script(
      contents.map((content, index) => ({
        name: 'write_file',
        input: { path: `${index}.txt`, content },
      })),
      'done',
    ),
  )
  const { database, spool } = stage
  const app = await stage.start({ TELEMETRY_INLINE_BYTES_MAX: '4096' })
  await app.chat('go')
  await expect.poll(() => database.query('select 1 from turns'), patience).toHaveLength(1)
  await complete(database)
  const rows = await database.query(
    `select f.after_size, s.attributes -> 'turnlog.file_operation.after' ? 'ref' as went, encode(sha256(convert_to(f.after, 'UTF8')), 'hex') as after
       from file_operations f join spans s using (trace_id, span_id) order by f.path`,
  )
  expect(rows).toEqual(
    contents.map((content, index) => ({
      after_size: sizes[index],
      went: (sizes[index] ?? 0) > 4_096,
      after: sha256(content),
    })),
  )
  await balanced(spool, database)
})

test('if an app is killed while contents are in transit, all have landed after the next start', async () => {
  const content = lines(6 * mebibyte, 'killed')
  await using stage = await openStage(
    script([{ name: 'write_file', input: { path: 'killed.txt', content } }], 'done'),
  )
  const { database, gate, spool } = stage
  for (let round = 0; round < 3; round += 1) {
    const app = await stage.start()
    gate.isOpen = round === 1
    await app.chat(`${round} ${lines(mebibyte, 'prompt')}`)
    app.child.kill('SIGKILL')
    await app.ended()
  }
  gate.isOpen = true
  await stage.start()
  const there = `select ${hashOf('after')} from file_operations`
  await expect.poll(() => database.query(there), patience).toHaveLength(3)
  await complete(database)
  expect(await database.query(there)).toEqual(Array(3).fill({ after: sha256(content) }))
  const prompts = `select ${hashOf('prompt')} from turns order by started_at`
  const sent = [0, 1, 2].map((round) => sha256(`${round} ${lines(mebibyte, 'prompt')}`))
  await expect
    .poll(() => database.query(prompts), patience)
    .toEqual(sent.map((prompt) => ({ prompt })))
  await balanced(spool, database)
})

test('contents that a Collector loses are sent again until they have landed, and the spool is empty', async () => {
  const lost = new Set<string>()
  const { database, receiver } = await withReceiver()
  await using collector = await startLossyCollector({
    receiver: receiver.url,
    fate({ text }) {
      if (!text.includes('"turnlog.content"') || lost.has(text)) return 'pass'
      lost.add(text)
      return 'lose'
    },
  })
  const content = lines(3 * mebibyte, 'lost')
  const steps = [{ name: 'write_file', input: { path: 'lost.txt', content } }]
  await using api = await startMessagesApi(script(steps, 'done'))
  using workspace = makeWorkspace()
  await using app = startProgram(program, {
    cwd: workspace.folder,
    spool: workspace.spool,
    env: {
      API: api.url,
      TELEMETRY_ENDPOINT: collector.url,
      TELEMETRY_TOKEN: receiver.token,
      TELEMETRY_RECEIVER: receiver.url,
      TELEMETRY_RESEND_AFTER_SECONDS: '1',
    },
  })
  const url = `http://127.0.0.1:${await app.line('port')}/`
  const chat = (message: string) =>
    fetch(url, { method: 'POST', body: JSON.stringify({ message }) }).then((answer) =>
      answer.text(),
    )
  await chat('write it')
  await expect.poll(() => lost.size, patience).toBeGreaterThan(1)
  await chat('again')
  await expect.poll(() => database.query('select 1 from turns'), patience).toHaveLength(2)
  await complete(database)
  const files = `select ${hashOf('after')} from file_operations`
  expect(await database.query(files)).toEqual(Array(2).fill({ after: sha256(content) }))
  await balanced(workspace.spool, database)
  const waiting = (): string[] =>
    readdirSync(workspace.spool, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.json.gz'),
    )
  await expect.poll(waiting, patience).toEqual([])
})
