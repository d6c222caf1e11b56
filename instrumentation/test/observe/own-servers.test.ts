/** An app's request to its own server is no traffic with an unknown model; one to another process may be. */
import { once } from 'node:events'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { runProgram } from '../support/observed-program.ts'
import { readRecorded } from '../support/recorded.ts'
import { makeWorkspace } from '../support/workspace.ts'

/** What the app counts as unseen, by sign and path, if it sends these requests. */
async function unseenOf(...sends: readonly string[]) {
  const other = http.createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end('data: {"choices":[{"delta":{"content":"hel"}}]}\n\n')
    })
  })
  other.listen(0, '127.0.0.1')
  await once(other, 'listening')
  using _closed = { [Symbol.dispose]: () => void other.close() }
  using workspace = makeWorkspace()
  const { folder, spool } = workspace
  const OTHER = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
  const env = { OTHER, SENDS: sends.join(',') }
  const outcome = await runProgram('own-route-host.ts', { cwd: folder, spool, env })
  expect(outcome).toMatchObject({ stderr: '', code: 0 })
  expect(outcome.stdout).not.toContain('no way')
  return readRecorded(spool)
    .logs.filter(({ event }) => event === 'turnlog.unseen')
    .map(({ attributes }) => [
      attributes['turnlog.unseen.why'],
      attributes['url.template'],
      attributes['turnlog.unseen.count'],
    ])
}

const names = ['localhost', '127.0.0.1', '[::1]'] as const

test('a request to a server of the same process is none, whatever name it has', async () => {
  const sends = names.flatMap((name) => [`fetch ${name}`, `http ${name}`, `fetch ${name}`])
  expect(await unseenOf(...sends, 'http by name')).toEqual([])
})

test('nor is one over HTTP/2, or over a socket of the file system', async () => {
  expect(await unseenOf('http2', 'http socket', 'fetch socket')).toEqual([])
})

test('a request to another process counts, also if it is handed on with the name of this one', async () => {
  expect(await unseenOf('fetch other', 'http other', 'forward')).toEqual([
    ['request_body', '/api/chat', 1],
    ['request_body', '/api/chat', 1],
    ['request_body', '/api/chat', 1],
  ])
})
