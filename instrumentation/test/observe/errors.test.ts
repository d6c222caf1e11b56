import { expect, test } from 'vitest'
import { isTurn, startChat } from '../support/chat.ts'
import { runProgram } from '../support/observed-program.ts'
import { readRecorded } from '../support/recorded.ts'
import { makeWorkspace } from '../support/workspace.ts'

const origin = 'turnlog.error.origin'

async function errorsOf(program: string) {
  using workspace = makeWorkspace()
  await runProgram(`differential/${program}`, { cwd: workspace.folder, spool: workspace.spool })
  const recorded = readRecorded(workspace.spool)
  return { ...recorded, errors: recorded.logs.filter(({ event }) => event === 'exception') }
}

test('the error that ends the app is recorded, and its exit code', async () => {
  const { errors, logs } = await errorsOf('throws-in-request.ts')
  expect(errors).toHaveLength(1)
  expect(errors[0]?.attributes).toMatchObject({
    [origin]: 'uncaught_exception',
    'exception.type': 'Error',
    'exception.message': 'thrown in /here',
  })
  expect(errors[0]?.attributes['exception.stacktrace']).not.toContain('instrumentation/src/')
  const end = logs.find(({ event }) => event === 'session.end')
  expect(end?.attributes['turnlog.exit_code']).toBe(1)
})

test('an unhandled rejection is recorded as such, whatever was thrown', async () => {
  const { errors } = await errorsOf('rejects.ts')
  expect(errors[0]?.attributes).toMatchObject({
    [origin]: 'unhandled_rejection',
    'exception.type': 'RangeError',
    'exception.message': 'rejected',
  })
  expect((await errorsOf('rejects-value.ts')).errors).toHaveLength(1)
})

test('errors that the app handles itself are recorded, with the turn they came from', async () => {
  const { errors, spans } = await errorsOf('handles-errors.ts')
  const turn = spans.find(isTurn)
  expect(
    errors.map(({ attributes }) => [attributes[origin], attributes['exception.message']]),
  ).toEqual([
    ['unhandled_rejection', 'late'],
    ['uncaught_exception', 'in a timer'],
  ])
  for (const error of errors) expect(error.traceId).toBe(turn?.traceId)
})

test("an error of a fastify route is recorded as the framework's", async () => {
  await using chat = await startChat({ server: 'fastify', answer: () => ({ text: 'x' }) })
  expect((await fetch(`http://${chat.address}/boom`)).status).toBe(500)
  const { logs } = await chat.recorded()
  expect(logs.find(({ event }) => event === 'exception')?.attributes).toMatchObject({
    [origin]: 'framework',
    'exception.message': 'boom of a route',
  })
})

test.for<[string, number, Readonly<Record<string, string>>]>([
  ['exits', 3, { 'error.type': 'process_exit' }],
  ['throws', 1, { 'error.type': 'TypeError' }],
  ['rejects', 1, { 'error.type': 'RangeError' }],
  ['throws elsewhere', 1, { 'error.type': 'TypeError' }],
])(
  'a turn in which the app %s has failed, with the exit code %d',
  async ([how, code, attributes]) => {
    await using chat = await startChat({
      program: 'ends-in-turn.ts',
      answer: () => ({ text: 'An answer.' }),
    })
    await chat.post(how).catch(() => undefined)
    expect((await chat.host.ended()).code).toBe(code)
    const { spans, logs } = readRecorded(chat.workspace.spool)
    const turn = spans.find(isTurn)
    expect(turn).toMatchObject({
      status: 2,
      attributes: { 'turnlog.turn.outcome': 'failed', 'process.exit.code': code, ...attributes },
    })
    expect(turn?.attributes).not.toHaveProperty('turnlog.abandoned')
    const errors = logs.filter(({ event }) => event === 'exception')
    expect(errors.map(({ traceId }) => traceId)).toEqual(how === 'exits' ? [] : [turn?.traceId])
    // The exception counts as the error, and the turn does not.
    expect(turn?.attributes['turnlog.error.repeated']).toBe(how === 'exits' ? undefined : true)
  },
)

test.for([
  ['passes', true],
  ['throws', undefined],
] as const)(
  'an exception after a model call that failed is no second error if it %s that on',
  async ([how, isRepeated]) => {
    await using chat = await startChat({
      program: 'ends-in-turn.ts',
      answer: () => ({ status: 400 }),
    })
    await chat.post(how).catch(() => undefined)
    expect((await chat.host.ended()).code).toBe(1)
    const { logs } = readRecorded(chat.workspace.spool)
    const [error] = logs.filter(({ event }) => event === 'exception')
    expect(error?.attributes['turnlog.error.repeated']).toBe(isRepeated)
  },
)

test('an exception outside of all requests is linked to no turn if several are open', async () => {
  await using chat = await startChat({
    program: 'ends-in-turn.ts',
    answer: () => ({ text: 'An answer.' }),
  })
  const waiting = chat.post('waits').catch(() => undefined)
  await expect.poll(() => chat.api.requests.length).toBe(1)
  await chat.post('throws elsewhere').catch(() => undefined)
  await waiting
  await chat.host.ended()
  const { spans, logs } = readRecorded(chat.workspace.spool)
  const turns = spans.filter(isTurn)
  expect(turns.map(({ attributes }) => attributes['error.type'])).toEqual([
    'TypeError',
    'TypeError',
  ])
  const [error] = logs.filter(({ event }) => event === 'exception')
  expect(error?.traceId).toBe('')
})
