import * as fs from 'node:fs'
import { join } from 'node:path'
import fastify from 'fastify'
import { describe, expect, onTestFinished, test } from 'vitest'
import { changesRoutes } from '../../src/changes/routes.ts'
import { ChangeStore } from '../../src/changes/store.ts'
import { handleKey, type TurnlogHandle } from '../../src/handle.ts'
import { bench, changeOf, put, stateOf } from './support.ts'

const headers = { host: '127.0.0.1:8000' }
const unknownId = '5f8c6a1e-9d0b-4a3c-8a52-0c7f7f0d7a11'

describe('without the preload', () => {
  test('the list is empty and everything else is not found', async () => {
    const app = fastify()
    await app.register(changesRoutes)
    const recent = await app.inject({ url: '/api/changes/recent', headers })
    expect([recent.statusCode, recent.body]).toEqual([200, '{"changes":[]}'])
    const one = await app.inject({ url: `/api/changes/${unknownId}`, headers })
    expect(one.statusCode).toBe(404)
    for (const type of ['accept', 'reject', 'revert']) {
      const url = `/api/changes/${unknownId}/${type}`
      const response = await app.inject({ method: 'POST', url, headers, payload: {} })
      expect(response.statusCode).toBe(404)
    }
  })

  test('a preload that starts later, or has a strange handle, is looked up at each request', async () => {
    const { handle, operated } = await bench()
    operated({ opType: 'create', path: 'a.txt', after: 'one' })
    const app = fastify()
    await app.register(changesRoutes)
    const list = async () =>
      (await app.inject({ url: '/api/changes/recent', headers })).json().changes.length
    onTestFinished(() => void Reflect.deleteProperty(globalThis, handleKey))
    for (const [value, count] of [
      [7, 0],
      [{}, 0],
      [handle, 1],
      [undefined, 0],
    ] as const) {
      Reflect.set(globalThis, handleKey, value)
      expect(await list()).toBe(count)
    }
  })
})

describe('the list', () => {
  test('lists every operation, newest first, also after a restart', async () => {
    const { app, operated, decide, workspace, directory, store } = await bench()
    const older = operated({
      opType: 'edit',
      path: 'a.txt',
      before: 'one',
      after: 'two',
      fields: {
        startedAt: '2026-07-01T10:00:00.000Z',
        diff: '@@ -1 +1 @@',
        linesAdded: 1,
        linesRemoved: 0,
        toolName: 'edit_file',
        toolCallId: 'toolu_1',
        isShared: true,
      },
    })
    const newer = operated({
      opType: 'rename',
      path: 'c.txt',
      previousPath: 'b.txt',
      before: 'x',
      after: 'x',
    })
    store.record(changeOf('/elsewhere', { opType: 'create', path: 'z', after: 'x' }), {})
    await decide(older, 'accept', { reason: 'good', source: 'policy' })
    const { changes } = (await app.inject({ url: '/api/changes/recent', headers })).json()
    expect(changes).toEqual([
      {
        opId: newer.opId,
        path: 'c.txt',
        opType: 'rename',
        startedAt: newer.startedAt,
        traceId: newer.traceId,
        spanId: newer.spanId,
        sessionId: 'session-1',
        previousPath: 'b.txt',
        linesAdded: null,
        linesRemoved: null,
        binary: false,
      },
      {
        opId: older.opId,
        path: 'a.txt',
        opType: 'edit',
        startedAt: '2026-07-01T10:00:00.000Z',
        traceId: older.traceId,
        spanId: older.spanId,
        sessionId: 'session-1',
        toolName: 'edit_file',
        toolCallId: 'toolu_1',
        isShared: true,
        linesAdded: 1,
        linesRemoved: 0,
        binary: false,
        diff: '@@ -1 +1 @@',
        decision: {
          type: 'accept',
          outcome: 'kept',
          source: 'policy',
          reason: 'good',
          decidedAt: expect.any(String),
          resultSha256: stateOf('two'),
        },
      },
    ])
    const again = fastify()
    const changesHandle = { directory, workspace, refresh: async () => {} }
    await again.register(changesRoutes, { handle: () => ({ changes: changesHandle, decide() {} }) })
    expect((await again.inject({ url: '/api/changes/recent', headers })).json()).toEqual({
      changes,
    })
  })

  test.each([
    ['', 100],
    ['?limit=2', 2],
    ['?limit=0', 1],
    ['?limit=9999', 120],
    ['?limit=-1', 100],
    ['?limit=x', 100],
    ['?limit=1&limit=2', 100],
  ])('with %j has %i of 120', async (query, count) => {
    const { app, store, workspace } = await bench()
    for (let index = 0; index < 120; index += 1) {
      store.record(changeOf(workspace, { opType: 'create', path: 'a', after: 'x' }), {})
    }
    const response = await app.inject({ url: `/api/changes/recent${query}`, headers })
    expect(response.json().changes).toHaveLength(count)
  })

  test('a list as long as its limit has the numbers of all operations and of those undecided', async () => {
    const { app, store, operated, decide, at } = await bench()
    const changes = Array.from({ length: 5 }, (_, index) =>
      operated({ opType: 'create', path: `${index}.txt`, after: 'x' }),
    )
    store.record(changeOf('/elsewhere', { opType: 'create', path: 'z', after: 'x' }), {})
    const list = async (limit: number) => {
      const url = `/api/changes/recent?limit=${limit}`
      const { changes: listed, ...counts } = (await app.inject({ url, headers })).json()
      return [listed.length, counts]
    }
    expect(await list(6)).toEqual([5, {}])
    expect(await list(2)).toEqual([2, { total: 5, undecided: 5 }])
    const [first, second] = changes
    if (first === undefined || second === undefined) throw new Error('Five were made.')
    await decide(first, 'accept')
    put(at('1.txt'), 'changed since')
    expect((await decide(second, 'revert')).status).toBe(409)
    expect(await list(2)).toEqual([2, { total: 5, undecided: 4 }])
    await decide(second, 'reject')
    expect(await list(2)).toEqual([2, { total: 5, undecided: 3 }])
  })

  test('waits for recent operations, but lists the others when that fails', async () => {
    const { directory, workspace, store } = await bench()
    const app = fastify()
    let refresh = async () => {
      await Promise.resolve()
      store.record(changeOf(workspace, { opType: 'create', path: 'a', after: 'x' }), {})
    }
    const changes = { directory, workspace, refresh: () => refresh() }
    await app.register(changesRoutes, { handle: () => ({ changes, decide() {} }) })
    const list = async () =>
      (await app.inject({ url: '/api/changes/recent', headers })).json().changes
    expect(await list()).toHaveLength(1)
    refresh = () => Promise.reject(new Error('worker gone'))
    expect(await list()).toHaveLength(1)
    refresh = () => {
      throw new Error('at once')
    }
    expect(await list()).toHaveLength(1)
  })

  test('leaves damaged operations out', async () => {
    const { app, operated, directory } = await bench()
    operated({ opType: 'create', path: 'a.txt', after: 'one' })
    for (const name of fs.readdirSync(join(directory, 'ops')))
      put(join(directory, 'ops', name), '{')
    const response = await app.inject({ url: '/api/changes/recent', headers })
    expect([response.statusCode, response.body]).toEqual([200, '{"changes":[]}'])
  })
})

describe('one operation', () => {
  test.each<[string, string | Uint8Array | undefined, string | null, string | undefined]>([
    ['text', 'é\r\n', 'é\r\n', undefined],
    ['empty text', '', '', undefined],
    ['nothing', undefined, null, 'absent'],
    ['bytes with NUL', Uint8Array.of(65, 0), null, 'binary'],
    ['bytes that are not UTF-8', Uint8Array.of(0xff, 65), null, 'binary'],
    ['more than 2 MiB', 'x'.repeat(2 * 1024 ** 2 + 1), null, 'too_large'],
  ])('shows %s', async (_claim, before, text, reason) => {
    const { app, operated } = await bench()
    const change = operated({
      opType: before === undefined ? 'create' : 'edit',
      path: 'a',
      before,
      after: 'two',
    })
    const body = (await app.inject({ url: `/api/changes/${change.opId}`, headers })).json()
    expect(body).toMatchObject({
      opId: change.opId,
      after: 'two',
      afterSha256: stateOf('two'),
      decisions: [],
    })
    expect(body.before === text).toBe(true)
    expect(body.beforeReason).toBe(reason)
  })

  test('has the diff that the list leaves out', async () => {
    const { app, operated } = await bench()
    const diff = '+line\n'.repeat(20_000)
    const change = operated({
      opType: 'edit',
      path: 'a',
      before: 'one',
      after: 'two',
      fields: { diff },
    })
    const [row] = (await app.inject({ url: '/api/changes/recent', headers })).json().changes
    expect([row.diff, row.diffOmitted]).toEqual([undefined, 'too_large'])
    const detail = (await app.inject({ url: `/api/changes/${change.opId}`, headers })).json()
    expect([detail.diff === diff, detail.diffOmitted]).toEqual([true, undefined])
  })

  test('an operation of another workspace, an unknown one and a strange id are not found', async () => {
    const { app, store } = await bench()
    const foreign = changeOf('/elsewhere', { opType: 'create', path: 'z', after: 'x' })
    store.record(foreign, {})
    for (const opId of [foreign.opId, unknownId, '..%2f..%2fetc%2fpasswd', '%00', 'x'.repeat(90)]) {
      expect((await app.inject({ url: `/api/changes/${opId}`, headers })).statusCode).toBe(404)
      for (const type of ['accept', 'revert']) {
        const url = `/api/changes/${opId}/${type}`
        const response = await app.inject({ method: 'POST', url, headers, payload: {} })
        expect(response.statusCode).toBe(404)
      }
    }
  })
})

describe('decisions', () => {
  test('accept and reject leave the disk alone, and are emitted with their operation', async () => {
    const { operated, decide, read, told } = await bench()
    const fields = { startedAt: new Date(Date.now() - 5000).toISOString() }
    const change = operated({ opType: 'edit', path: 'a.txt', before: 'one', after: 'two', fields })
    for (const type of ['accept', 'reject'] as const) {
      expect(await decide(change, type, { reason: 'because' })).toMatchObject({
        status: 200,
        body: {
          opId: change.opId,
          decision: { type, outcome: 'kept', source: 'user', reason: 'because' },
        },
      })
    }
    expect(read('a.txt')).toBe('two')
    expect(told).toMatchObject([{ type: 'accept' }, { type: 'reject' }])
    expect(told[0]).toEqual({
      operationId: change.opId,
      type: 'accept',
      source: 'user',
      reason: 'because',
      outcome: 'kept',
      resultSha256: stateOf('two'),
      elapsedSeconds: expect.any(Number),
      path: 'a.txt',
      traceId: change.traceId,
      spanId: change.spanId,
    })
    expect(told[0]?.elapsedSeconds).toBeGreaterThanOrEqual(5)
    expect(told[0]?.elapsedSeconds).toBeLessThan(60)
  })

  test('accept records the state of the file', async () => {
    const { operated, decide, at } = await bench()
    const change = operated({ opType: 'edit', path: 'a.txt', before: 'one', after: 'two' })
    const outcome = async () => (await decide(change, 'accept')).body.decision
    put(at('a.txt'), 'three')
    expect(await outcome()).toMatchObject({ outcome: 'kept', resultSha256: stateOf('three') })
    put(at('a.txt'), 'one')
    expect(await outcome()).toMatchObject({ outcome: 'restored', resultSha256: stateOf('one') })
    fs.rmSync(at('a.txt'))
    expect(await outcome()).toMatchObject({ outcome: 'missing' })
  })

  test('a revert after an accept works, and a second revert finds nothing left to do', async () => {
    const { operated, decide, read, store, told } = await bench()
    const change = operated({ opType: 'edit', path: 'a.txt', before: 'one', after: 'two' })
    await decide(change, 'accept')
    expect((await decide(change, 'revert')).body).not.toHaveProperty('message')
    expect(await decide(change, 'revert')).toMatchObject({
      status: 200,
      body: { decision: { outcome: 'restored' }, message: 'Nothing was left to do.' },
    })
    expect(read('a.txt')).toBe('one')
    const { decision, decisions } = store.find(change.opId) ?? {}
    expect(decision).toMatchObject({ type: 'revert', outcome: 'restored' })
    expect(decisions).toHaveLength(3)
    expect(told).toHaveLength(3)
  })

  test('of many reverts at once one writes and the others find its result', async () => {
    const { operated, decide, read } = await bench()
    const change = operated({ opType: 'edit', path: 'a.txt', before: 'one', after: 'two' })
    const answers = await Promise.all(Array.from({ length: 10 }, () => decide(change, 'revert')))
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200))
    expect(answers.filter(({ body }) => body.message === undefined)).toHaveLength(1)
    expect(read('a.txt')).toBe('one')
  })

  test('the steps of one file are undone from the last to the first', async () => {
    const { operated, decide, read } = await bench()
    const made = operated({ opType: 'create', path: 'a.txt', after: 'one' })
    const edited = operated({ opType: 'edit', path: 'a.txt', before: 'one', after: 'two' })
    expect((await decide(made, 'revert')).status).toBe(409)
    expect((await decide(edited, 'revert')).status).toBe(200)
    expect((await decide(made, 'revert')).status).toBe(200)
    expect(read('a.txt')).toBeUndefined()
  })

  test('a decision that the store cannot write is answered as such, and still emitted', async () => {
    const { operated, decide, directory, told } = await bench()
    const change = operated({ opType: 'create', path: 'a.txt', after: 'one' })
    fs.rmdirSync(join(directory, 'decisions'))
    put(join(directory, 'decisions'), 'in its place')
    expect(await decide(change, 'accept')).toMatchObject({
      status: 500,
      body: { error: { code: 'TL_CHANGES_STORE' } },
    })
    expect(told).toHaveLength(1)
  })

  test('a journal that throws changes nothing', async () => {
    const { directory, workspace, operated } = await bench()
    const change = operated({ opType: 'create', path: 'a.txt', after: 'one' })
    const handle: TurnlogHandle = {
      changes: { directory, workspace, refresh: async () => {} },
      decide() {
        throw new Error('broken')
      },
    }
    const app = fastify()
    await app.register(changesRoutes, { handle: () => handle })
    const url = `/api/changes/${change.opId}/accept`
    const response = await app.inject({ method: 'POST', url, headers, payload: {} })
    expect(response.statusCode).toBe(200)
    expect(new ChangeStore({ directory }).find(change.opId)?.decision).toMatchObject({
      type: 'accept',
    })
  })

  test.each([
    ['', 200],
    ['{}', 200],
    ['{"reason":null}', 200],
    ['{"source":"auto","unknown":1}', 200],
    ['[]', 400],
    ['null', 400],
    ['"x"', 400],
    ['{', 400],
    ['{"source":"root"}', 400],
    ['{"reason":7}', 400],
    [`{"reason":"${'x'.repeat(2001)}"}`, 400],
    [`{"reason":"${'x'.repeat(20_000)}"}`, 413],
  ])('the body %.30s is answered with %i', async (payload, status) => {
    const { app, operated, told } = await bench()
    const change = operated({ opType: 'create', path: 'a.txt', after: 'one' })
    const response = await app.inject({
      method: 'POST',
      url: `/api/changes/${change.opId}/accept`,
      headers: { ...headers, 'content-type': 'application/json' },
      payload,
    })
    expect(response.statusCode).toBe(status)
    expect(told).toHaveLength(status === 200 ? 1 : 0)
    if (status !== 200) expect(response.json().error.code).toBe('TL_CHANGES_REQUEST')
  })
})

describe('the host', () => {
  test('its hooks, parsers, errors and hosts apply only to its own routes', async () => {
    const app = fastify()
    await app.register(changesRoutes)
    app.post('/own', async (request) => ({ got: request.body }))
    app.get('/fails', async () => {
      throw new Error('own error')
    })
    const text = await app.inject({
      method: 'POST',
      url: '/own',
      payload: 'plain',
      headers: {
        host: 'example.com',
        origin: 'http://other.example',
        'content-type': 'text/plain',
      },
    })
    expect([text.statusCode, text.json()]).toEqual([200, { got: 'plain' }])
    expect(text.headers['cache-control']).toBeUndefined()
    const json = await app.inject({ method: 'POST', url: '/own', payload: { a: 1 } })
    expect(json.json()).toEqual({ got: { a: 1 } })
    expect((await app.inject('/fails')).json().message).toBe('own error')
  })

  test('the host’s own hooks do not change our answers', async () => {
    const app = fastify({
      logger: { level: 'info', stream: { write: (line) => void lines.push(line) } },
    })
    const lines: string[] = []
    app.addHook('preSerialization', async (_request, _reply, payload) => ({ wrapped: payload }))
    app.setReplySerializer(() => 'serialised')
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', (_request, _payload, done) => done(null, 'host'))
    app.addContentTypeParser('application/json', (_request, _payload, done) => done(null, 'host'))
    await app.register(changesRoutes)
    const response = await app.inject({ url: '/api/changes/recent', headers })
    expect(response.body).toBe('{"changes":[]}')
    expect(response.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
    })
    const url = `/api/changes/${unknownId}/accept`
    const posted = await app.inject({ method: 'POST', url, headers, payload: {} })
    expect(posted.statusCode).toBe(404)
    expect(lines).toEqual([])
  })
})
