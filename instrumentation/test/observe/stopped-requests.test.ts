import { once } from 'node:events'
import { expect, test } from 'vitest'
import { isStoppedByApp, reasonOfEnd } from '../../src/observe/stopped-requests.ts'

const withCode = (code: string): Error => Object.assign(new Error('x'), { code })

test.for<[string, unknown]>([
  ['a signal', AbortSignal.abort().reason],
  ['a signal with a text', 'the user pressed Esc'],
  ['a signal with an error of the app', new Error('stop')],
  ['axios', withCode('ERR_CANCELED')],
  ['Node', withCode('ABORT_ERR')],
  ['destroy', reasonOfEnd(undefined)],
])('a request that ends by %s was stopped by the app', ([, error]) => {
  expect(isStoppedByApp(error)).toBe(true)
})

test.for<[string, unknown]>([
  ['the server', withCode('ECONNRESET')],
  ['undici', withCode('UND_ERR_SOCKET')],
  ['HTTP/2', { code: 'ERR_HTTP2_STREAM_ERROR' }],
])('a request that ends by %s was not', ([, error]) => {
  expect(isStoppedByApp(error)).toBe(false)
})

test('a time limit is not a stop', async () => {
  const signal = AbortSignal.timeout(0)
  await once(signal, 'abort')
  expect(isStoppedByApp(signal.reason)).toBe(false)
})

test("a time limit is found where Node's clients put the signal's reason", async () => {
  const signal = AbortSignal.timeout(0)
  await once(signal, 'abort')
  const given = Object.assign(new Error('x', { cause: signal.reason }), { code: 'ABORT_ERR' })
  expect(reasonOfEnd(given)).toBe(signal.reason)
})
