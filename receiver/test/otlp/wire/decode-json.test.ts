import { expect, test } from 'vitest'
import { log, logsRequest } from '../../../../test/support/otlp.ts'
import { decodeJson } from '../../../src/otlp/wire/decode.ts'

/** The decoded body of a log record with this JSON, and the record's problem. */
function bodyOf(json: string): readonly unknown[] {
  const text = JSON.stringify(logsRequest([log({}, { body: 0 })])).replace(
    '"body":0',
    `"body":${json}`,
  )
  const { groups } = decodeJson('logs', text)
  return groups.flatMap(({ records }) =>
    records.map((record) => ('body' in record ? (record.problem ?? record.body) : undefined)),
  )
}

test.each([
  ['1e300', 1e300],
  ['-1e+21', -1e21],
  ['1.5', 1.5],
  ['9223372036854775808', 2 ** 63],
  ['9223372036854775807', 2n ** 63n - 1n],
])('an intValue of %s, written as a number, keeps its value', (number, value) => {
  expect(bodyOf(`{"intValue":${number}}`)).toEqual([value])
})

test.each([
  ['base64', '"AP8="'],
  ['base64 without padding', '"AP8"'],
  ['JSON of a Uint8Array', '{"0":0,"1":255}'],
  ['JSON of a Buffer', '{"type":"Buffer","data":[0,255]}'],
])('a bytesValue in %s is its bytes', (_name, json) => {
  expect(bodyOf(`{"bytesValue":${json}}`)).toEqual([Buffer.from([0, 255])])
})

test('base64 in the other alphabet gives the same bytes', () => {
  expect(bodyOf('{"bytesValue":"_-8="}')).toEqual(bodyOf('{"bytesValue":"/+8="}'))
})

test.each(['"!!"', '"AP8==="', '5', '[]', '{"0":256}', '{"1":0}', '{"type":"Buffer"}'])(
  'a bytesValue of %s is a problem of its record, not other bytes',
  (json) => expect(bodyOf(`{"bytesValue":${json}}`)).toEqual(['bytesValue is not base64']),
)

test('a doubleValue of "1.2.3" is a problem of its record', () => {
  expect(bodyOf('{"doubleValue":"1.2.3"}')).toEqual(['doubleValue is not a number'])
})
