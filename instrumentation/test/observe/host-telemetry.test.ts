import { expect, test } from 'vitest'
import { isTurn, startChat, turnTrees } from '../support/chat.ts'
import { runProgram } from '../support/observed-program.ts'
import { readRecorded } from '../support/recorded.ts'
import { makeWorkspace } from '../support/workspace.ts'

async function record(program: string) {
  using workspace = makeWorkspace()
  const outcome = await runProgram(program, { cwd: workspace.folder, spool: workspace.spool })
  expect(outcome).toMatchObject({ code: 0, stderr: '' })
  return { ...readRecorded(workspace.spool), stdout: outcome.stdout }
}

test("a host without an SDK has its spans in our turns, through either build of OpenTelemetry's API", async () => {
  const { spans } = await record('opentelemetry-api.ts')
  const turn = spans.find(isTurn)
  const outer = spans.find(({ name }) => name === 'outer')
  expect(outer?.parentSpanId).toBe(turn?.spanId)
  for (const name of ['inner', 'required', 'with options']) {
    const span = spans.find((candidate) => candidate.name === name)
    expect(span?.parentSpanId).toBe(outer?.spanId)
    expect(span?.traceId).toBe(turn?.traceId)
  }
})

test('a CommonJS app is observed like any other; the spans of its SDK are enriched and not doubled', async () => {
  await using chat = await startChat({
    program: 'chat-commonjs.cjs',
    answer: () => ({ text: 'Answer.' }),
  })
  await chat.post('over http')
  await (await chat.connect()).say('over a socket')
  const recorded = await chat.recorded()
  expect(turnTrees(recorded)).toEqual(['turn\n  chat', 'turn\n  chat'])
  const names = recorded.spans.map(({ name }) => name.split(' ')[0])
  expect(names.filter((name) => name === 'anthropic.messages.create')).toHaveLength(2)
  const turns = recorded.spans.filter(isTurn)
  expect(turns.map(({ attributes }) => attributes['turnlog.turn.transport'])).toEqual([
    'rest',
    'websocket',
  ])
})

test('a host with its own SDK gets its spans and none of ours', async () => {
  const { spans, stdout } = await record('differential/own-telemetry.ts')
  expect(stdout).toContain('early outer root')
  expect(spans.map(({ name }) => name.split(' ')[0])).toEqual(['chat', 'invoke_agent'])
})

test('model calls of a host with an SDK are spans of the host, and one span each in our records', async () => {
  const { spans, stdout } = await record('differential/sdk-with-own-telemetry.ts')
  expect(stdout).toContain("'anthropic.messages.create true'")
  const turn = spans.find(isTurn)
  const calls = spans.filter(({ attributes }) => attributes['gen_ai.operation.name'] === 'chat')
  // The call that begins the turn, and the one that was sent; the third was never sent.
  expect(calls.map(({ name }) => name)).toEqual(['chat m', 'chat m'])
  for (const call of calls) expect(call.parentSpanId).toBe(turn?.spanId)
})
