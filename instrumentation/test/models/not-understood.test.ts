/** A request or an answer in no form that its API is known to have is recorded as the text that it is, and this is said. */
import { describe, expect, test } from 'vitest'
import { modelApis } from '../../src/models/model-apis.ts'
import { bytesOf, json, parse } from './api-checks.ts'

const name = 'turnlog.model_call.not_understood'
const odd = { greeting: ['hello'] }

describe.each(modelApis.map((api) => [api.name, api] as const))('%s', (_, api) => {
  const exchange = {
    url: 'https://h.example/v1beta/models/m:generateContent',
    requestBody: bytesOf(odd),
    status: 200,
    responseHeaders: json,
    responseBody: bytesOf(odd),
    isComplete: true,
  }

  test('an odd request and an odd answer are kept as texts, and are no failure', () => {
    const call = api.map(exchange)
    expect(call.attributes[name]).toEqual(['request', 'answer'])
    expect(call.requestText).toBe(JSON.stringify(odd))
    expect(parse(call.outputMessages)).toEqual([
      {
        role: 'assistant',
        parts: [{ type: 'text', content: JSON.stringify(odd) }],
        finish_reason: 'unknown',
      },
    ])
    expect(call).not.toHaveProperty('errorType')
    expect(call).toMatchObject({ finishReasons: [], usage: {}, toolCalls: [] })
  })

  test('one that is cut, refused or no JSON is a failure', () => {
    const cut = api.map({ ...exchange, responseBody: bytesOf('{"greeting":'), isComplete: false })
    const refused = api.map({ ...exchange, status: 502 })
    const page = api.map({ ...exchange, responseBody: bytesOf('<html>Bad Gateway</html>') })
    for (const call of [cut, refused, page]) {
      expect(call.attributes[name] ?? []).not.toContain('answer')
      expect(call.errorType).toBeDefined()
    }
  })
})
