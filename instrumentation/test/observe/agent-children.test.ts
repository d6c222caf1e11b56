/** A stand-in for Claude Code: a program that writes a file and sends a span, as its environment says. */
import { once } from 'node:events'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { startProgram } from '../support/observed-program.ts'
import { readRecorded } from '../support/recorded.ts'
import { makeWorkspace } from '../support/workspace.ts'

const claude = `#!${process.execPath}
const fs = require('node:fs')
fs.writeFileSync('by-agent.txt', 'text')
const { env } = process
const send = async () => {
  if (env.CLAUDE_CODE_ENABLE_TELEMETRY !== '1' || env.OTEL_TRACES_EXPORTER !== 'otlp') return
  const [name, value] = env.OTEL_EXPORTER_OTLP_HEADERS.split('=')
  await fetch(env.OTEL_EXPORTER_OTLP_ENDPOINT + '/v1/traces', {
    method: 'POST',
    headers: { [name]: decodeURIComponent(value) },
    body: env.TRACEPARENT,
  })
}
send().then(() => console.log(JSON.stringify(Object.keys(env).filter((name) => /^(CLAUDE|OTEL)_/.test(name)))))
`

async function runAgent(settings: Readonly<Record<string, string>>) {
  const received: { path: string | undefined; authorization: string | undefined; body: string }[] =
    []
  const receiver = http.createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += piece
    const { authorization } = request.headers
    if (request.url === '/v1/traces' && body.startsWith('00-')) {
      received.push({ path: request.url, authorization, body })
    }
    // Nothing of the app itself lands here.
    response.writeHead(503).end()
  })
  receiver.listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  using workspace = makeWorkspace()
  mkdirSync(path.join(workspace.folder, 'bin'))
  writeFileSync(path.join(workspace.folder, 'bin/claude'), claude)
  chmodSync(path.join(workspace.folder, 'bin/claude'), 0o755)
  await using host = startProgram('agent-child-host.ts', {
    cwd: workspace.folder,
    spool: workspace.spool,
    env: {
      TELEMETRY_ENDPOINT: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`,
      TELEMETRY_TOKEN: 'tlt_of the test',
      TELEMETRY_PROCESS_WAIT_MS_MAX: '10000',
      ...settings,
    },
  })
  const answer = await fetch(`http://127.0.0.1:${await host.line('port')}/chat`, {
    method: 'POST',
    body: '{"message":"work"}',
  })
  const variables: readonly string[] = await answer.json()
  await host.stop()
  receiver.closeAllConnections()
  receiver.close()
  return { received, variables, ...readRecorded(workspace.spool) }
}

test('an agent that is started in a request sends its spans to our endpoint, in the trace of the turn', async () => {
  const { received, spans } = await runAgent({ TELEMETRY_AGENT_CHILDREN: '1' })
  const turn = spans.find(({ name }) => name.startsWith('invoke_agent'))
  expect(received).toEqual([
    {
      path: '/v1/traces',
      authorization: 'Bearer tlt_of the test',
      body: `00-${turn?.traceId}-${turn?.spanId}-01`,
    },
  ])
  const file = spans.find(({ attributes }) => attributes['file.path'] === 'by-agent.txt')
  expect(file).toMatchObject({
    parentSpanId: turn?.spanId,
    attributes: { 'turnlog.file_operation.source': 'process' },
  })
})

test('what the app has set for the agent stays', async () => {
  const set = { OTEL_TRACES_EXPORTER: 'none', OTEL_LOG_USER_PROMPTS: '0' }
  const { received, variables } = await runAgent({
    TELEMETRY_AGENT_CHILDREN: '1',
    OF_CHILD: JSON.stringify(set),
  })
  expect(received).toEqual([])
  expect(variables).toContain('OTEL_LOG_TOOL_DETAILS')
})

test('without the setting nothing is added; the request is a turn, and what is not seen of the agent is counted', async () => {
  const { received, variables, spans, logs } = await runAgent({})
  expect({ received, variables }).toEqual({ received: [], variables: [] })
  const turn = spans.find(({ name }) => name.startsWith('invoke_agent'))
  const file = spans.find(({ attributes }) => attributes['file.path'] === 'by-agent.txt')
  expect(turn?.attributes).toMatchObject({ 'turnlog.turn.outcome': 'completed' })
  expect(file?.parentSpanId).toBe(turn?.spanId)
  expect(unseenIn(logs)).toEqual([['agent_child', 'claude', 1]])
})

/** Reads and writes messages. */
const speaking = `#!${process.execPath}
const fs = require('node:fs')
const say = (message) => console.log(JSON.stringify({ session_id: 'session-1', ...message }))
say({ type: 'system', subtype: 'init', model: 'model-x' })
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { type, message } = JSON.parse(line)
  if (type !== 'user') return
  const text = message.content
  fs.writeFileSync(text + '.txt', process.env.TRACEPARENT ?? 'none')
  say({ type: 'assistant', message: { content: [{ type: 'text', text: 'a "result" of ' + text }] } })
  if (text === 'fail') say({ type: 'result', subtype: 'error_max_turns', is_error: true, errors: ['Too many.'] })
  else say({ type: 'result', subtype: 'success', is_error: false, result: 'done ' + text })
})
`

function makeSpeaking() {
  const workspace = makeWorkspace()
  mkdirSync(path.join(workspace.folder, 'bin'))
  writeFileSync(path.join(workspace.folder, 'bin/claude'), speaking, { mode: 0o755 })
  return workspace
}

const startSpeaking = (
  { folder, spool }: ReturnType<typeof makeWorkspace>,
  env: Readonly<Record<string, string>>,
) =>
  startProgram('agent-child-speaks.ts', {
    cwd: folder,
    spool,
    env: { TELEMETRY_PROCESS_WAIT_MS_MAX: '10000', ...env },
  })

function turnsIn(spans: ReturnType<typeof readRecorded>['spans']) {
  return spans
    .filter(({ name }) => name.startsWith('invoke_agent'))
    .map(({ attributes }) => ({
      prompt: textIn(attributes['gen_ai.input.messages']),
      answer: textIn(attributes['gen_ai.output.messages']),
      outcome: attributes['turnlog.turn.outcome'],
      model: attributes['gen_ai.request.model'],
      conversation: attributes['gen_ai.conversation.id'],
      error: attributes['error.type'],
    }))
}

function textIn(messages: unknown): unknown {
  if (typeof messages !== 'string') return undefined
  return JSON.parse(messages)[0].parts[0].content
}

const known = { model: 'model-x', conversation: 'session-1' }

test('without a server, each text that an agent is asked is a turn, with its answer, files and failure', async () => {
  using workspace = makeSpeaking()
  await using app = startSpeaking(workspace, { ASKED: '["one","fail"]' })
  const { code, stdout } = await app.ended()
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'done one\nundefined\n' })
  const { spans, logs } = readRecorded(workspace.spool)
  expect(turnsIn(spans)).toEqual([
    { prompt: 'one', answer: 'done one', outcome: 'completed', error: undefined, ...known },
    {
      prompt: 'fail',
      answer: undefined,
      outcome: 'failed',
      error: 'error_max_turns',
      ...known,
    },
  ])
  const [first] = spans.filter(({ name }) => name.startsWith('invoke_agent'))
  const file = spans.find(({ attributes }) => attributes['file.path'] === 'one.txt')
  expect(file?.traceId).toBe(first?.traceId)
  const written = readFileSync(path.join(workspace.folder, 'one.txt'), 'utf8')
  expect(written).toBe(`00-${first?.traceId}-${first?.spanId}-01`)
  expect(unseenIn(logs)).toEqual([['agent_child', 'claude', 1]])
})

test('an agent that a server keeps works for the request whose text it is asked', async () => {
  using workspace = makeSpeaking()
  await using app = startSpeaking(workspace, { SERVER: '1' })
  const url = `http://127.0.0.1:${await app.line('port')}/chat`
  const chat = async (message: string): Promise<unknown> => {
    const answer = await fetch(url, { method: 'POST', body: JSON.stringify({ message }) })
    return answer.json()
  }
  expect(await chat('the first text')).toEqual({ text: 'done the first text' })
  expect(await chat('another text')).toEqual({ text: 'done another text' })
  await app.stop()
  const { spans } = readRecorded(workspace.spool)
  const completed = { outcome: 'completed', error: undefined, ...known }
  expect(turnsIn(spans)).toEqual([
    { prompt: 'the first text', answer: 'done the first text', ...completed },
    { prompt: 'another text', answer: 'done another text', ...completed },
  ])
})

/** Answers with a text or a JSON message; the text is cut inside a character. */
const printing = `#!${process.execPath}
const { argv, stdin, stdout } = process
const at = argv.findIndex((each) => each === '-p' || each === '--print')
const answer = (text) => {
  if (text === 'fail') process.exit(3)
  if (text === 'wait') return stdout.write('working'), setInterval(() => {}, 1_000)
  if (argv.includes('json')) {
    const message = { type: 'result', subtype: 'success', result: 'done ' + text, session_id: 's' }
    return stdout.write(JSON.stringify(message))
  }
  const bytes = Buffer.from('done ü ' + text)
  stdout.write(bytes.subarray(0, 6), () => setImmediate(() => stdout.write(bytes.subarray(6))))
}
if (argv.includes('--version')) stdout.write('1')
else if (argv[at + 1] !== undefined) answer(argv[at + 1])
else {
  let text = ''
  stdin.setEncoding('utf8').on('data', (piece) => (text += piece)).on('end', () => answer(text))
}
`

test.each([
  ['execFile', 'one', 'done ü one'],
  ['exec', 'two words', 'done ü two words'],
  ['variable', undefined, expect.stringMatching(/^done ü \//)],
  ['input', 'by input', 'done ü by input'],
  ['json', 'json', 'done json', 's'],
  ['execFileSync', 'three', 'done ü three'],
  ['spawnSync', 'four', 'done ü four'],
  ['execSync', 'five', 'done ü five'],
])(
  'an agent that answers and ends has a turn, however it is run: %s',
  async (...[way, prompt, answer, conversation]) => {
    const { turns, unseen } = await runWays([way, 'execFile'])
    const other = { prompt: 'one', answer: 'done ü one' }
    const completed = { outcome: 'completed', error: undefined, model: undefined }
    expect(turns).toEqual([
      { prompt, answer, conversation, ...completed },
      { ...other, conversation: undefined, ...completed },
    ])
    const agents = unseen.filter(([reason]) => reason === 'agent_child')
    expect(agents.reduce((sum, [, , count]) => sum + Number(count), 0)).toBe(2)
  },
)

test('an agent that fails has failed its turn, one that is stopped has aborted it, and one that says its version has none', async () => {
  const { turns } = await runWays(['version', 'fails', 'stopped'])
  expect(turns.map(({ prompt, outcome, error }) => [prompt, outcome, error])).toEqual([
    ['fail', 'failed', 'process_exit'],
    ['wait', 'aborted', undefined],
  ])
})

async function runWays(ways: readonly string[]) {
  using workspace = makeWorkspace()
  mkdirSync(path.join(workspace.folder, 'bin'))
  writeFileSync(path.join(workspace.folder, 'bin/claude'), printing, { mode: 0o755 })
  await using app = startProgram('agent-child-runs.ts', {
    cwd: workspace.folder,
    spool: workspace.spool,
    env: { WAYS: JSON.stringify(ways), TELEMETRY_PROCESS_WAIT_MS_MAX: '10000' },
  })
  expect(await app.ended()).toMatchObject({ code: 0, stderr: '' })
  const { spans, logs } = readRecorded(workspace.spool)
  return { turns: turnsIn(spans), unseen: unseenIn(logs) }
}

function unseenIn(logs: ReturnType<typeof readRecorded>['logs']) {
  return logs
    .filter(({ event }) => event === 'turnlog.unseen')
    .map(({ attributes }) => [
      attributes['turnlog.unseen.reason'],
      attributes['turnlog.unseen.why'],
      attributes['turnlog.unseen.count'],
    ])
}
