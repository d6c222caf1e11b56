/** A user who stops an agent in the middle of a turn has aborted that turn; the app has not failed. */
import { expect, test } from 'vitest'
import { isTurn } from '../support/chat.ts'
import { startMessagesApi } from '../support/messages-api.ts'
import { runProgram } from '../support/observed-program.ts'
import { readRecorded } from '../support/recorded.ts'
import { makeWorkspace } from '../support/workspace.ts'

const interrupted = {
  'turnlog.turn.outcome': 'aborted',
  'turnlog.process.signal': 'SIGINT',
}
const never = new Promise(() => undefined)

/** Runs it with and without the preload, and expects the same. */
async function turnOf(env: Readonly<Record<string, string>>) {
  await using api = await startMessagesApi(() =>
    env.AT === 'tool'
      ? { tools: [{ id: 'a', name: 'work', input: {} }] }
      : { text: 'An answer.', ...(env.AT === 'call' ? { until: never } : {}) },
  )
  using workspace = makeWorkspace()
  const options = { cwd: workspace.folder, env: { API: api.url, ...env } }
  const program = 'stopped-agent.ts'
  const plain = await runProgram(program, options)
  const outcome = await runProgram(program, { ...options, spool: workspace.spool })
  expect({ ...outcome, pid: 0 }).toEqual({ ...plain, pid: 0 })
  const { spans } = readRecorded(workspace.spool)
  const turns = spans.filter(isTurn)
  expect(turns.length).toBeLessThanOrEqual(1)
  return { outcome, turn: turns[0] }
}

test.for([
  ['130 while the model answers', { AT: 'call', EXIT: '130' }],
  ['0 while the model answers', { AT: 'call', EXIT: '0' }],
  ['1 while the model answers', { AT: 'call', EXIT: '1' }],
  ['130 while a tool runs', { AT: 'tool', EXIT: '130' }],
  ['0 while a tool runs', { AT: 'tool', EXIT: '0' }],
] as const)('an agent that exits with %s, in its handler of SIGINT', async ([, env]) => {
  const { outcome, turn } = await turnOf({ ...env, SIGNAL: 'SIGINT' })
  expect(outcome.code).toBe(Number(env.EXIT))
  expect(turn?.attributes).toMatchObject({ ...interrupted, 'process.exit.code': Number(env.EXIT) })
  expect(turn?.attributes).not.toHaveProperty('error.type')
  expect(turn?.status).not.toBe(2)
})

test('an agent that reads the keys itself, and exits with 130', async () => {
  const { turn } = await turnOf({ AT: 'call', EXIT: '130' })
  expect(turn?.attributes).toMatchObject(interrupted)
})

test('an agent that reads the keys itself, and exits with 0 while the model answers', async () => {
  const { turn } = await turnOf({ AT: 'call', EXIT: '0' })
  expect(turn?.attributes).toMatchObject({ 'turnlog.turn.outcome': 'aborted' })
  expect(turn?.attributes).not.toHaveProperty('turnlog.process.signal')
})

test('a turn that was answered when the signal came is completed', async () => {
  const { turn } = await turnOf({ AT: 'answer', EXIT: '130', SIGNAL: 'SIGINT' })
  expect(turn?.attributes).toMatchObject({ 'turnlog.turn.outcome': 'completed' })
})

test('a server that is told to end while a model answers', async () => {
  const { turn } = await turnOf({ AT: 'call', EXIT: '0', SIGNAL: 'SIGTERM', WAY: 'server' })
  expect(turn?.attributes).toMatchObject({
    'turnlog.turn.outcome': 'aborted',
    'turnlog.process.signal': 'SIGTERM',
  })
})

test('an agent that exits with 1, without a signal, has failed', async () => {
  const { turn } = await turnOf({ AT: 'call', EXIT: '1' })
  expect(turn).toMatchObject({ status: 2, attributes: { 'turnlog.turn.outcome': 'failed' } })
})

test('a signal that an agent does not handle ends it as without the preload; its turn is open then', async () => {
  const { outcome, turn } = await turnOf({ AT: 'call', HANDLES: '0', SIGNAL: 'SIGINT' })
  expect(outcome).toMatchObject({ code: null, signal: 'SIGINT' })
  expect(turn?.attributes['turnlog.turn.outcome']).not.toBe('failed')
})
