import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { deflateSync, gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { createSignInLink, createToken } from '@turnlog/receiver/storage'
import { expect, test } from 'vitest'
import { startReceiver, withReceiver } from '../../../test/support/receiver.ts'

const { database, receiver } = await withReceiver()
const reader = await receiver.newToken({ scope: 'read' })

type Headers = Readonly<Record<string, string>>

function hex(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function digest(bytes: Uint8Array | string): string {
  return `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`
}

function upload(
  body: Uint8Array | string,
  {
    query = '',
    headers = {},
    to = receiver,
  }: { query?: string; headers?: Headers; to?: { url: string; token: string } } = {},
): Promise<Response> {
  return fetch(`${to.url}/api/v1/attachments${query}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${to.token}`, ...headers },
    body: Buffer.from(body),
  })
}

/** Sends and receives without `fetch`, which decompresses and adds headers. */
async function get(
  path: string,
  {
    headers = {},
    method = 'GET',
    token = reader,
  }: { headers?: Headers; method?: string; token?: string } = {},
): Promise<{ status: number; headers: Headers; body: Buffer }> {
  const request = httpRequest(`${receiver.url}/api/v1/attachments/${path}`, {
    method,
    headers: token === '' ? headers : { authorization: `Bearer ${token}`, ...headers },
  }).end()
  const [answer] = await once(request, 'response')
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk)
  return { status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) }
}

const today = () => new Date().toISOString().slice(0, 10)

test('a content is landed once, and served by its hash', async () => {
  const text = 'one attachment, äöü\n'
  const first = await upload(text, { headers: { 'content-digest': digest(text) } })
  const ref = `sha256:${hex(text)}`
  expect([first.status, await first.json()]).toEqual([
    201,
    { status: 'landed', ref, size: Buffer.byteLength(text), days: [today()] },
  ])
  expect(first.headers.get('location')).toBe(`/api/v1/attachments/${ref}`)
  const again = await upload(text, { query: `?sha256=${ref}` })
  expect([again.status, await again.json()]).toMatchObject([200, { status: 'duplicate', ref }])
  for (const path of [ref, hex(text), hex(text).toUpperCase(), `${ref}?day=${today()}`]) {
    const answer = await get(path)
    expect([answer.status, answer.body.toString()]).toEqual([200, text])
    expect(answer.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'content-length': String(Buffer.byteLength(text)),
      etag: `"${hex(text)}"`,
    })
  }
  const rows = await database.query('select body, bytes, size from contents where sha256 = $1', [
    Buffer.from(hex(text), 'hex'),
  ])
  expect(rows).toEqual([{ body: text, bytes: null, size: Buffer.byteLength(text) }])
})

test.each([
  ['the address', { query: (bytes: Buffer) => `?sha256=${hex(bytes)}` }],
  [
    'a plain header',
    { headers: (bytes: Buffer) => ({ 'x-content-sha256': `sha256:${hex(bytes)}` }) },
  ],
  [
    'Content-Digest beside others',
    {
      headers: (bytes: Buffer) => ({
        'content-digest': `md5=:AAAAAAAAAAAAAAAAAAAAAA==:, ${digest(bytes)}`,
      }),
    },
  ],
])(
  'its hash may be said in %s',
  async (_name, said: { query?: (b: Buffer) => string; headers?: (b: Buffer) => Headers }) => {
    const bytes = randomBytes(1_000)
    const answer = await upload(bytes, {
      query: said.query?.(bytes) ?? '',
      headers: said.headers?.(bytes) ?? {},
    })
    expect(answer.status).toBe(201)
  },
)

test.each([
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
  ['deflate', deflateSync],
])(
  '%s is undone, and its Content-Digest may be of the content or of what is sent',
  async (encoding, compress) => {
    for (const isOfSent of [true, false]) {
      const text = `${encoding} ${isOfSent} `.repeat(10_000)
      const sent = compress(text)
      const answer = await upload(sent, {
        headers: { 'content-encoding': encoding, 'content-digest': digest(isOfSent ? sent : text) },
      })
      expect([answer.status, await answer.json()]).toMatchObject([
        201,
        { ref: `sha256:${hex(text)}`, size: text.length },
      ])
    }
  },
)

test('a content with another hash than the stated one is refused, and nothing lands', async () => {
  for (const headers of [
    { 'content-digest': digest('other') },
    { 'x-content-sha256': hex('other') },
    // One right and one wrong.
    { 'content-digest': digest('wrong'), 'x-content-sha256': hex('other') },
  ]) {
    const answer = await upload('wrong', { headers })
    expect([answer.status, await answer.json()]).toMatchObject([
      422,
      { code: 3, message: expect.stringContaining(hex('wrong')) },
    ])
  }
  expect((await get(hex('wrong'))).status).toBe(404)
})

test.each([
  ['none', '', {}, 'State the SHA-256 of the content'],
  ['half a hash', '?sha256=abc', {}, '64 hex digits'],
  ['hex in Content-Digest', '', { 'content-digest': `sha-256=:${'ab'.repeat(32)}:` }, 'Base64'],
  ['another hash', '', { 'content-digest': 'sha-512=:AAAA:' }, 'sha-256=:…:'],
  ['no day', `?sha256=${hex('x')}&day=tomorrow`, {}, 'YYYY-MM-DD'],
  ['a day of long ago', `?sha256=${hex('x')}&day=2020-01-01`, {}, 'YYYY-MM-DD'],
] as const)('%s is 400', async (_name, query, headers, reason) => {
  const answer = await upload('x', { query, headers })
  expect([answer.status, await answer.json()]).toMatchObject([
    400,
    { code: 3, message: expect.stringContaining(reason) },
  ])
})

test('a content above the limit is refused while it is being sent', async () => {
  await using small = await startReceiver({ database, limits: { attachmentBytesMax: 64 * 1024 } })
  const exact = randomBytes(64 * 1024)
  const query = `?sha256=${hex(exact)}`
  expect((await upload(exact, { query, to: small })).status).toBe(201)
  const more = Buffer.concat([exact, Buffer.from('x')])
  expect((await upload(more, { query: `?sha256=${hex(more)}`, to: small })).status).toBe(413)
  const bomb = gzipSync(Buffer.alloc(100 * 1024 ** 2))
  const answer = await upload(bomb, { query, headers: { 'content-encoding': 'gzip' }, to: small })
  expect(answer.status).toBe(413)

  // A body that never ends is answered before it does.
  const request = httpRequest(`${small.url}/api/v1/attachments${query}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${small.token}` },
  })
  request.on('error', () => undefined)
  const answered = once(request, 'response')
  const feed = setInterval(() => request.write(Buffer.alloc(32 * 1024)), 1)
  const [endless] = await answered
  clearInterval(feed)
  request.destroy()
  expect(endless.statusCode).toBe(413)
})

test('broken gzip is 400, an unknown encoding 415', async () => {
  const half = gzipSync('text').subarray(0, -4)
  const query = `?sha256=${hex('text')}`
  expect((await upload(half, { query, headers: { 'content-encoding': 'gzip' } })).status).toBe(400)
  expect((await upload('text', { query, headers: { 'content-encoding': 'br' } })).status).toBe(415)
})

test('a content that does not fit beside other requests is 503 with Retry-After', async () => {
  await using small = await startReceiver({ database, limits: { memoryBytesMax: 2 * 1024 ** 2 } })
  const uploads = Array.from({ length: 8 }, () => {
    const bytes = randomBytes(1024 ** 2)
    return upload(bytes, { query: `?sha256=${hex(bytes)}`, to: small })
  })
  const statuses = (await Promise.all(uploads)).map(({ status }) => status)
  expect(statuses.filter((status) => status !== 201 && status !== 503)).toEqual([])
  const last = randomBytes(1024 ** 2)
  expect((await upload(last, { query: `?sha256=${hex(last)}`, to: small })).status).toBe(201)
})

test('the same content from many clients at once lands once', async () => {
  const bytes = randomBytes(100_000)
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => upload(bytes, { query: `?sha256=${hex(bytes)}` })),
  )
  expect(answers.filter(({ status }) => status === 201).length).toBe(1)
  expect(answers.filter(({ status }) => status === 200).length).toBe(7)
})

test.each([
  ['nothing', Buffer.alloc(0), true],
  ['a NUL', Buffer.from('a\0b'), false],
  ['bytes that are not UTF-8', Buffer.from([0xff, 0xfe, 0x41]), false],
  ['HTML', Buffer.from('<script>alert(1)</script>'), true],
])('%s comes back as it was sent, and as a type that never runs', async (_name, bytes, isText) => {
  const headers = { 'content-type': 'text/html' }
  await upload(bytes, { query: `?sha256=${hex(bytes)}`, headers })
  const answer = await get(hex(bytes))
  expect(answer.body).toEqual(bytes)
  expect(answer.headers).toMatchObject({
    'content-type': isText ? 'text/plain; charset=utf-8' : 'application/octet-stream',
    'content-disposition': isText ? 'inline' : `attachment; filename="${hex(bytes)}.bin"`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': expect.stringContaining('sandbox'),
    'cross-origin-resource-policy': 'same-origin',
  })
})

test('contents of records are served too, also large ones', async () => {
  const large = 'ä0123456789'.repeat(2_000_000)
  await upload(large, { query: `?sha256=${hex(large)}` })
  const answer = await get(hex(large))
  expect(hex(answer.body)).toBe(hex(large))
  const zipped = await get(hex(large), { headers: { 'accept-encoding': 'gzip' } })
  expect(zipped.headers['content-encoding']).toBe('gzip')
  expect(zipped.body.length).toBeLessThan(large.length / 10)
  expect(hex(gunzipSync(zipped.body))).toBe(hex(large))
})

test('ranges, conditions and HEAD', async () => {
  const bytes = randomBytes(10_000)
  const sha256 = hex(bytes)
  await upload(bytes, { query: `?sha256=${sha256}` })
  for (const [range, start, end] of [
    ['bytes=0-0', 0, 1],
    ['bytes=10-99', 10, 100],
    ['bytes=9000-', 9_000, 10_000],
    ['bytes=-10', 9_990, 10_000],
    ['bytes=9990-20000', 9_990, 10_000],
    ['bytes=9990-99999999999999999999', 9_990, 10_000],
  ] as const) {
    const answer = await get(sha256, { headers: { range, 'accept-encoding': 'gzip' } })
    expect(answer.status).toBe(206)
    expect(answer.headers['content-range']).toBe(`bytes ${start}-${end - 1}/10000`)
    expect(answer.headers['content-encoding']).toBeUndefined()
    expect(answer.body).toEqual(bytes.subarray(start, end))
  }
  for (const range of ['bytes=0-1,5-6', 'lines=1-2', 'bytes=-', 'bytes=5-1', 'garbage']) {
    const answer = await get(sha256, { headers: { range } })
    expect([answer.status, answer.body.length]).toEqual([200, 10_000])
  }
  const beyond = await get(sha256, { headers: { range: 'bytes=10000-' } })
  expect([beyond.status, beyond.headers['content-range']]).toEqual([416, 'bytes */10000'])

  const { etag = '' } = (await get(sha256)).headers
  for (const tags of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
    const unchanged = await get(sha256, { headers: { 'if-none-match': tags } })
    expect([unchanged.status, unchanged.body.length]).toEqual([304, 0])
  }
  expect((await get(sha256, { headers: { 'if-none-match': '"x"' } })).status).toBe(200)
  for (const [tag, status] of [
    [etag, 206],
    ['"x"', 200],
    [`W/${etag}`, 200],
    ['Tue, 24 Nov 2026 00:00:00 GMT', 200],
  ] as const) {
    const part = await get(sha256, { headers: { range: 'bytes=0-0', 'if-range': tag } })
    expect([tag, part.status]).toEqual([tag, status])
  }

  const head = await get(sha256, { method: 'HEAD' })
  expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, '10000', 0])
  expect((await get('0'.repeat(64), { method: 'HEAD' })).status).toBe(404)
})

test.each(['x', 'sha256:abc', `md5:${'a'.repeat(64)}`, '%00', '%zz'])(
  '%s names no content',
  async (name) => {
    const answer = await get(name)
    expect([answer.status, JSON.parse(answer.body.toString())]).toMatchObject([400, { code: 3 }])
  },
)

test('a missing content is 404, and so is one of another day', async () => {
  const none = await get('0'.repeat(64))
  expect([none.status, JSON.parse(none.body.toString())]).toMatchObject([
    404,
    { code: 5, message: expect.stringContaining('There is no content sha256:000') },
  ])
  const text = 'of a day'
  const day = new Date(Date.now() - 3 * 86_400_000).toISOString().slice(0, 10)
  const landed = await upload(text, { query: `?sha256=${hex(text)}&day=${day}` })
  expect(await landed.json()).toMatchObject({ days: [day] })
  expect((await get(hex(text))).status).toBe(200)
  expect((await get(`${hex(text)}?day=${day}`)).status).toBe(200)
  expect((await get(`${hex(text)}?day=${today()}`)).status).toBe(404)
})

test('a token for sending may not read, one for reading may not send, and a team reads only its own contents', async () => {
  const text = 'for whom'
  const query = `?sha256=${hex(text)}`
  expect((await upload(text, { query, to: { url: receiver.url, token: '' } })).status).toBe(401)
  expect((await upload(text, { query, to: { url: receiver.url, token: reader } })).status).toBe(403)
  const gateway = await receiver.newToken({ scope: 'gateway' })
  expect((await upload(text, { query, to: { url: receiver.url, token: gateway } })).status).toBe(
    201,
  )
  expect((await get(hex(text), { token: '' })).status).toBe(401)
  expect((await get(hex(text), { token: receiver.token })).status).toBe(403)
  expect(
    (await get(hex(text), { token: await receiver.newToken({ scope: 'admin' }) })).status,
  ).toBe(200)
  const other = await createToken(database, { user: 'eve', scope: 'read', team: 'other' })
  expect((await get(hex(text), { token: other })).status).toBe(404)
})

test('a signed-in browser may read, only under one of the receiver’s names', async () => {
  const text = 'in a browser'
  await upload(text, { query: `?sha256=${hex(text)}` })
  const link = await createSignInLink(database, { baseUrl: receiver.url })
  const signedIn = await fetch(link, { redirect: 'manual' })
  const cookie = signedIn.headers.get('set-cookie')?.split(';', 1)[0] ?? ''
  const answer = await get(hex(text), { token: '', headers: { cookie } })
  expect([answer.status, answer.body.toString()]).toEqual([200, text])
  const foreign = { cookie, host: 'evil.example' }
  expect((await get(hex(text), { token: '', headers: foreign })).status).toBe(401)
})

test('while the database is away the answer is 503 with Retry-After', async () => {
  const { database: lost, receiver: other } = await withReceiver()
  await lost.query('alter table contents rename to contents_away')
  const answer = await upload('x', { query: `?sha256=${hex('x')}`, to: other })
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5'])
})
