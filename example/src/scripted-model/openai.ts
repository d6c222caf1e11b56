/** For both of OpenAI's APIs: checks the key, and writes refusals. */

import { type Dialect, hasBearerToken } from './dialect.ts'

const errorCodes = {
  invalid: null,
  unauthenticated: 'invalid_api_key',
  not_found: 'unknown_url',
  too_large: 'request_too_large',
} as const

export const openAi = {
  requestIdHeader: 'x-request-id',
  checkHeaders(headers) {
    if (hasBearerToken(headers)) return undefined
    const message = 'Missing bearer authentication in header'
    return { kind: 'unauthenticated', message }
  },
  writeRefusal: ({ kind, message }) => ({
    error: { message, type: 'invalid_request_error', param: null, code: errorCodes[kind] },
  }),
} as const satisfies Partial<Dialect>
