import { describe, expect, test } from 'vitest'
import { openAiResponses } from '../../src/models/openai-responses/api.ts'
import {
  answerWithTools,
  begin,
  callItem,
  end,
  functionCall,
  item,
  message,
  response,
  type StreamEvent,
  text,
  textItem,
  wireBytes,
} from './openai-responses-events.ts'

const watch = (contentType = 'text/event-stream') =>
  openAiResponses.watch({ contentType, contentEncoding: undefined })
const calls = [
  { id: 'call_01', name: 'read_file', arguments: '{"path": "hello.txt"}' },
  { id: 'call_02', name: 'list_files', arguments: '{}' },
]

function watched(bytes: Uint8Array, size = bytes.length) {
  const watcher = watch()
  const seen = []
  for (let at = 0; at < bytes.length; at += size) {
    seen.push(...watcher.push(bytes.subarray(at, at + size)))
  }
  seen.push(...watcher.end())
  return { seen, hasError: watcher.hasError }
}

describe('every tool call of a stream is found once, whatever the pieces', () => {
  test.for([1, 2, 3, 7, 64, 1_000, 1_000_000])('of %i bytes', (size) => {
    for (const lineEnd of ['\n', '\r\n'] as const) {
      const { seen, hasError } = watched(wireBytes(answerWithTools, lineEnd), size)
      expect(seen).toEqual(calls)
      expect(hasError).toBe(false)
    }
  })
})

test('a tool call is found when its item is done, before the answer is', () => {
  const watcher = watch()
  const events = [...begin(), ...callItem(0, 'a', 'n', '{"x":', '1}')]
  const found = events.map((event) => watcher.push(wireBytes([event])).length)
  expect(found).toEqual([0, 0, 0, 0, 0, 0, 1])
})

test('tool calls that come only with the last event are found', () => {
  const output = calls.map(({ id, name, arguments: args }) => functionCall(id, name, args))
  expect(watched(wireBytes([...begin(), ...end(output)])).seen).toEqual(calls)
})

test('arguments that are no text are found exactly as they were written', () => {
  const written = '{"type":"exec", "command":[ "ls" ],"timeout_ms":1.0}'
  const done = `{"type": "response.output_item.done", "output_index": 0, "item": {"type": "local_shell_call", "call_id": "a", "action": ${written}}}`
  const expected = [{ id: 'a', name: 'local_shell', arguments: written }]
  const stream = Buffer.from(`data: ${done}\n\ndata: [DONE]\n\n`)
  expect(watched(stream).seen).toEqual(expected)
  const mapped = openAiResponses.map({
    url: 'http://h/v1/responses',
    requestBody: Buffer.alloc(0),
    responseBody: stream,
    isComplete: true,
  })
  expect(mapped.toolCalls).toEqual(expected)
})

test('text that looks like an event is not a tool call', () => {
  const [, , last] = callItem(0, 'a', 'n', '{}')
  const words = JSON.stringify(last)
  expect(watched(wireBytes([...begin(), ...textItem(0, words, '"function_call"')])).seen).toEqual(
    [],
  )
})

test('tools that the provider runs are not found', () => {
  const server = [
    ...item(0, { type: 'web_search_call', id: 'w' }),
    ...item(1, { type: 'mcp_call', id: 'm', name: 'n', arguments: '{}', error: { type: 'x' } }),
  ]
  expect(watched(wireBytes([...begin(), ...server, ...end([])]))).toEqual({
    seen: [],
    hasError: false,
  })
})

test('a stream without event names is read by its data', () => {
  const bytes = Buffer.from(
    wireBytes(answerWithTools)
      .toString()
      .replaceAll(/^event: .*\n/gm, ''),
  )
  expect(watched(bytes).seen).toEqual(calls)
})

test('the calls of a JSON answer are found at its end', () => {
  const output = calls.map(({ id, name, arguments: args }) => functionCall(id, name, args))
  const body = Buffer.from(JSON.stringify(response({ status: 'completed', output })))
  const watcher = watch('application/json')
  expect(watcher.push(body.subarray(0, 9))).toEqual([])
  expect(watcher.push(body.subarray(9))).toEqual([])
  expect(watcher.end()).toEqual(calls)
  expect(watcher.hasError).toBe(false)
})

describe('an error in an answer that had begun is seen', () => {
  const half = [...begin(), ...textItem(0, 'a text with "error", {"type":"error"} and failed')]
  const failed = response({ status: 'failed', error: { code: 'server_error', message: 'm' } })
  test.for<[string, StreamEvent, boolean]>([
    ['an event', { type: 'error', code: 'server_error', message: 'm' }, true],
    ['an event with the error inside', { type: 'error', error: { message: 'm' } }, true],
    ['a response that failed', { type: 'response.failed', response: failed }, true],
    [
      'a response that failed without a reason',
      { type: 'response.failed', response: response({ status: 'failed' }) },
      true,
    ],
    ['an incomplete response', { type: 'response.incomplete', response: response() }, false],
    ['a whole response', { type: 'response.completed', response: response() }, false],
  ])('%s: %s', ([, event, expected]) => {
    const bytes = wireBytes([...half, event])
    expect(watched(bytes).hasError).toBe(expected)
    const unnamed = Buffer.from(bytes.toString().replaceAll(/^event: .*\n/gm, ''))
    expect(watched(unnamed, 5).hasError).toBe(expected)
  })
  test('in JSON', () => {
    const hasError = (body: object) => {
      const watcher = watch('application/json')
      watcher.push(Buffer.from(JSON.stringify(body)))
      watcher.end()
      return watcher.hasError
    }
    expect(hasError(failed)).toBe(true)
    expect(hasError(response({ status: 'failed' }))).toBe(true)
    expect(hasError(response({ status: 'queued' }))).toBe(false)
    const words = message([text('"error":{"failed"}')])
    expect(hasError(response({ status: 'completed', output: [words] }))).toBe(false)
  })
})
