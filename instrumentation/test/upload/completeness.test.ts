import { expect, test } from 'vitest'
import { createCompletenessTransport, parseCompleteness } from '../../src/upload/completeness.ts'
import { type Answer, startReceiver, status } from './receiver.ts'

const recorder = {
  recorder: 'r',
  recorded: 9,
  landed: [
    [4, 6],
    [1, 2],
  ],
  rejected: [[3, 3]],
  dropped: [[8, 8]],
  missing: [[7, 7]],
}
const question = { recorders: [{ recorder: 'r', from: 1 }], contents: [] }

test('landed and rejected are settled, dropped is apart, and an answer that is not cut is complete', () => {
  const answer = parseCompleteness(
    JSON.stringify({ recorders: [recorder], missing_contents: ['2026-11-23/ab'], later: 1 }),
  )
  expect(answer?.recorders.get('r')).toEqual({
    settled: [[1, 6]],
    dropped: [[8, 8]],
    through: Number.POSITIVE_INFINITY,
  })
  expect([...(answer?.missingContents ?? [])]).toEqual(['2026-11-23/ab'])
})

test('an answer that is cut counts up to its last sequence', () => {
  const body = JSON.stringify({ recorders: [{ ...recorder, through: 5 }], missing_contents: [] })
  expect(parseCompleteness(body)?.recorders.get('r')?.through).toBe(5)
})

test.each([
  ['nothing', undefined],
  ['an empty body', ''],
  ['a login page', '<!doctype html><title>Please sign in</title>'],
  ['an OTLP answer', '{}'],
  ['null', 'null'],
  ['an array', '[]'],
  ['no recorders', '{"missing_contents":[]}'],
  ['no contents', '{"recorders":[]}'],
  ['contents that are none', '{"recorders":[],"missing_contents":[1]}'],
  ['a recorder that is none', '{"recorders":[null],"missing_contents":[]}'],
  ['a recorder without a name', JSON.stringify({ recorders: [{ ...recorder, recorder: 1 }] })],
  ['ranges that are none', all({ landed: [[1]] })],
  ['ranges the wrong way round', all({ landed: [[5, 1]] })],
  ['ranges in words', all({ dropped: [['1', '2']] })],
  ['missing ranges', all({ rejected: undefined })],
  ['a cut that is none', all({ through: 'x' })],
])('%s is no answer about completeness', (_name, body) => {
  expect(parseCompleteness(body)).toBeUndefined()
})

function all(changes: object): string {
  return JSON.stringify({ recorders: [{ ...recorder, ...changes }], missing_contents: [] })
}

async function ask(answer: Answer, options: { token?: string; timeoutMs?: number } = {}) {
  await using receiver = await startReceiver(answer)
  const { token = 'a-secret', ...rest } = options
  const transport = createCompletenessTransport({
    baseUrl: receiver.url,
    token: () => token,
    ...rest,
  })
  try {
    const contents = [`2026-11-23/${'a'.repeat(64)}`]
    const result = await transport.ask({
      recorders: [{ recorder: 'a b&c', from: 7 }],
      contents,
    })
    return { result, received: receiver.received }
  } finally {
    transport.close()
  }
}

test('a question is one GET with the token, with every name escaped', async () => {
  const body = JSON.stringify({ recorders: [], missing_contents: [] })
  const { result, received } = await ask(status(200, body))
  expect(result).toMatchObject({ status: 'answered' })
  expect(received).toMatchObject([
    {
      method: 'GET',
      url: `/api/v1/completeness?recorder=a%20b%26c&from=7&content=2026-11-23/${'a'.repeat(64)}`,
      headers: { authorization: 'Bearer a-secret', accept: 'application/json' },
    },
  ])
})

test.each([
  [200, '<html>', 'retry', 'HTTP 200 without an answer about completeness'],
  [204, '', 'retry', 'HTTP 204 without an answer about completeness'],
  [
    401,
    '{"code":16,"message":"The token is unknown."}',
    'unauthorized',
    'HTTP 401: The token is unknown.',
  ],
  [403, '', 'unauthorized', 'HTTP 403'],
  [
    404,
    '{"code":5,"message":"There is nothing at this path."}',
    'unsupported',
    'HTTP 404: There is nothing at this path.',
  ],
  [405, '', 'unsupported', 'HTTP 405'],
  [301, '', 'unsupported', 'HTTP 301'],
  [400, '{"message":"At most 100 recorders."}', 'unsupported', 'HTTP 400: At most 100 recorders.'],
  [414, '', 'unsupported', 'HTTP 414'],
  [431, '', 'unsupported', 'HTTP 431'],
  [429, '', 'retry', 'HTTP 429'],
  [500, '', 'retry', 'HTTP 500'],
  [502, '<html>', 'retry', 'HTTP 502'],
])('%s %s is %s', async (code, body, meaning, reason) => {
  const { result } = await ask(status(code, body, { location: 'http://127.0.0.1:1/elsewhere' }))
  expect(result).toMatchObject({ status: meaning, reason })
})

test('503 waits for the time that it names', async () => {
  const { result } = await ask(status(503, '', { 'retry-after': '7' }))
  expect(result).toEqual({ status: 'retry', reason: 'HTTP 503', afterMs: 7_000 })
})

test('an endless answer and a missing answer both end at their limits', async () => {
  const endless: Answer = (_, response) => {
    response.writeHead(200)
    const chunk = Buffer.alloc(1024 ** 2, 'x')
    const write = () => {
      while (!response.destroyed && response.write(chunk)) {
        // Until the socket is full.
      }
    }
    response.on('drain', write)
    write()
  }
  expect((await ask(endless)).result).toMatchObject({
    status: 'retry',
    reason: 'HTTP 200 without an answer about completeness',
  })
  const { result } = await ask(() => undefined, { timeoutMs: 50 })
  expect(result).toEqual({ status: 'retry', reason: 'no answer within 50 ms' })
})

test('a refused connection is reported by its code, and a token that HTTP does not allow is not repeated', async () => {
  const gone = await startReceiver()
  await gone.stop()
  const transport = createCompletenessTransport({ baseUrl: gone.url, token: () => 'a-secret' })
  expect(await transport.ask(question)).toEqual({ status: 'retry', reason: 'ECONNREFUSED' })
  const { result } = await ask(status(200), { token: 'a-secret\nwith a line end' })
  expect(result).toEqual({ status: 'retry', reason: 'ERR_INVALID_CHAR' })
})
