import { expect, test } from 'vitest'
import { interpretAnswer } from '../../src/upload/answer.ts'

const nowMs = 0
const interpret = (httpStatus: number, body: string | undefined = '', retryAfter?: string) =>
  interpretAnswer({ httpStatus, body, retryAfter }, nowMs)

test.for([
  ['{}', 0, undefined],
  [' {} \n', 0, undefined],
  ['{"partialSuccess":{}}', 0, undefined],
  ['{"partialSuccess":null}', 0, undefined],
  ['{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}}', 3, 'too old'],
  ['{"partialSuccess":{"rejectedLogRecords":2}}', 2, undefined],
  ['{"partial_success":{"rejected_spans":1,"error_message":"x"}}', 1, 'x'],
  ['{"partialSuccess":{"rejectedSpans":0,"errorMessage":"a warning"}}', 0, 'a warning'],
  ['{"partialSuccess":{"rejectedSpans":"-5"}}', 0, undefined],
  ['{"partialSuccess":{"rejectedSpans":"many"}}', 0, undefined],
  ['{"partialSuccess":{},"later":1}', 0, undefined],
] as const)('200 %s is accepted', ([body, rejected, message]) => {
  expect(interpret(200, body)).toEqual({
    status: 'accepted',
    isCommitted: false,
    rejected,
    ...(message !== undefined && { message }),
  })
})

test.each([
  ['committed', true],
  ['later', false],
  ['', false],
  [undefined, false],
])('an answer that says %j of the ledger means committed: %s', (ledger, isCommitted) => {
  const answer = { httpStatus: 200, ledger, body: '{}' }
  expect(interpretAnswer(answer, 0)).toEqual({ status: 'accepted', isCommitted, rejected: 0 })
})

test.for([
  [200, ''],
  [200, '<!doctype html><title>Please sign in</title>'],
  [200, 'ok'],
  [200, '[]'],
  [200, 'null'],
  [200, '"{}"'],
  [200, '{"partialSuccess":'],
  [200, '{"login":"https://portal"}'],
  [200, undefined],
  [202, ''],
  [204, ''],
] as const)('%i %s is no delivery', ([status, body]) => {
  expect(interpretAnswer({ httpStatus: status, body }, nowMs)).toMatchObject({ status: 'retry' })
})

test.for([
  [408, 'retry'],
  [425, 'retry'],
  [429, 'retry'],
  [500, 'retry'],
  [501, 'retry'],
  [502, 'retry'],
  [503, 'retry'],
  [504, 'retry'],
  [599, 'retry'],
  [401, 'unauthorized'],
  [403, 'unauthorized'],
  [301, 'misconfigured'],
  [302, 'misconfigured'],
  [304, 'misconfigured'],
  [307, 'misconfigured'],
  [404, 'misconfigured'],
  [405, 'misconfigured'],
  [407, 'misconfigured'],
  [410, 'misconfigured'],
  [400, 'misconfigured'],
  [411, 'misconfigured'],
  [413, 'rejected'],
  [415, 'misconfigured'],
  [422, 'misconfigured'],
] as const)('%i without a body means %s', ([httpStatus, status]) => {
  expect(interpret(httpStatus)).toMatchObject({ status, reason: `HTTP ${httpStatus}` })
})

test.for([400, 411, 413, 415, 422])('%i with an OTLP answer means rejected', (httpStatus) => {
  expect(interpret(httpStatus, '{"code":3,"message":"no"}')).toMatchObject({ status: 'rejected' })
})

test.for([
  'Client sent an HTTP request to an HTTPS server.\n',
  '<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>',
])('a 400 that is no OTLP answer judges no records: %s', (body) => {
  expect(interpret(400, body)).toMatchObject({ status: 'misconfigured' })
})

test('Retry-After is passed on', () => {
  expect(interpret(503, '', '7')).toMatchObject({ afterMs: 7_000 })
  expect(interpret(429, '', 'Thu, 01 Jan 1970 00:00:09 GMT')).toMatchObject({ afterMs: 9_000 })
  expect(interpret(503, '', 'soon')).not.toHaveProperty('afterMs')
})

test('the reason has the server’s message, short, on one line', () => {
  expect(interpret(400, '{"code":3,"message":"not\\n OTLP"}')).toMatchObject({
    reason: 'HTTP 400: not OTLP',
  })
  expect(interpret(413, 'too large')).toMatchObject({ reason: 'HTTP 413: too large' })
  expect(interpret(404, '<html>…')).toMatchObject({ reason: 'HTTP 404' })
  expect(interpret(400, JSON.stringify({ message: 'x'.repeat(9_999) }))).toMatchObject({
    reason: `HTTP 400: ${'x'.repeat(300)}`,
  })
})
