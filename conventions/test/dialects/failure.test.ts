import { expect, test } from 'vitest'
import { toldFailure } from '../../src/dialects/failure.ts'

interface Span {
  readonly attributes?: Readonly<Record<string, unknown>>
  readonly status?: { readonly code: number; readonly message?: string }
  readonly exception?: Readonly<Record<string, unknown>>
}

function failureOf({ attributes = {}, status, exception }: Span) {
  const events =
    exception === undefined ? [] : [{ name: 'exception', get: (name: string) => exception[name] }]
  return toldFailure({ get: (name) => attributes[name], status, events })
}

const failed = { code: 2 }
const exception = { 'exception.type': 'DiskFull', 'exception.message': 'The disk is full.' }

test.for<[string, Span, object]>([
  [
    'a recorded exception',
    { status: failed, exception },
    { type: 'DiskFull', message: 'The disk is full.', isAborted: false },
  ],
  [
    'a type of its own, and the message of its status',
    { attributes: { 'error.type': '429' }, status: { code: 2, message: 'Wait.' }, exception },
    { type: '429', message: 'Wait.', isAborted: false },
  ],
  ['nothing but its status', { status: failed }, { type: '_OTHER', message: undefined }],
  [
    'the level of an observation of Langfuse',
    {
      attributes: {
        'langfuse.observation.level': 'ERROR',
        'langfuse.observation.status_message': 'no',
      },
    },
    { type: '_OTHER', message: 'no' },
  ],
  [
    'the state of an action of Genkit',
    { attributes: { 'genkit:state': 'error' } },
    { type: '_OTHER', message: undefined },
  ],
  [
    'an abort',
    { status: failed, exception: { 'exception.type': 'AbortError' } },
    { type: 'AbortError', isAborted: true },
  ],
])('a span with %s has failed', ([, span, expected]) => {
  expect(failureOf(span)).toMatchObject(expected)
})

test('a span without a sign of failure has not failed', () => {
  expect(failureOf({ status: { code: 1 }, exception })).toBeUndefined()
  expect(failureOf({})).toBeUndefined()
})
