/** Answers as providers document them, or as they were seen: each is read whole, and its tool calls while it comes. */
import { describe, expect, test } from 'vitest'
import type { WireExchange } from '../../src/models/model-api.ts'
import { findModelApi, findPossibleApis } from '../../src/models/model-apis.ts'
import { hasWatchedError, parse, watchedCalls } from './api-checks.ts'
import type { CorpusCase } from './corpus/case.ts'
import { chatCompletions } from './corpus/chat-completions.ts'
import { otherApis } from './corpus/other-apis.ts'
import { textCompletionCases } from './corpus/text-completions.ts'

const all: readonly CorpusCase[] = [...chatCompletions, ...otherApis, ...textCompletionCases]

describe.each(all.map((each) => [each.from, each] as const))('%s', (_, each) => {
  const { url, request = {}, status = 200, contentType, headers = [] } = each
  const requestBody = Buffer.from(JSON.stringify(request))
  const responseBody = Buffer.from(each.body)
  const [found] = findPossibleApis('POST', URL.parse(url))
  const api = findModelApi('POST', URL.parse(url)) ?? found
  if (api === undefined) throw new Error(`No model API has ${url}.`)
  const exchange: WireExchange = {
    url,
    requestBody,
    status,
    responseHeaders: [['content-type', contentType], ...headers],
    responseBody,
    isComplete: true,
  }

  test('is recorded whole', () => {
    const call = api.map(exchange)
    const [output] = parse(call.outputMessages) ?? []
    const { role: _role, parts = [], finish_reason: _reason, ...members } = output ?? {}
    expect({ parts, members }).toEqual({ parts: each.parts, members: each.members ?? {} })
    expect(call.finishReasons).toEqual(each.reasons)
    expect(call.usage).toEqual(each.usage ?? {})
    expect(call.toolCalls).toEqual(each.calls ?? [])
    expect({ type: call.errorType, message: call.errorMessage }).toEqual({
      type: each.error?.type,
      message: each.error?.message,
    })
    if (each.asked !== undefined) {
      expect(parse(call.inputMessages).at(-1).parts).toEqual(each.asked)
    }
  })

  test.skipIf(status >= 300)('has its tool calls while it comes', () => {
    for (const size of [1, 7, responseBody.length]) {
      expect(watchedCalls(api, contentType, responseBody, size)).toEqual(each.calls ?? [])
    }
    expect(hasWatchedError(api, contentType, responseBody)).toBe(each.error !== undefined)
  })

  test('may be cut anywhere', () => {
    for (let end = 0; end < responseBody.length; end += 1) {
      api.map({ ...exchange, responseBody: responseBody.subarray(0, end), isComplete: false })
    }
  })
})
