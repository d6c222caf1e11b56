/** What ends the process in the middle of an answer is one error, or none. */
import { expect, test } from 'vitest'
import { isTurn } from '../support/chat.ts'
import { errorRows } from '../support/error-rows.ts'
import { startMessagesApi } from '../support/messages-api.ts'
import { runProgram } from '../support/observed-program.ts'
import { readRecorded } from '../support/recorded.ts'
import { makeWorkspace } from '../support/workspace.ts'

const never = new Promise(() => undefined)

async function endedBy(env: Readonly<Record<string, string>>) {
  await using api = await startMessagesApi(() =>
    env.AT === 'tool'
      ? { tools: [{ id: 'a', name: 'work', input: {} }] }
      : { text: 'The first half', until: never },
  )
  using workspace = makeWorkspace()
  await runProgram('stopped-agent.ts', {
    cwd: workspace.folder,
    spool: workspace.spool,
    env: { API: api.url, AT: 'call', ...env },
  })
  const recorded = readRecorded(workspace.spool)
  return {
    ...recorded,
    rows: errorRows(recorded),
    turn: recorded.spans.find(isTurn),
    call: recorded.spans.find(({ attributes }) => attributes['gen_ai.operation.name'] === 'chat'),
  }
}

const ends = [
  ['an exception', { THROWS: '1' }, ['exception']],
  ['its exit code', { EXIT: '3' }, ['turn']],
  ['a signal that it handles', { SIGNAL: 'SIGTERM', EXIT: '1' }, []],
  // Without a server, that is its user.
  ['an exit with 0', { EXIT: '0' }, []],
] as const
const places = [{}, { CLIENT: 'sdk' }, { WAY: 'server' }]

test.for(
  ends.flatMap(([how, env, rows]) =>
    places.flatMap((place) =>
      'WAY' in place && rows.length === 0 && !('SIGNAL' in env)
        ? []
        : [{ how, env: { ...env, ...place }, rows }],
    ),
  ),
)(
  'an app that is ended in mid answer by $how ($env) has the errors $rows',
  async ({ env, rows }) => {
    const { rows: found, turn, call } = await endedBy(env)
    expect(found).toEqual(rows)
    expect(call?.attributes).toMatchObject({ 'turnlog.aborted': true })
    expect(call?.attributes).not.toHaveProperty('error.type')
    expect(call?.attributes).not.toHaveProperty('gen_ai.response.finish_reasons')
    expect(call?.attributes).not.toHaveProperty('turnlog.abandoned')
    expect(call?.traceId).toBe(turn?.traceId)
    expect(JSON.parse(String(call?.attributes['gen_ai.output.messages']))).toEqual([
      {
        role: 'assistant',
        parts: [{ type: 'text', content: 'The fir' }],
        finish_reason: 'unknown',
      },
    ])
  },
)

test('the exception that ends an app in mid answer is linked to its turn', async () => {
  const { logs, turn } = await endedBy({ THROWS: '1' })
  const error = logs.find(({ event }) => event === 'exception')
  expect(error?.traceId).toBe(turn?.traceId)
  expect(turn?.attributes).toMatchObject({
    'error.type': 'TypeError',
    'turnlog.error.repeated': true,
    'turnlog.turn.outcome': 'failed',
  })
})

test.for([
  ['answers', { AT: 'call' }],
  ['answers, by its SDK', { AT: 'call', CLIENT: 'sdk' }],
  ['has asked for a tool', { AT: 'tool' }],
] as const)(
  'an app that a signal kills while the model %s has one error: its abandoned turn',
  async ([, env]) => {
    const { rows, turn, call } = await endedBy({ ...env, SIGNAL: 'SIGTERM', HANDLES: '0' })
    expect(rows).toEqual(['turn'])
    expect(turn?.attributes['turnlog.turn.outcome']).toBe('abandoned')
    expect(call).toMatchObject({ traceId: turn?.traceId, parentSpanId: turn?.spanId })
  },
)
