import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { parseEndpoint } from '../../src/upload/endpoint.ts'
import { createHttpTransport } from '../../src/upload/http-transport.ts'
import type { DeliveryHealth } from '../../src/upload/loop.ts'
import { createUploader, type Segment, type SegmentSource } from '../../src/upload/uploader.ts'
import { type Answer, accept, startReceiver, status } from './receiver.ts'

const soon = { firstMs: 20, maxMs: 40 }
const never = { firstMs: 3_600_000, maxMs: 3_600_000 }

/** A spool of real files that records the fate of each. */
function openSource() {
  const folder = mkdtempSync(join(tmpdir(), 'turnlog-upload-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const waiting: Segment[] = []
  const acknowledged: { name: string; isCommitted: boolean; rejected: number; message?: string }[] =
    []
  const quarantined: { name: string; reason: string }[] = []
  const nameOf = ({ path }: Segment) => path.slice(folder.length + 1)
  const take = (segment: Segment) => waiting.splice(waiting.indexOf(segment), 1)
  const source: SegmentSource = {
    next: async () => waiting[0],
    acknowledge: async (segment, outcome) => {
      take(segment)
      acknowledged.push({ name: nameOf(segment), ...outcome })
    },
    quarantine: async (segment, reason) => {
      take(segment)
      quarantined.push({ name: nameOf(segment), reason })
    },
  }
  return {
    source,
    waiting,
    acknowledged,
    quarantined,
    add(name: string, signal: Segment['signal'] = 'traces'): string {
      const path = join(folder, name)
      const bytes = gzipSync(JSON.stringify({ name }))
      writeFileSync(path, bytes)
      waiting.push({ path, signal, bytes: bytes.byteLength })
      return path
    },
  }
}

async function startUpload(
  answer: Answer,
  names: readonly string[],
  options: Partial<Parameters<typeof createUploader>[0]> = {},
) {
  const receiver = await startReceiver(answer)
  const spool = openSource()
  for (const name of names) spool.add(name)
  const endpoint = parseEndpoint(receiver.url)
  if (endpoint.status !== 'ok') throw new Error(endpoint.reason)
  const transport = createHttpTransport({ userAgent: 'turnlog/0.1.0' })
  const states: DeliveryHealth['state'][] = []
  const uploader = createUploader({
    source: spool.source,
    transport,
    urls: endpoint.urls,
    token: () => 'a-token',
    offline: soon,
    paused: soon,
    onHealth: ({ state }) => states.push(state),
    ...options,
  })
  return {
    ...spool,
    receiver,
    uploader,
    states,
    sent: () => receiver.received.map(({ body }) => JSON.parse(body).name),
    async [Symbol.asyncDispose]() {
      await uploader.close({ withinMs: 0 })
      transport.close()
      await receiver.stop()
    },
  }
}

test('segments go out one at a time, the oldest first, each to the address of its signal', async () => {
  let open = 0
  let openMax = 0
  await using upload = await startUpload(
    (request, response) => {
      open += 1
      openMax = Math.max(openMax, open)
      setImmediate(() => {
        open -= 1
        accept(request, response)
      })
    },
    ['1', '2'],
  )
  upload.add('3', 'logs')
  await expect.poll(() => upload.acknowledged.map(({ name }) => name)).toEqual(['1', '2', '3'])
  expect(openMax).toBe(1)
  expect(upload.receiver.received.map(({ url }) => url)).toEqual([
    '/v1/traces',
    '/v1/traces',
    '/v1/logs',
  ])
  expect(upload.uploader.health).toMatchObject({ counts: { sent: 3 }, failures: { offline: 0 } })
})

test('an idle uploader is woken by a new segment', async () => {
  await using upload = await startUpload(accept, [])
  await expect.poll(() => upload.states).toContain('idle')
  upload.add('1')
  upload.uploader.wake()
  await expect.poll(() => upload.acknowledged).toHaveLength(1)
})

test('records rejected for good are counted, and their segment is not sent again', async () => {
  const partial = '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}'
  await using upload = await startUpload(status(200, partial), ['1'])
  await expect
    .poll(() => upload.acknowledged)
    .toEqual([{ name: '1', isCommitted: false, rejected: 2, message: 'too old' }])
  expect(upload.uploader.health.counts.recordsRejected).toBe(2)
  expect(upload.sent()).toEqual(['1'])
})

test('a refused segment is quarantined whole and does not block the next', async () => {
  await using upload = await startUpload(
    (request, response) => {
      const answer = request.body.includes('bad') ? status(400, '{"message":"not OTLP"}') : accept
      answer(request, response)
    },
    ['1', 'bad', '2'],
  )
  await expect.poll(() => upload.acknowledged.map(({ name }) => name)).toEqual(['1', '2'])
  expect(upload.quarantined).toEqual([{ name: 'bad', reason: 'HTTP 400: not OTLP' }])
  expect(upload.uploader.health.counts.quarantined).toBe(1)
})

test.for([500, 502, 503, 504, 429, 408])(
  'after %i the same segment is sent again',
  async (code) => {
    await using upload = await startUpload(status(code), ['1', '2'])
    await expect.poll(() => upload.states).toContain('offline')
    upload.receiver.answerWith(accept)
    await expect.poll(() => upload.acknowledged.map(({ name }) => name)).toEqual(['1', '2'])
    expect(new Set(upload.sent().slice(0, -1))).toEqual(new Set(['1']))
    expect(upload.quarantined).toEqual([])
  },
)

test('a receiver that was down gets every segment, in order', async () => {
  const names = ['1', '2', '3', '4', '5']
  await using upload = await startUpload(accept, [])
  await upload.receiver.stop()
  for (const name of names) upload.add(name)
  upload.uploader.wake()
  await expect.poll(() => upload.uploader.health.reason).toBe('ECONNREFUSED')
  await upload.receiver.start()
  await expect.poll(() => upload.sent()).toEqual(names)
  expect(upload.waiting).toEqual([])
})

test('an answer lost after the receiver had the segment means it is sent again', async () => {
  let answers = 0
  await using upload = await startUpload(
    (request, response) => {
      answers += 1
      if (answers === 1) response.destroy()
      else accept(request, response)
    },
    ['1', '2'],
  )
  await expect.poll(() => upload.acknowledged.map(({ name }) => name)).toEqual(['1', '2'])
  expect(upload.sent()).toEqual(['1', '1', '2'])
})

test.for([
  [401, 'unauthorized'],
  [403, 'unauthorized'],
  [404, 'misconfigured'],
  [302, 'misconfigured'],
] as const)(
  '%i pauses, gives nothing up, and continues once it is corrected',
  async ([code, state]) => {
    await using upload = await startUpload(status(code), ['1', '2'])
    await expect.poll(() => upload.states).toContain(state)
    expect([upload.acknowledged, upload.quarantined]).toEqual([[], []])
    upload.receiver.answerWith(accept)
    await expect.poll(() => upload.acknowledged).toHaveLength(2)
    expect(upload.uploader.health).toMatchObject({ reason: undefined, counts: { quarantined: 0 } })
  },
)

test('the token is read again for each probe', async () => {
  let token = 'old'
  await using upload = await startUpload(
    (request, response) => {
      const isNew = request.headers.authorization === 'Bearer new'
      if (!isNew) token = 'new'
      ;(isNew ? accept : status(401))(request, response)
    },
    ['1'],
    { token: () => token },
  )
  await expect.poll(() => upload.acknowledged).toHaveLength(1)
  expect(upload.receiver.received).toHaveLength(2)
})

test('while paused, new segments cause no further attempts', async () => {
  await using upload = await startUpload(status(401), ['1'], { paused: never })
  await expect.poll(() => upload.states).toContain('unauthorized')
  upload.add('2')
  upload.uploader.wake()
  upload.uploader.wake()
  await new Promise((resolve) => setImmediate(resolve))
  expect(upload.sent()).toEqual(['1'])
})

test('Retry-After delays the next attempt', async () => {
  await using upload = await startUpload(status(503, '', { 'retry-after': '3600' }), ['1'])
  await expect.poll(() => upload.states).toContain('offline')
  upload.receiver.answerWith(accept)
  const result = await upload.uploader.close({ withinMs: 5_000 })
  expect(result).toMatchObject({ state: 'closed', counts: { sent: 0 }, failures: { offline: 1 } })
})

test('a close sends what is waiting, and ends', async () => {
  await using upload = await startUpload(accept, [])
  await expect.poll(() => upload.states).toContain('idle')
  for (const name of ['1', '2', '3']) upload.add(name)
  const result = await upload.uploader.close({ withinMs: 5_000 })
  expect(result).toMatchObject({ state: 'closed', counts: { sent: 3 } })
  expect(upload.waiting).toEqual([])
  expect(await upload.uploader.close({ withinMs: 5_000 })).toBe(result)
})

test('a close does not wait out a backoff', async () => {
  await using upload = await startUpload(status(503), ['1'], { offline: never })
  await expect.poll(() => upload.states).toContain('offline')
  await upload.uploader.close({ withinMs: 3_600_000 })
  expect(upload.waiting).toHaveLength(1)
})

test('a close ends a request that hangs when its time is over', async () => {
  await using upload = await startUpload(() => {}, ['1'])
  await expect.poll(() => upload.sent()).toEqual(['1'])
  await upload.uploader.close({ withinMs: 50 })
  expect(upload.waiting).toHaveLength(1)
  expect(upload.quarantined).toEqual([])
})

test('the signal ends everything at once', async () => {
  const abort = new AbortController()
  await using upload = await startUpload(() => {}, ['1'], { signal: abort.signal })
  await expect.poll(() => upload.sent()).toEqual(['1'])
  abort.abort()
  await expect.poll(() => upload.states.at(-1)).toBe('closed')
  expect(upload.waiting).toHaveLength(1)
})

test('a segment that cannot be read is quarantined; a missing one was taken by another process', async () => {
  await using upload = await startUpload(accept, [])
  await expect.poll(() => upload.states).toContain('idle')
  const gone = upload.add('gone')
  rmSync(gone)
  upload.uploader.wake()
  await expect.poll(() => upload.uploader.health.reason).toBe('unreadable: ENOENT')
  upload.waiting.shift()
  // Even root cannot read a folder as a file.
  upload.waiting.push({ path: tmpdir(), signal: 'traces', bytes: 0 })
  upload.add('1')
  await expect.poll(() => upload.acknowledged.map(({ name }) => name)).toEqual(['1'])
  expect(upload.quarantined).toMatchObject([{ reason: 'unreadable: EISDIR' }])
})

test('a spool that fails is asked again; a segment that it could not acknowledge is sent again', async () => {
  const spool = openSource()
  spool.add('1')
  let failures = 2
  const failing: SegmentSource = {
    ...spool.source,
    acknowledge: async (segment, outcome) => {
      failures -= 1
      if (failures >= 0) throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
      await spool.source.acknowledge(segment, outcome)
    },
  }
  await using upload = await startUpload(accept, [], { source: failing })
  await expect.poll(() => spool.acknowledged).toHaveLength(1)
  expect(upload.sent()).toEqual(['1', '1', '1'])
  expect(upload.uploader.health).toMatchObject({ failures: { offline: 2 }, counts: { sent: 1 } })
})

test('a listener that throws does not stop the upload', async () => {
  await using upload = await startUpload(accept, ['1'], {
    onHealth: () => {
      throw new Error('listener')
    },
  })
  await expect.poll(() => upload.acknowledged).toHaveLength(1)
})
