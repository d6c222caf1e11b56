/** A tool in which an exception ends the process has failed with that exception, which is one error. */
import { expect, test } from 'vitest'
import { errorRows } from '../support/error-rows.ts'
import { startMessagesApi } from '../support/messages-api.ts'
import { runProgram } from '../support/observed-program.ts'
import { readRecorded } from '../support/recorded.ts'
import { makeWorkspace } from '../support/workspace.ts'

async function brokenIn(way: string, env: Readonly<Record<string, string>> = {}) {
  await using api = await startMessagesApi(() => ({
    tools: [{ id: 'a', name: 'work', input: {} }],
  }))
  using workspace = makeWorkspace()
  await runProgram('breaks-in-tool.ts', {
    cwd: workspace.folder,
    spool: workspace.spool,
    env: { API: api.url, WAY: way, ...env },
  })
  const recorded = readRecorded(workspace.spool)
  const isTool = ({ attributes }: { attributes: Readonly<Record<string, unknown>> }) =>
    attributes['gen_ai.operation.name'] === 'execute_tool'
  const tools = recorded.spans.filter(isTool)
  expect(tools).toHaveLength(1)
  return {
    ...recorded,
    rows: errorRows(recorded),
    tool: tools[0],
    error: recorded.logs.find(({ event }) => event === 'exception'),
  }
}

test.for(['sdk', 'library', 'toolCall()', 'toolCall() of its own', 'toolCall() without a turn'])(
  'run by %s',
  async (way) => {
    const { rows, tool, error } = await brokenIn(way)
    expect(tool).toMatchObject({
      status: 2,
      statusMessage: 'too far',
      attributes: { 'error.type': 'RangeError', 'turnlog.error.repeated': true },
    })
    expect(tool?.attributes).not.toHaveProperty('turnlog.abandoned')
    expect(error?.spanId).toBe(tool?.spanId)
    expect(rows).toEqual(['exception'])
  },
)

test('a tool that is run where nothing shows it has no error of its own', async () => {
  const { rows, tool } = await brokenIn('by hand')
  expect(tool?.attributes).not.toHaveProperty('error.type')
  expect(tool?.attributes['turnlog.tool_call.unfinished']).toBe(true)
  expect(rows).toEqual(['exception'])
})

test('if the process is killed in it, its abandoned turn is the only error, and the only turn', async () => {
  const { rows, spans, tool } = await brokenIn('sdk', { KILLS: '1' })
  expect(tool?.attributes).toMatchObject({
    'turnlog.abandoned': true,
    'turnlog.error.repeated': true,
  })
  const outcomes = spans.flatMap(({ attributes }) => attributes['turnlog.turn.outcome'] ?? [])
  expect(outcomes).toEqual(['abandoned'])
  const agent = spans.find(({ name }) => name === 'anthropic.messages.tool_runner')
  expect(agent?.attributes['turnlog.agent.in_turn']).toBe(true)
  expect(rows).toEqual(['turn'])
})
