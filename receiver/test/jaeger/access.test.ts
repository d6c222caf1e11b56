/** Access to Jaeger's API: who may read, which team's records, and how many at once. */
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { createSignInLink, createToken } from '@turnlog/receiver/storage'
import { expect, test } from 'vitest'
import { newSpanId, newTraceId, post, span, traceRequest } from '../../../test/support/otlp.ts'
import { withDatabase } from '../../../test/support/postgres.ts'
import { openStage, type Stage } from './stage.ts'

const database = await withDatabase()

const routes = [
  '/api/services',
  '/api/services/app/operations',
  '/api/operations?service=app',
  '/api/traces?service=app',
  '/api/traces/1',
  '/api/dependencies',
  '/api/v3/services',
  '/api/v3/operations?service=app',
  '/api/v3/traces?query.startTimeMin=2020-01-01T00:00:00Z&query.startTimeMax=2099-01-01T00:00:00Z',
  '/api/v3/traces/1',
  '/api/v3/trace-summaries?query.startTimeMin=2020-01-01T00:00:00Z&query.startTimeMax=2099-01-01T00:00:00Z',
  '/api/v3/dependencies?startTime=2020-01-01T00:00:00Z&endTime=2099-01-01T00:00:00Z',
]

/** The body of a failure, as the version of the API words it. */
function failure(path: string, status: number, message: unknown): object {
  return path.startsWith('/api/v3/')
    ? { error: { httpCode: status, message } }
    : { data: null, total: 0, limit: 0, offset: 0, errors: [{ code: status, msg: message }] }
}

async function refusalOf(stage: Stage, path: string, headers: Record<string, string>) {
  const answer = await stage.get(path, headers)
  return { status: answer.status, body: await answer.json(), headers: answer.headers }
}

test('every route answers 401 without a token and 403 with one of another scope, in its version’s format', async () => {
  await using stage = await openStage({ database })
  const ingest = { authorization: `Bearer ${stage.receiver.token}` }
  for (const path of routes) {
    const without = await refusalOf(stage, path, {})
    expect(without).toMatchObject({ status: 401, body: failure(path, 401, expect.any(String)) })
    expect(without.headers.get('www-authenticate')).toContain('Bearer')
    const wrong = await refusalOf(stage, path, { authorization: 'Bearer tlt_unknown' })
    expect(wrong.status).toBe(401)
    const other = await refusalOf(stage, path, ingest)
    expect(other).toMatchObject({ status: 403, body: failure(path, 403, expect.any(String)) })
  }
})

test('a token of scope read or admin may read, and so may a signed-in browser under one of the receiver’s names', async () => {
  await using stage = await openStage({ database })
  const admin = await stage.receiver.newToken({ scope: 'admin' })
  expect((await stage.get('/api/services', { authorization: `bearer ${admin}` })).status).toBe(200)

  const link = await createSignInLink(stage.database, { baseUrl: stage.receiver.url })
  const signedIn = await fetch(link, { redirect: 'manual' })
  const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? ''
  const answer = await stage.get('/api/v3/services', { cookie })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect((await stage.get('/api/v3/services', { cookie: 'turnlog_session=x' })).status).toBe(401)
})

test('a team sees nothing of another team, whatever it asks for', async () => {
  await using stage = await openStage({ database })
  const ours = await createToken(stage.database, { user: 'a', scope: 'read' })
  const theirs = await createToken(stage.database, { user: 'b', scope: 'read', team: 'other' })
  const send = await createToken(stage.database, { user: 'b', scope: 'ingest', team: 'other' })
  const traceId = newTraceId()
  const parent = newSpanId()
  const content = { 'gen_ai.tool.call.result': 'their secret' }
  const requests = [
    traceRequest([span(content, { traceId, spanId: parent })], { 'service.name': 'theirs' }),
    traceRequest([span({}, { traceId, parentSpanId: parent })], { 'service.name': 'theirs-too' }),
  ]
  for (const request of requests) {
    await post({ url: stage.receiver.url, token: send }, 'traces', request)
  }
  // The same trace id, and the same content, of our own: neither may lead to theirs.
  await stage.landSpans([span({ 'gen_ai.tool.call.result': 'ours' }, { traceId })], {
    'service.name': 'ours',
  })
  const paths = [
    ...routes.map((path) => path.replaceAll('/1', `/${traceId}`)),
    '/api/services/theirs/operations',
    '/api/traces?service=theirs',
    '/api/v3/operations?service=theirs',
  ]
  const seen = async (token: string) => {
    const texts = paths.map(async (path) =>
      (await stage.get(path, { authorization: `Bearer ${token}` })).text(),
    )
    return (await Promise.all(texts)).join('\n')
  }
  const theirsSeen = await seen(theirs)
  expect(theirsSeen).toContain('their secret')
  expect(theirsSeen).toContain('"callCount":1')
  expect(theirsSeen).not.toContain('ours')
  const oursSeen = await seen(ours)
  expect(oursSeen).toContain('ours')
  expect(oursSeen).not.toContain('their')
  expect(oursSeen).not.toContain(parent)
})

/** The number of the receiver's statements that read spans now. */
const atWork = `
  select pid from pg_stat_activity
   where datname = current_database() and state = 'active' and query like '%from spans%'
     and pid <> pg_backend_pid()`

/** Locks the table until it is disposed of, so that every read of it waits. */
async function holdSpans(stage: Stage): Promise<AsyncDisposable> {
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const { promise: held, resolve: hold } = Promise.withResolvers<void>()
  const holding = stage.database.transaction(async (client) => {
    await client.query('lock table spans in access exclusive mode')
    hold()
    await released
  })
  await held
  return {
    async [Symbol.asyncDispose]() {
      release()
      await holding
    },
  }
}

test('when a client leaves, its search is ended', async () => {
  await using stage = await openStage({ database })
  await using _held = await holdSpans(stage)
  const leaving = new AbortController()
  const answer = fetch(`${stage.receiver.url}/api/traces?service=app`, {
    headers: { authorization: `Bearer ${stage.token}` },
    signal: leaving.signal,
  })
  await expect.poll(() => stage.database.query(atWork)).toHaveLength(1)
  leaving.abort()
  await expect(answer).rejects.toThrow()
  await expect.poll(() => stage.database.query(atWork)).toHaveLength(0)
})

test('a search that takes too long is ended, and answered 504 with the reason', async () => {
  await using stage = await openStage({ database, limits: { jaegerReadSecondsMax: 1 } })
  await using _held = await holdSpans(stage)
  const paths = ['/api/traces?service=app', '/api/v3/services']
  const answers = await Promise.all(paths.map((path) => stage.get(path)))
  for (const [index, path] of paths.entries()) {
    const answer = answers[index]
    expect(answer?.status).toBe(504)
    const message = 'It took longer than 1 s: ask for less time, or for fewer traces.'
    expect(await answer?.json()).toEqual(failure(path, 504, message))
  }
  // PostgreSQL reports the error a moment before it marks the statement as ended. The lock is still held here, so a
  // statement that was not cancelled would stay at work.
  await expect.poll(() => stage.database.query(atWork)).toEqual([])
})

test('more reads at once than are allowed wait for their turn; landing goes on meanwhile', async () => {
  await using stage = await openStage({ database, limits: { jaegerReadsMax: 2 } })
  await stage.landSpans([span()])
  const held = await holdSpans(stage)
  const answers = Array.from({ length: 8 }, () => stage.get('/api/services'))
  await expect.poll(() => stage.database.query(atWork)).toHaveLength(2)
  await held[Symbol.asyncDispose]()
  for (const answer of await Promise.all(answers)) expect(answer.status).toBe(200)
  await stage.landSpans([span()])
})

test('a request is answered 503 at once when too much is being read already', async () => {
  await using stage = await openStage({ database, limits: { jaegerReadsMax: 1 } })
  const held = await holdSpans(stage)
  const first = Array.from({ length: 8 }, () => stage.get('/api/services'))
  await expect.poll(() => stage.database.query(atWork)).toHaveLength(1)
  const answers = [stage.get('/api/services'), stage.get('/api/v3/services')]
  // Which of them come last cannot be told.
  const refused = await Promise.race([...first, ...answers])
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
  await held[Symbol.asyncDispose]()
  const statuses = (await Promise.all([...first, ...answers])).map(({ status }) => status)
  expect(statuses.toSorted((left, right) => left - right)).toEqual([
    ...Array.from({ length: 8 }, () => 200),
    ...[503, 503],
  ])
})

test('clients that read a long answer slowly, or not at all, do not make others wait', async () => {
  await using stage = await openStage({ database, limits: { jaegerReadsMax: 1 } })
  const traceId = newTraceId()
  const spans = Array.from({ length: 600 }, () => span({ big: 'x'.repeat(60_000) }, { traceId }))
  await stage.landSpans(spans.slice(0, 300))
  await stage.landSpans(spans.slice(300))
  const slow = await Promise.all(
    Array.from({ length: 3 }, async () => {
      const request = get(`${stage.receiver.url}/api/traces/${traceId}?raw=true`, {
        headers: { authorization: `Bearer ${stage.token}` },
        agent: false,
      })
      const [answer]: IncomingMessage[] = await once(request, 'response')
      return answer?.pause() ?? request
    }),
  )
  expect((await stage.get('/api/services')).status).toBe(200)
  expect(slow.map((answer) => answer.destroyed)).toEqual([false, false, false])
  for (const answer of slow) answer.destroy()
})

/** Makes every read of the table fail, until it is disposed of. */
async function takeAway({ database }: Stage, table: string): Promise<AsyncDisposable> {
  await database.query(`alter table ${table} rename to ${table}_away`)
  return {
    async [Symbol.asyncDispose]() {
      await database.query(`alter table ${table}_away rename to ${table}`)
    },
  }
}

test('every route answers 503 in its version’s format while the database fails, and works again afterwards', async () => {
  await using stage = await openStage({ database })
  await stage.landSpans([span()])
  {
    await using _away = await takeAway(stage, 'spans')
    for (const path of routes) {
      const answer = await stage.get(path)
      expect([path, answer.status, answer.headers.get('retry-after')]).toEqual([path, 503, '5'])
      expect(await answer.json()).toEqual(failure(path, 503, 'The database cannot be read now.'))
    }
  }
  expect((await stage.get('/api/services')).status).toBe(200)
})

test('a trace whose contents cannot be read is 503, not half an answer', async () => {
  await using stage = await openStage({ database })
  const traceId = newTraceId()
  await stage.landSpans([span({ 'gen_ai.tool.call.result': 'x' }, { traceId })])
  await using _away = await takeAway(stage, 'contents')
  for (const path of [`/api/traces/${traceId}`, `/api/v3/traces/${traceId}`]) {
    const answer = await stage.get(path)
    expect([path, answer.status, await answer.json()]).toEqual([
      path,
      503,
      failure(path, 503, 'The database cannot be read now.'),
    ])
  }
})

test('a client that leaves in the middle of a trace leaves its turn to others', async () => {
  await using stage = await openStage({ database, limits: { jaegerReadsMax: 1 } })
  const traceId = newTraceId()
  const spans = Array.from({ length: 60 }, () => span({ big: 'x'.repeat(60_000) }, { traceId }))
  await stage.landSpans(spans)
  for (let round = 0; round < 3; round += 1) {
    // Not `fetch`, which connects anew after it was aborted, without need.
    const request = get(`${stage.receiver.url}/api/traces/${traceId}?raw=true`, {
      headers: { authorization: `Bearer ${stage.token}` },
      agent: false,
    })
    const [answer]: IncomingMessage[] = await once(request, 'response')
    await once(answer ?? request, 'data')
    request.destroy()
  }
  expect((await stage.get('/api/services')).status).toBe(200)
})
