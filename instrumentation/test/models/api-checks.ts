/** What the tests of all model APIs check alike. */
import { expect } from 'vitest'
import type { ModelApi, ToolCallRequest, WireExchange } from '../../src/models/model-api.ts'

export const json = [['content-type', 'application/json']] as const
export const sse = [['content-type', 'text/event-stream']] as const
export const lines = [['content-type', 'application/x-ndjson']] as const

export function bytesOf(value: unknown): Buffer {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
}

export function parse(text: string | undefined) {
  return JSON.parse(text ?? 'null')
}

/** The exchange, cut at each of its bytes, maps without a throw, to a beginning of its text, which never gets shorter. */
export function mapsAtEveryByte(api: ModelApi, exchange: WireExchange): void {
  const whole = api.map(exchange)
  let last = 0
  for (let end = 0; end <= exchange.responseBody.byteLength; end += 1) {
    const responseBody = exchange.responseBody.subarray(0, end)
    const call = api.map({ ...exchange, responseBody, isComplete: false, error: 'UND_ERR_SOCKET' })
    expect(whole.answerText.startsWith(call.answerText)).toBe(true)
    expect(call.answerText.length).toBeGreaterThanOrEqual(last)
    last = call.answerText.length
    parse(call.outputMessages)
  }
  expect(last).toBe(whole.answerText.length)
  for (let end = 0; end < exchange.requestBody.byteLength; end += 1) {
    api.map({ ...exchange, requestBody: exchange.requestBody.subarray(0, end) })
  }
}

/** The tool calls that are seen while `body` passes in pieces of `size` bytes. */
export function watchedCalls(
  api: ModelApi,
  contentType: string,
  body: Uint8Array,
  size = body.length,
): ToolCallRequest[] {
  const watcher = api.watch({ contentType, contentEncoding: undefined })
  const seen: ToolCallRequest[] = []
  for (let at = 0; at < body.length; at += size) {
    seen.push(...watcher.push(body.subarray(at, at + size)))
  }
  return [...seen, ...watcher.end()]
}

export function hasWatchedError(api: ModelApi, contentType: string, body: Uint8Array): boolean {
  const watcher = api.watch({ contentType, contentEncoding: undefined })
  for (const byte of body) watcher.push(Uint8Array.of(byte))
  watcher.end()
  return watcher.hasError
}

/** Values that no member of a request or an answer should be. */
export const oddValues: readonly unknown[] = [
  null,
  true,
  7,
  'x',
  [],
  [null],
  {},
  [[1]],
  [{}],
  { type: 7 },
  { role: 7, content: 7, parts: 7 },
  [{ role: 'user', content: null, parts: [null, 7, {}, { text: 7 }] }],
]

/** Whatever values the members of a request and an answer have, nothing throws. */
export function takesOddValues(
  api: ModelApi,
  members: { readonly request: readonly string[]; readonly answer: readonly string[] },
): void {
  const withMembers = (names: readonly string[], value: unknown) =>
    Object.fromEntries(names.map((name) => [name, value]))
  for (const value of oddValues) {
    const requests = [value, withMembers(members.request, value)]
    const answers = [value, withMembers(members.answer, value)]
    for (const [index, answer] of answers.entries()) {
      const requestBody = bytesOf(JSON.stringify(requests[index]))
      const open = [
        { id: 'a', name: 'n' },
        { id: undefined, name: 'n' },
      ]
      api.isRequest(requestBody)
      api.findAnswered(requestBody, open)
      api.lastResults(requestBody)
      api.history(requestBody)
      for (const url of ['not a URL', 'https://h.example/v1beta/models/m:generateContent']) {
        const text = JSON.stringify(answer)
        for (const [responseHeaders, body] of [
          [json, text],
          [json, `[${text},${text}]`],
          [sse, `data: ${text}\n\n`],
          [lines, `${text}\n`],
        ] as const) {
          const responseBody = Buffer.from(body)
          api.map({
            url,
            requestBody,
            status: 200,
            responseHeaders,
            responseBody,
            isComplete: true,
          })
          watchedCalls(api, responseHeaders[0][1], responseBody)
        }
      }
    }
  }
}
