import { expect, test } from 'vitest'
import { parseEndpoint } from '../../src/upload/endpoint.ts'

test.for([
  ['http://127.0.0.1:4320', 'http://127.0.0.1:4320'],
  ['http://127.0.0.1:4320/', 'http://127.0.0.1:4320'],
  ['http://127.0.0.1:4320//', 'http://127.0.0.1:4320'],
  [' HTTP://LocalHost:4320 ', 'http://localhost:4320'],
  ['https://example.com', 'https://example.com'],
  ['https://example.com:443/', 'https://example.com'],
  ['https://example.com/base/path', 'https://example.com/base/path'],
  ['https://example.com/base/path/', 'https://example.com/base/path'],
  ['https://example.com/api/v1/events', 'https://example.com'],
  ['https://example.com/api/v1/events/', 'https://example.com'],
  ['https://example.com/base/api/v1/events', 'https://example.com/base'],
  ['https://example.com/v1/traces', 'https://example.com'],
  ['https://example.com/base/v1/logs/', 'https://example.com/base'],
  ['http://[::1]:4320', 'http://[::1]:4320'],
] as const)('%s posts below %s', ([text, baseUrl]) => {
  expect(parseEndpoint(text)).toEqual({
    status: 'ok',
    baseUrl,
    urls: { traces: `${baseUrl}/v1/traces`, logs: `${baseUrl}/v1/logs` },
  })
})

test.for([
  '',
  'localhost:4320',
  'ftp://example.com',
  'http://',
  'http://a b',
  'https://user:hunter2@example.com',
  'https://example.com/?token=hunter2',
  'https://example.com/#hunter2',
])('%j is refused, with a reason that does not repeat it', (text) => {
  const result = parseEndpoint(text)
  expect(result.status).toBe('invalid')
  if (result.status === 'ok') return
  expect(result.reason).toMatch(/^The endpoint cannot be used: .+\.$/)
  expect(result.reason).not.toContain('hunter2')
})
