/** Every address is answered in the API's own JSON, never with 500. Prints its seed when it fails. */
import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openRandom, type Random } from '../../../test/support/random.ts'
import { request, traceId } from './golden-trace.ts'
import { openStage, type Stage } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
  await stage.land(request)
})
afterAll(() => stage[Symbol.asyncDispose]())

const paths = [
  '/api/services',
  '/api/services/',
  '/api/services/*/operations',
  '/api/services/*',
  '/api/operations',
  '/api/traces',
  '/api/traces/*',
  '/api/dependencies',
  '/api/v3/services',
  '/api/v3/operations',
  '/api/v3/traces',
  '/api/v3/traces/*',
  '/api/v3/trace-summaries',
  '/api/v3/dependencies',
]

const names = [
  ...[
    'service',
    'operation',
    'spanKind',
    'tags',
    'tag',
    'start',
    'end',
    'minDuration',
    'maxDuration',
  ],
  ...[
    'limit',
    'lookback',
    'traceID',
    'raw',
    'prettyPrint',
    'endTs',
    'maxAttributeBytes',
    'startTime',
  ],
  ...['endTime', 'rawTraces', 'span_kind', 'constructor', '__proto__', ''],
  ...[
    'serviceName',
    'operationName',
    'attributes',
    'startTimeMin',
    'startTimeMax',
    'durationMin',
  ].map((name) => `query.${name}`),
  ...['durationMax', 'searchDepth', 'rawTraces', 'num_traces'].map((name) => `query.${name}`),
]

const values = [
  ...[
    '',
    '0',
    '1',
    '-1',
    '20',
    '1.5',
    '1e9',
    'NaN',
    'true',
    'false',
    'null',
    'example',
    'other/service',
  ],
  ...[
    '2026-07-31T00:00:00Z',
    '0001-01-01T00:00:00Z',
    '9999-12-31T23:59:59.999999999Z',
    '2026-07-31',
  ],
  ...['1s', '-1s', '0s', '9999999h', '1ns', 'server', 'unspecified', 'unknown_service'],
  ...['9223372036854775807', '-9223372036854775808', '99999999999999999999', '1785495600000000'],
  ...[
    '{}',
    '{"error":"true"}',
    '{"a":1}',
    '{"a":{"b":[]}}',
    '{"a":"[1e999999]"}',
    '{"a":"[1]"}',
    '[1]',
  ],
  ...[
    '{"a\\u0000":"\\u0000"}',
    '{"\\ud800":"\\udc00x"}',
    '{"__proto__":"x"}',
    '{"a":"1e400"}',
    'a:b',
    ':',
  ],
  ...[
    `{"a":${JSON.stringify('['.repeat(5_000))}}`,
    `{"a":${JSON.stringify(`${'['.repeat(3_000)}${']'.repeat(3_000)}`)}}`,
  ],
  ...[
    '\0',
    'a\0b',
    "' or 1=1 --",
    '%',
    '%s',
    '\\',
    '..',
    '../..',
    '😀',
    '\u202e',
    'x'.repeat(3_000),
  ],
  ...[traceId, traceId.slice(20), 'AAAAAAAAAAAAAAAAAAAAAQ==', '/', '//', '{id}'],
]

/** Sends raw bytes: `fetch` would repair a malformed address. */
function get(path: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(stage.receiver.url)
    const headers = { authorization: `Bearer ${stage.token}` }
    const sent = httpRequest({ hostname, port, path, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (piece) => {
        text += piece
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end()
  })
}

function escaped(text: string, { pick }: Random): string {
  const whole = encodeURIComponent(text.toWellFormed())
  // Half of them less carefully, as clients do; some so that it is no escape at all.
  return pick([whole, whole, whole.replaceAll('%2F', '/'), `${whole}%`, `%zz${whole}`])
}

function address(dice: Random): string {
  const { below, pick } = dice
  const path = pick(paths).replace('*', () => escaped(pick(values), dice).slice(0, 4_000))
  const parameters = Array.from({ length: below(7) }, () => {
    const name = below(12) === 0 ? pick(values).slice(0, 20) : pick(names)
    return `${escaped(name, dice)}=${escaped(pick(values), dice)}`
  })
  return `${path}?${parameters.join(pick(['&', '&', '&', '&&', ';']))}`.slice(0, 12_000)
}

const allowed = [200, 400, 404]

test('two thousand random addresses are 200, 400 or 404, in JSON', async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)
  const dice = openRandom(seed)
  const counts = new Map<number, number>()
  for (let round = 0; round < 2_000; round += 1) {
    const path = address(dice)
    const { status, text } = await get(path)
    counts.set(status, (counts.get(status) ?? 0) + 1)
    const context = `SEED=${seed} ${path}: ${text.slice(0, 300)}`
    expect(allowed, context).toContain(status)
    expect(() => JSON.parse(text), context).not.toThrow()
  }
  // Were all of them refused, it would say little.
  expect(counts.get(200) ?? 0, `SEED=${seed}`).toBeGreaterThan(200)
})

test('addresses that are not valid text are answered', async () => {
  for (const path of [
    '/api/traces/%ff%fe',
    '/api/services/%00/operations',
    '/api/traces?service=%ff&tags=%7b',
    '/api/traces/%',
  ]) {
    expect([path, allowed.includes((await get(path)).status)]).toEqual([path, true])
  }
})
