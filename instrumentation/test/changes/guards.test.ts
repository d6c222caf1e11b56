import { request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { expect, test } from 'vitest'
import { guard, isLoopbackHost, type RequestFacts } from '../../src/changes/guards.ts'
import { bench } from './support.ts'

test.each([
  'localhost',
  'LOCALHOST:8000',
  'localhost:80',
  '127.0.0.1',
  '127.0.0.1:8000',
  '127.255.0.3:1',
  '[::1]',
  '[::1]:8000',
  'app.localhost',
  'my-app.dev.localhost:3000',
])('%s is a loopback host', (host) => {
  expect(isLoopbackHost(host)).toBe(true)
})

test.each([
  '',
  'example.com',
  'localhost.example.com',
  'localhost.',
  'notlocalhost',
  '127.0.0.1.example.com',
  '127.0.0.1.nip.io',
  '126.0.0.1',
  '127.0.0.256',
  '127.1',
  '0.0.0.0',
  '192.168.0.7:8000',
  '[::]',
  '[::ffff:127.0.0.1]',
  '::1',
  'localhost:',
  'localhost:8000:1',
  'localhost@example.com',
  'example.com#localhost',
  '.localhost',
  '-.localhost',
  'localhost, example.com',
  '127.0.0.1\n',
  'xn--localhost',
])('%j is not', (host) => {
  expect(isLoopbackHost(host)).toBe(false)
})

function facts(headers: Record<string, string>, fields: Partial<RequestFacts> = {}): RequestFacts {
  const base = { method: 'GET', remoteAddress: '127.0.0.1', isEncrypted: false }
  return { ...base, headers: { host: 'localhost:8000', ...headers }, ...fields }
}

const post = { method: 'POST' }
const json = { 'content-type': 'application/json' }

test.each<[string, RequestFacts]>([
  ['without Origin', facts({})],
  ['with its own Origin', facts({ origin: 'http://localhost:8000' })],
  ['with its own Origin in capitals', facts({ origin: 'HTTP://LocalHost:8000' })],
  [
    'with its own Origin and the default port',
    facts({ host: 'localhost:80', origin: 'http://localhost' }),
  ],
  [
    'with its own Origin over TLS',
    facts({ origin: 'https://localhost:8000' }, { isEncrypted: true }),
  ],
  ['from its own page', facts({ 'sec-fetch-site': 'same-origin' })],
  ['typed into the address line', facts({ 'sec-fetch-site': 'none' })],
  ['as JSON', facts(json, post)],
  ['as JSON with a charset', facts({ 'content-type': 'Application/JSON ; charset=utf-8' }, post)],
  ['over IPv6', facts({ host: '[::1]:8000' }, { remoteAddress: '::1' })],
  ['over mapped IPv4', facts({}, { remoteAddress: '::ffff:127.0.0.1' })],
  ['over a Unix socket', facts({}, { remoteAddress: undefined })],
])('a request %s passes', (_claim, request) => {
  expect(guard(request)).toBeUndefined()
})

test.each<[string, number, RequestFacts]>([
  ['from another machine', 403, facts({}, { remoteAddress: '192.168.0.9' })],
  ['to a rebound name', 403, facts({ host: 'evil.example:8000' })],
  [
    'to a rebound name from its own page',
    403,
    facts({ host: 'evil.example', origin: 'http://evil.example' }),
  ],
  ['from another origin', 403, facts({ origin: 'https://evil.example' })],
  ['from another port', 403, facts({ origin: 'http://localhost:3000' })],
  ['from another scheme', 403, facts({ origin: 'https://localhost:8000' })],
  ['from another loopback name', 403, facts({ origin: 'http://127.0.0.1:8000' })],
  ['from a sandboxed page', 403, facts({ origin: 'null' })],
  ['from an empty Origin', 403, facts({ origin: '' })],
  ['from an Origin with user', 403, facts({ origin: 'http://localhost:8000@evil.example' })],
  ['from an Origin with path', 403, facts({ origin: 'http://localhost:8000/' })],
  ['from a page of another site', 403, facts({ 'sec-fetch-site': 'cross-site' })],
  ['from a page of another port, by an image', 403, facts({ 'sec-fetch-site': 'same-site' })],
  ['as a form', 415, facts({ 'content-type': 'application/x-www-form-urlencoded' }, post)],
  ['as text', 415, facts({ 'content-type': 'text/plain; application/json' }, post)],
  ['as something like JSON', 415, facts({ 'content-type': 'application/jsonp' }, post)],
  ['without content type', 415, facts({}, post)],
])('a request %s is refused with %i', (_claim, status, request) => {
  expect(guard(request)).toMatchObject({ status })
})

test('over real HTTP the same holds, for every route', async () => {
  const { app, operated, read } = await bench()
  const change = operated({ opType: 'edit', path: 'a.txt', before: 'one', after: 'two' })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const own = { host: `localhost:${port}` }
  const send = (method: string, path: string, headers: Record<string, string>) =>
    new Promise<number | undefined>((resolve, reject) => {
      request({ port, host: '127.0.0.1', method, path, headers }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
        .on('error', reject)
        .end(method === 'POST' ? '{}' : undefined)
    })
  const revert = `/api/changes/${change.opId}/revert`
  for (const path of ['/api/changes/recent', `/api/changes/${change.opId}`]) {
    expect(await send('GET', path, own)).toBe(200)
    expect(await send('HEAD', path, own)).toBe(200)
    for (const method of ['GET', 'HEAD']) {
      expect(await send(method, path, { host: 'evil.example' })).toBe(403)
      expect(await send(method, path, { ...own, origin: 'http://evil.example' })).toBe(403)
      expect(await send(method, path, { ...own, 'sec-fetch-site': 'cross-site' })).toBe(403)
    }
  }
  expect(await send('POST', revert, { ...json, host: 'evil.example' })).toBe(403)
  expect(await send('POST', revert, { ...json, ...own, origin: 'http://evil.example' })).toBe(403)
  expect(await send('POST', revert, { ...own, 'content-type': 'text/plain' })).toBe(415)
  expect(await send('POST', revert, own)).toBe(415)
  expect(read('a.txt')).toBe('two')
  expect(await send('POST', revert, { ...json, ...own, origin: `http://localhost:${port}` })).toBe(
    200,
  )
  expect(read('a.txt')).toBe('one')
})

test('a request without Host is refused', async () => {
  const { app } = await bench()
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    socket.on('data', (bytes) => (text += bytes.toString())).on('error', reject)
    socket.on('close', () => resolve(text))
    socket.write('GET /api/changes/recent HTTP/1.0\r\n\r\n')
  })
  expect(answer).toMatch(/^HTTP\/1\.[01] 403 /)
})
