import { createServer } from 'node:net'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { createHttpTransport } from '../../src/upload/http-transport.ts'
import { accept, startReceiver, status } from './receiver.ts'

const token = 'a-token'
const body = gzipSync('{"resourceSpans":[]}')

function transport(timeoutMs?: number) {
  const made = createHttpTransport({
    userAgent: 'turnlog/0.1.0',
    ...(timeoutMs !== undefined && { timeoutMs }),
  })
  return { ...made, [Symbol.dispose]: made.close }
}

test('one POST has the segment exactly as it is on disk, with its length', async () => {
  await using receiver = await startReceiver()
  using http = transport()
  const result = await http.send({ url: `${receiver.url}/v1/traces`, token, body })
  expect(result).toEqual({ status: 'accepted', isCommitted: false, rejected: 0 })
  const [request] = receiver.received
  expect(request).toMatchObject({
    method: 'POST',
    url: '/v1/traces',
    body: '{"resourceSpans":[]}',
    headers: {
      'content-type': 'application/json',
      'content-encoding': 'gzip',
      'content-length': String(body.byteLength),
      authorization: `Bearer ${token}`,
      'user-agent': 'turnlog/0.1.0',
    },
  })
  expect(request?.rawBody).toEqual(body)
  expect(request?.headers).not.toHaveProperty('transfer-encoding')
})

test('without a token there is no authorization', async () => {
  await using receiver = await startReceiver()
  using http = transport()
  await http.send({ url: `${receiver.url}/v1/logs`, token: undefined, body })
  expect(receiver.received[0]?.headers).not.toHaveProperty('authorization')
})

test('a redirect is not followed, so the token is sent nowhere else', async () => {
  await using elsewhere = await startReceiver()
  await using receiver = await startReceiver(
    status(307, '', { location: `${elsewhere.url}/v1/traces` }),
  )
  using http = transport()
  expect(await http.send({ url: `${receiver.url}/v1/traces`, token, body })).toMatchObject({
    status: 'misconfigured',
  })
  expect(elsewhere.received).toEqual([])
})

test.for([
  ['a login page', status(200, '<html>Sign in</html>', { 'content-type': 'text/html' })],
  ['an empty 200', status(200)],
  ['a 204', status(204)],
] as const)('%s is no delivery', async ([, answer]) => {
  await using receiver = await startReceiver(answer)
  using http = transport()
  expect(await http.send({ url: receiver.url, token, body })).toMatchObject({ status: 'retry' })
})

test('an answer without end is cut off, and is no delivery', async () => {
  await using receiver = await startReceiver((_, response) => {
    const write = (): void => {
      while (!response.destroyed && response.write(`{${' '.repeat(65_536)}`));
      if (!response.destroyed) response.once('drain', write)
    }
    write()
  })
  using http = transport()
  expect(await http.send({ url: receiver.url, token, body })).toMatchObject({ status: 'retry' })
})

test('an answer that breaks off is no delivery', async () => {
  await using receiver = await startReceiver((_, response) => {
    response.writeHead(200, { 'content-length': '99' }).write('{}')
    setImmediate(() => response.destroy())
  })
  using http = transport()
  expect(await http.send({ url: receiver.url, token, body })).toMatchObject({ status: 'retry' })
})

test('a refusal whose body breaks off is a refusal', async () => {
  await using receiver = await startReceiver((_, response) => {
    response.writeHead(401, { 'content-length': '99' }).write('{')
    setImmediate(() => response.destroy())
  })
  using http = transport()
  expect(await http.send({ url: receiver.url, token, body })).toMatchObject({
    status: 'unauthorized',
  })
})

test('a refused connection, an unknown name, a port without HTTP: retry', async () => {
  const gone = await startReceiver()
  await gone.stop()
  using http = transport()
  expect(await http.send({ url: gone.url, token, body })).toEqual({
    status: 'retry',
    reason: 'ECONNREFUSED',
  })
  expect(await http.send({ url: 'http://turnlog.invalid', token, body })).toMatchObject({
    status: 'retry',
  })
  const server = createServer((socket) => socket.end('hello\r\n\r\n')).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  expect(await http.send({ url: `http://127.0.0.1:${port}`, token, body })).toMatchObject({
    status: 'retry',
  })
  server.close()
})

test('a server that does not answer in time is retried', async () => {
  await using receiver = await startReceiver(() => {})
  using http = transport(100)
  expect(await http.send({ url: receiver.url, token, body })).toEqual({
    status: 'retry',
    reason: 'no answer within 100 ms',
  })
})

test('an answer that arrives too slowly is cut off', async () => {
  await using receiver = await startReceiver((_, response) => {
    response.writeHead(200).write('{')
  })
  using http = transport(100)
  expect(await http.send({ url: receiver.url, token, body })).toMatchObject({ status: 'retry' })
})

test('the signal ends a request that is under way', async () => {
  const abort = new AbortController()
  await using receiver = await startReceiver(() => abort.abort())
  using http = transport()
  expect(await http.send({ url: receiver.url, token, body, signal: abort.signal })).toMatchObject({
    status: 'retry',
  })
})

test('a token that HTTP does not allow throws nothing and is repeated nowhere', async () => {
  await using receiver = await startReceiver()
  using http = transport()
  const result = await http.send({ url: receiver.url, token: 'hunter2\nx: y', body })
  expect(result.status).toBe('retry')
  expect(JSON.stringify(result)).not.toContain('hunter2')
  expect(receiver.received).toEqual([])
})

test('a connection that the server closed while idle costs no retry', async () => {
  let connections = 0
  await using receiver = await startReceiver((request, response) => {
    connections += 1
    // The server closes the connection before its second request, as after a long idle time.
    if (connections === 2) response.destroy()
    else accept(request, response)
  })
  using http = transport()
  const send = () => http.send({ url: receiver.url, token, body })
  expect([await send(), await send()]).toMatchObject([
    { status: 'accepted' },
    { status: 'accepted' },
  ])
})
