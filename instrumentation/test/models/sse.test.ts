import { describe, expect, test } from 'vitest'
import { createSseParser } from '../../src/models/sse.ts'

function parseSse(text: string) {
  const parser = createSseParser()
  return [...parser.push(text), ...parser.end()]
}

test.for([
  ['one event', 'event: a\ndata: 1\n\n', [{ name: 'a', data: '1' }]],
  ['no name', 'data: 1\n\n', [{ name: '', data: '1' }]],
  ['no blank behind the colon', 'event:a\ndata:1\n\n', [{ name: 'a', data: '1' }]],
  ['two blanks behind the colon', 'data:  1\n\n', [{ name: '', data: ' 1' }]],
  ['data of two lines', 'data: 1\ndata: 2\n\n', [{ name: '', data: '1\n2' }]],
  [
    'CRLF',
    'event: a\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n',
    [
      { name: 'a', data: '1' },
      { name: '', data: '2' },
    ],
  ],
  [
    'CR',
    'event: a\rdata: 1\r\rdata: 2\r\r',
    [
      { name: 'a', data: '1' },
      { name: '', data: '2' },
    ],
  ],
  ['a comment', ': hi\ndata: 1\n\n', [{ name: '', data: '1' }]],
  ['other fields', 'id: 7\nretry: 9\ndata: 1\n\n', [{ name: '', data: '1' }]],
  ['an event without data', 'event: a\n\ndata: 1\n\n', [{ name: '', data: '1' }]],
  ['a field without a colon', 'data\n\n', [{ name: '', data: '' }]],
  ['a BOM', '\ufeffdata: 1\n\n', [{ name: '', data: '1' }]],
  ['no end', 'data: 1', [{ name: '', data: '1' }]],
  ['nothing', '', []],
] as const)('%s', ([, text, events]) => {
  expect(parseSse(text)).toEqual(events)
})

describe('pieces of any size give the same events', () => {
  const text =
    '\ufeffevent: a\r\ndata: 1\r\n\r\n: c\rdata: 2\r\rdata: x\ndata: y\n\nevent: last\r\ndata: 3'
  test.for(Array.from({ length: text.length }, (_, index) => index + 1))('%i', (size) => {
    const parser = createSseParser()
    const events = []
    for (let at = 0; at < text.length; at += size)
      events.push(...parser.push(text.slice(at, at + size)))
    events.push(...parser.end())
    expect(events).toEqual(parseSse(text))
  })
})

test('an event is returned at its blank line, not before', () => {
  const parser = createSseParser()
  expect(parser.push('data: 1\n')).toEqual([])
  expect(parser.push('\n')).toEqual([{ name: '', data: '1' }])
})

test('a line of 8 MiB in pieces of 16 bytes is read quickly', () => {
  const parser = createSseParser()
  const began = performance.now()
  parser.push('data: ')
  for (let sent = 0; sent < 8 * 1024 ** 2; sent += 16) parser.push('0123456789abcdef')
  const [event] = parser.push('\n\n')
  expect(event?.data).toHaveLength(8 * 1024 ** 2)
  expect(performance.now() - began).toBeLessThan(3_000)
})
