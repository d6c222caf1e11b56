/** The model's server works in the background: the call has the answer that the app asks for later, and those requests are no calls. */
import { describe, expect, test } from 'vitest'
import { isTurn, textOf, turnTrees } from '../support/chat.ts'
import { runProgram } from '../support/observed-program.ts'
import { readRecorded } from '../support/recorded.ts'
import {
  functionCall,
  message,
  type ResponsesAnswer,
  type ResponsesRequest,
  startResponsesApi,
} from '../support/responses-api.ts'
import { makeWorkspace } from '../support/workspace.ts'

const write = functionCall('call_1', 'write_file', { path: 'file.txt' })

async function run(
  WAY: string,
  answer: (request: ResponsesRequest) => ResponsesAnswer,
  env: { readonly TRACED?: '1' } = {},
) {
  await using api = await startResponsesApi(answer)
  using workspace = makeWorkspace()
  const { folder, spool } = workspace
  const options = { cwd: folder, spool, env: { API: api.url, WAY, ...env } }
  const outcome = await runProgram('background-host.ts', options)
  const recorded = readRecorded(spool)
  const calls = recorded.spans
    .filter(({ kind }) => kind === 3)
    .toSorted((a, b) => a.startMs - b.startMs)
  return { outcome, recorded, calls, turn: recorded.spans.find(isTurn) }
}

/** Queued, in progress, and then completed. */
function inSteps({ method, path }: ResponsesRequest): ResponsesAnswer {
  if (method === 'POST') return { status: 'queued' }
  const count = (polls.get(path) ?? 0) + 1
  polls.set(path, count)
  if (count < 3) return { status: 'in_progress' }
  return { output: path.includes('resp_1') ? [write] : [message('Done.')] }
}

const polls = new Map<string, number>()

/** The connection breaks, and the app asks for the rest. */
function inPieces({ method, input = [] }: ResponsesRequest): ResponsesAnswer {
  if (input[0]?.type === 'function_call_output') return { output: [message('Done.')] }
  return method === 'POST' ? { breaks: true } : { output: [write] }
}

const tree = 'turn\n  chat\n  execute_tool write_file\n    file.create file.txt\n  chat'
const whole = {
  'gen_ai.usage.input_tokens': 10,
  'gen_ai.usage.cache_read.input_tokens': 4,
  'gen_ai.usage.reasoning.output_tokens': 2,
  'gen_ai.response.finish_reasons': ['completed'],
}

describe.each([
  ['without spans of its own', {}],
  ['that traces itself', { TRACED: '1' }],
] as const)('of an SDK %s', (_, env) => {
  test.for([
    ['poll', inSteps],
    ['resume', inPieces],
  ] as const)('the answer is the one that came later (%s)', async ([WAY, answer]) => {
    polls.clear()
    const { outcome, recorded, calls, turn } = await run(WAY, answer, env)
    expect(outcome).toMatchObject({ stdout: 'Done.\n', stderr: '', code: 0 })
    expect(turnTrees(recorded)).toEqual([tree])
    expect(calls).toMatchObject([
      { status: 0, attributes: whole },
      { status: 0, attributes: whole },
    ])
    expect(calls[0]?.attributes['gen_ai.input.messages']).toContain('Think hard')
    expect(calls[0]?.attributes['gen_ai.output.messages']).toContain('write_file')
    expect(calls[0]?.attributes).not.toHaveProperty('turnlog.model_call.attempt')
    expect(textOf(turn, 'gen_ai.output.messages')).toBe('Done.')
    expect(turn?.attributes).toMatchObject({
      'turnlog.turn.outcome': 'completed',
      'gen_ai.usage.input_tokens': 20,
    })
  })

  test('an answer that nobody asks for is unknown, and no failure', async () => {
    const { recorded, calls, turn } = await run('never', () => ({ status: 'queued' }), env)
    expect(turnTrees(recorded)).toEqual(['turn\n  chat'])
    expect(calls).toMatchObject([{ status: 0 }])
    expect(calls[0]?.attributes).not.toHaveProperty('error.type')
    expect(calls[0]?.attributes).not.toHaveProperty('gen_ai.output.messages')
    expect(calls[0]?.attributes).not.toHaveProperty('gen_ai.usage.input_tokens')
    expect(turn?.attributes['turnlog.turn.outcome']).toBe('completed')
    expect(recorded.logs.filter(({ event }) => event === 'exception')).toEqual([])
  })

  test('a call that is cancelled says so', async () => {
    const answer = ({ path }: ResponsesRequest): ResponsesAnswer => ({
      status: path.includes('/cancel') ? 'cancelled' : 'queued',
    })
    const { calls, turn } = await run('cancel', answer, env)
    expect(calls).toHaveLength(1)
    expect(calls[0]?.attributes).not.toHaveProperty('error.type')
    expect(calls[0]?.attributes['gen_ai.response.finish_reasons']).toEqual(['cancelled'])
    expect(turn?.attributes['turnlog.turn.outcome']).toBe('completed')
  })

  test('a call that fails in the background has failed', async () => {
    const error = { code: 'server_error', message: 'It broke.' }
    const answer = ({ method }: ResponsesRequest): ResponsesAnswer =>
      method === 'POST' ? { status: 'queued' } : { status: 'failed', members: { error } }
    const { calls, turn } = await run('poll', answer, env)
    expect(calls).toMatchObject([{ status: 2, attributes: { 'error.type': 'server_error' } }])
    expect(turn?.attributes['turnlog.turn.outcome']).toBe('failed')
  })
})
