import { createHash, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type Attributes,
  log,
  logsRequest,
  nanoseconds,
  post,
  span,
  traceRequest,
} from '../../../test/support/otlp.ts'
import { cloneDatabase, type TestDatabase } from '../../../test/support/postgres.ts'
import { startReceiver, type TestReceiver, withReceiver } from '../../../test/support/receiver.ts'
import { rangesMax } from '../../src/storage/queries/completeness-of-recorders.ts'

let database: TestDatabase
let receiver: TestReceiver
beforeAll(async () => {
  database = await cloneDatabase()
  receiver = await startReceiver({ database })
})
afterAll(async () => {
  await receiver.close()
  await database[Symbol.asyncDispose]()
})

interface Asked {
  readonly token?: string
  readonly headers?: Record<string, string>
}

async function ask(query: string, { token = receiver.token, headers }: Asked = {}) {
  const answer = await fetch(`${receiver.url}/api/v1/completeness?${query}`, {
    headers: headers ?? { authorization: `Bearer ${token}` },
  })
  return { status: answer.status, headers: answer.headers, body: await answer.json() }
}

/** Lands spans with these sequences; in separate requests when their ranges must not be joined. */
async function landed(
  recorder: string,
  sequences: readonly number[],
  options: { readonly resource?: Attributes; readonly token?: string } = {},
): Promise<void> {
  const { resource = {}, token = receiver.token } = options
  const spans = sequences.map((sequence) => span({ 'turnlog.sequence': sequence }))
  const request = traceRequest(spans, { 'service.instance.id': recorder, ...resource })
  expect((await post({ url: receiver.url, token }, 'traces', request)).status).toBe(200)
}

async function dropped(recorder: string, sequence: number, [first, last]: [number, number]) {
  const attributes = {
    'turnlog.sequence': sequence,
    'turnlog.drop.first_sequence': first,
    'turnlog.drop.last_sequence': last,
    'turnlog.drop.reason': 'journal_corrupt',
  }
  const record = log(attributes, { eventName: 'turnlog.records.dropped' })
  await post(receiver, 'logs', logsRequest([record], { 'service.instance.id': recorder }))
}

const nothing = { recorded: null, landed: [], rejected: [], dropped: [], missing: [] }

test('a recorder’s ranges are those of the ledger, and the ranges of two states never overlap', async () => {
  const recorder = randomUUID()
  await landed(recorder, [1, 2, 3, 6], {
    resource: { 'turnlog.recorder.recorded_through': 12 },
  })
  const old = span({ 'turnlog.sequence': 8 }, { startTimeUnixNano: '1' })
  await post(receiver, 'traces', traceRequest([old], { 'service.instance.id': recorder }))
  await dropped(recorder, 11, [3, 5])
  const { status, body, headers } = await ask(`recorder=${recorder}`)
  expect([status, headers.get('cache-control')]).toEqual([200, 'no-store'])
  expect(body).toEqual({
    recorders: [
      {
        recorder,
        recorded: 12,
        landed: [
          [1, 3],
          [6, 6],
          [11, 11],
        ],
        rejected: [[8, 8]],
        dropped: [[4, 5]],
        missing: [
          [7, 7],
          [9, 10],
          [12, 12],
        ],
      },
    ],
    missing_contents: [],
  })
})

test('many recorders are answered in the order of the request, unknown ones as empty', async () => {
  const [one, two, unknown] = [randomUUID(), randomUUID(), randomUUID()]
  await landed(one, [1])
  await landed(two, [1, 2])
  const { body } = await ask(`recorder=${two}&recorder=${unknown}&recorder=${one}&recorder=${two}`)
  expect(body.recorders).toEqual([
    { ...nothing, recorder: two, recorded: 2, landed: [[1, 2]] },
    { ...nothing, recorder: unknown },
    { ...nothing, recorder: one, recorded: 1, landed: [[1, 1]] },
  ])
})

test('`from` leaves out what is before it', async () => {
  const recorder = randomUUID()
  await landed(recorder, [1, 2, 5])
  const { body } = await ask(`recorder=${recorder}&from=2`)
  expect(body.recorders[0]).toMatchObject({
    recorded: 5,
    landed: [
      [2, 2],
      [5, 5],
    ],
    missing: [[3, 4]],
  })
})

test('a ledger with many gaps is answered in parts, each with the sequence through which it is complete', async () => {
  const recorder = randomUUID()
  const every = Array.from({ length: rangesMax + 10 }, (_, n) => 2 * n + 1)
  await landed(recorder, every)
  const { body } = await ask(`recorder=${recorder}`)
  const [first] = body.recorders
  expect(first.through).toBe(2 * rangesMax - 1)
  expect(first.landed).toHaveLength(rangesMax)
  expect(first.landed.at(-1)).toEqual([first.through, first.through])
  expect(first.missing.at(-1)).toEqual([first.through - 1, first.through - 1])
  const next = await ask(`recorder=${recorder}&from=${first.through + 1}`)
  expect(next.body.recorders[0].landed).toHaveLength(10)
  expect(next.body.recorders[0]).not.toHaveProperty('through')
})

test('a user’s token sees that user’s recorders; a gateway, a reader and an admin see the team’s', async () => {
  const recorder = randomUUID()
  const other = await receiver.newToken({ user: 'jan' })
  await landed(recorder, [1], { token: other })
  const seen = { ...nothing, recorder, recorded: 1, landed: [[1, 1]] }
  expect((await ask(`recorder=${recorder}`)).body.recorders).toEqual([{ ...nothing, recorder }])
  for (const scope of ['gateway', 'read', 'admin'] as const) {
    const token = await receiver.newToken({ user: 'ops', scope })
    expect((await ask(`recorder=${recorder}`, { token })).body.recorders).toEqual([seen])
  }
  expect((await ask(`recorder=${recorder}`, { token: other })).body.recorders).toEqual([seen])
})

test('records that a gateway lands for a user are visible to that user’s token', async () => {
  const recorder = randomUUID()
  const gateway = await receiver.newToken({ user: 'gateway', scope: 'gateway' })
  await landed(recorder, [1], { token: gateway, resource: { 'user.id': 'mara' } })
  expect((await ask(`recorder=${recorder}`)).body.recorders[0].landed).toEqual([[1, 1]])
})

test('a content is missing until it lands with the day that was asked for', async () => {
  const text = `content ${randomUUID()} ${'x'.repeat(10_000)}`
  const sha256 = createHash('sha256').update(text).digest('hex')
  const today = new Date().toISOString().slice(0, 10)
  const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10)
  const query = `content=${today}/${sha256}&content=${yesterday}/${sha256}`
  expect((await ask(query)).body).toEqual({
    recorders: [],
    missing_contents: [`${yesterday}/${sha256}`, `${today}/${sha256}`],
  })
  const noon = nanoseconds(new Date(`${today}T00:00:01Z`))
  const record = span(
    { 'turnlog.file_operation.after': text },
    { startTimeUnixNano: noon, endTimeUnixNano: noon },
  )
  await post(receiver, 'traces', traceRequest([record]))
  const [row] = await database.query('select count(*) as n from contents where sha256 = $1', [
    `\\x${sha256}`,
  ])
  expect(row).toEqual({ n: 1 })
  expect((await ask(query)).body.missing_contents).toEqual([`${yesterday}/${sha256}`])
})

test('a content that arrives in parts is missing until its last part lands', async () => {
  const parts = ['first ', randomUUID()]
  const text = parts.join('')
  const sha256 = createHash('sha256').update(text).digest('hex')
  const today = new Date().toISOString().slice(0, 10)
  const send = async (n: number): Promise<void> => {
    const attributes = {
      'turnlog.content.sha256': `sha256:${sha256}`,
      'turnlog.content.size': Buffer.byteLength(text),
      'turnlog.content.media_type': 'text/plain; charset=utf-8',
      'turnlog.content.part': n,
      'turnlog.content.parts': parts.length,
    }
    const record = log(attributes, {
      eventName: 'turnlog.content',
      timeUnixNano: nanoseconds(new Date(`${today}T00:00:01Z`)),
      body: { stringValue: parts[n - 1] },
    })
    const answer = await post(receiver, 'logs', logsRequest([record]))
    expect([answer.status, await answer.text()]).toEqual([200, '{}'])
  }
  const missing = async () => (await ask(`content=${today}/${sha256}`)).body.missing_contents
  expect(await missing()).toEqual([`${today}/${sha256}`])
  await send(2)
  expect(await missing()).toEqual([`${today}/${sha256}`])
  await send(1)
  expect(await missing()).toEqual([])
})

test('a content of a day that has expired is not missing', async () => {
  const sha256 = 'a'.repeat(64)
  const { body } = await ask(`content=2020-02-29/${sha256}`)
  expect(body.missing_contents).toEqual([])
})

const hex = 'b'.repeat(64)
test.each([
  ['an empty recorder', 'recorder=', /'recorder' is 1 to 512 bytes/],
  ['a recorder with NUL', 'recorder=a%00b', /'recorder' is 1 to 512 bytes/],
  ['too long a recorder', `recorder=${'r'.repeat(513)}`, /'recorder' is 1 to 512 bytes/],
  ['too many recorders', 'recorder=r&'.repeat(101), /At most 100 recorders/],
  ['too many contents', `content=2026-01-01/${hex}&`.repeat(101), /At most 100 contents/],
  ['a content without a day', `content=${hex}`, /'content' is of the form/],
  ['a day that is none', `content=2026-02-30/${hex}`, /'content' is of the form/],
  ['a hash in upper case', `content=2026-01-01/${hex.toUpperCase()}`, /'content' is of the form/],
  ['a short hash', 'content=2026-01-01/abc', /'content' is of the form/],
  ['`from` without a recorder', 'from=1', /'from' cannot be used without/],
  ['fewer `from` than recorders', 'recorder=a&recorder=b&from=1', /once for each 'recorder'/],
  ['a `from` of zero', 'recorder=a&from=0', /'from' must be a sequence/],
  ['a `from` that is no number', 'recorder=a&from=1e3', /'from' must be a sequence/],
  ['a limit beside a recorder', 'recorder=a&limit=3', /'limit' cannot be used with/],
  ['a misspelt parameter', 'recorders=a', /no parameter 'recorders'/],
])('%s is 400 with the reason', async (_name, query, words) => {
  const { status, body } = await ask(query)
  expect(status).toBe(400)
  expect(body.message).toMatch(words)
})

test('the largest allowed query fits into the head of a request', async () => {
  const recorders = Array.from({ length: 100 }, () => `recorder=${randomUUID()}&from=123456`)
  const contents = Array.from(
    { length: 100 },
    (_, n) => `content=2026-01-01/${hex.slice(3)}${n + 100}`,
  )
  const { status, body } = await ask([...recorders, ...contents].join('&'))
  expect([status, body.recorders.length]).toEqual([200, 100])
})

test('a token is needed, and a token for sending gets no lists', async () => {
  expect((await ask('recorder=a', { headers: {} })).status).toBe(401)
  expect((await ask('recorder=a', { token: 'tlt_wrong' })).status).toBe(401)
  const { status, body } = await ask('')
  expect([status, body.message]).toEqual([403, "The token is for 'ingest', not for 'read'."])
  const gateway = await receiver.newToken({ user: 'gateway', scope: 'gateway' })
  expect((await ask('session=s', { token: gateway })).status).toBe(403)
})

test('sessions are listed newest first, page by page, with the sums over their recorders', async () => {
  const { receiver: other } = await withReceiver()
  const token = await other.newToken({ user: 'ops', scope: 'read' })
  const get = async (query: string) => {
    const answer = await fetch(`${other.url}/api/v1/completeness?${query}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    return answer.json()
  }
  for (const [index, session] of ['s1', 's2', 's3'].entries()) {
    for (const recorder of [`${session}-a`, `${session}-b`]) {
      const time = nanoseconds(new Date(Date.now() - 60_000 + index * 1_000))
      const record = span(
        { 'turnlog.sequence': 2 },
        { startTimeUnixNano: time, endTimeUnixNano: time },
      )
      const resource = { 'service.instance.id': recorder, 'session.id': session }
      await post(other, 'traces', traceRequest([record], resource))
    }
  }
  const first = await get('limit=2')
  expect(first.sessions.map((each: { session: string }) => each.session)).toEqual(['s3', 's2'])
  expect(first.sessions[0]).toEqual({
    session: 's3',
    user: 'mara',
    service: null,
    first_time: expect.stringMatching(/^20.*Z$/),
    last_time: expect.stringMatching(/^20.*Z$/),
    recorders: 2,
    ended: false,
    recorded: 4,
    landed: 2,
    rejected: 0,
    dropped: 0,
    missing: 2,
    unseen: null,
  })
  const second = await get(`limit=2&after=${encodeURIComponent(first.next)}`)
  expect(second.sessions.map((each: { session: string }) => each.session)).toEqual(['s1'])
  expect(second.next).toBeNull()

  const page = await get('session=s2&limit=1')
  expect(page.recorders).toEqual([
    { ...nothing, recorder: 's2-a', recorded: 2, landed: [[2, 2]], missing: [[1, 1]] },
  ])
  const rest = await get(`session=s2&limit=1&after=${page.next}`)
  expect([rest.recorders[0].recorder, rest.next]).toEqual(['s2-b', null])
})

test('beside what landed, a session has what was not seen, if it is of a version that tells', async () => {
  const { receiver: other, database: its } = await withReceiver()
  const token = await other.newToken({ user: 'ops', scope: 'read' })
  const get = async (query: string) => {
    const answer = await fetch(`${other.url}/api/v1/completeness?${query}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    return answer.json()
  }
  const resource = { 'service.instance.id': 'r', 'session.id': 's' }
  const send = (eventName: string, attributes: Attributes) =>
    post(other, 'logs', logsRequest([log(attributes, { eventName })], resource))
  const inView = () =>
    its.query('select recorder_id, unseen, unseen_by_reason from session_completeness order by 1')

  await send('session.start', { 'turnlog.sequence': 1 })
  expect((await get('')).sessions[0].unseen).toBeNull()
  expect(await inView()).toEqual([{ recorder_id: 'r', unseen: null, unseen_by_reason: null }])

  await send('turnlog.self_check', { 'turnlog.sequence': 2, 'turnlog.self_check.bound': ['fs'] })
  expect((await get('')).sessions[0].unseen).toBe(0)
  expect(await inView()).toEqual([{ recorder_id: 'r', unseen: 0, unseen_by_reason: {} }])

  const traffic = {
    'turnlog.unseen.reason': 'model_traffic',
    'turnlog.unseen.why': 'request_body',
    'server.address': 'h',
    'server.port': 443,
    'url.template': '/v1/run',
  }
  await send('turnlog.unseen', { ...traffic, 'turnlog.sequence': 3, 'turnlog.unseen.count': 1 })
  await send('turnlog.unseen', { ...traffic, 'turnlog.sequence': 4, 'turnlog.unseen.count': 7 })
  await send('turnlog.unseen', {
    'turnlog.sequence': 5,
    'turnlog.unseen.reason': 'failed_step',
    'turnlog.unseen.count': 2,
  })
  expect((await get('')).sessions[0]).toMatchObject({ recorded: 5, landed: 5, unseen: 10 })
  expect(await inView()).toEqual([
    { recorder_id: 'r', unseen: 10, unseen_by_reason: { failed_step: 2, model_traffic: 8 } },
  ])
  expect((await get('session=s')).unseen).toEqual([
    {
      reason: 'model_traffic',
      why: 'request_body',
      host: 'h',
      port: 443,
      path: '/v1/run',
      count: 8,
      last_time: expect.stringMatching(/^20/),
    },
    {
      reason: 'failed_step',
      why: null,
      host: null,
      port: null,
      path: null,
      count: 2,
      last_time: expect.stringMatching(/^20/),
    },
  ])
})

test.each([
  ['limit=0', /'limit' is a number from 1 to 100/],
  ['limit=101', /'limit' is a number from 1 to 100/],
  ['limit=2&limit=3', /'limit' can be given only once/],
  ['after=tomorrow', /'after' must be the 'next'/],
  ['after=2026-99-01T00:00:00.000000Z/s', /'after' must be the 'next'/],
  ['session=%00', /'session' is 1 to 512 bytes/],
])('a list with %s is 400', async (query, words) => {
  const token = await receiver.newToken({ user: 'ops', scope: 'read' })
  const { status, body } = await ask(query, { token })
  expect([status, body.message]).toEqual([400, expect.stringMatching(words)])
})

test('while the database is away the answer is 503 with Retry-After', async () => {
  const { receiver: other } = await withReceiver()
  await other.database.close()
  const answer = await fetch(`${other.url}/api/v1/completeness?recorder=a`, {
    headers: { authorization: `Bearer ${other.token}` },
  })
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5'])
})
