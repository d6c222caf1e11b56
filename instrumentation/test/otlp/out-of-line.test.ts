/** What leaves a record, what stays, and that putting it back gives what was there. */

import { hashContent } from '@turnlog/conventions/content/description'
import { toKeyValues } from '@turnlog/conventions/otlp/any-value'
import { expect, test } from 'vitest'
import type { OutOfLineContent } from '../../src/otlp/content-records.ts'
import type { SealedAttributes } from '../../src/otlp/otlp-json.ts'
import { attributesBytes, escapedBytes } from '../../src/otlp/otlp-json.ts'
import { recordBytesFit, takeOutOfLine } from '../../src/otlp/out-of-line.ts'

const kibibyte = 1024
const mebibyte = 1024 ** 2
const inlineBytesMax = 128 * kibibyte
const input = 'gen_ai.input.messages'

function move(
  attributes: SealedAttributes,
  {
    inline = inlineBytesMax,
    content = 16 * mebibyte,
    fit = recordBytesFit,
    others = [] as SealedAttributes[],
  } = {},
) {
  const holders = [attributes, ...others]
  const { json, contents } = takeOutOfLine(
    { holders, toJson: () => JSON.stringify(holders.map(toKeyValues)) },
    { inlineBytesMax: inline, contentBytesMax: content },
    fit,
  )
  expect(json).toBe(JSON.stringify(holders.map(toKeyValues)))
  return new Map(contents.map((each) => [each.sha256 as string, each]))
}

/** As the receiver puts messages together again. */
function expand(text: string, contents: ReadonlyMap<string, OutOfLineContent>): string {
  const reference =
    /"((?:[^"\\]|\\.)*)\.ref":"(sha256:[0-9a-f]{64})","\1\.size":(\d+)(,"\1\.media_type":"application\/json")?/g
  return text.replace(reference, (_whole, name, sha256, size, isJson) => {
    const { body = '', size: real } = contents.get(sha256) ?? {}
    expect(Number(size)).toBe(real)
    const value = typeof body === 'string' ? body : decodeWtf8(body)
    return `"${name}":${isJson === undefined ? JSON.stringify(value) : value}`
  })
}

function decodeWtf8(bytes: Uint8Array): string {
  const latin = Buffer.from(bytes).toString('latin1')
  const lone = /\xed([\xa0-\xbf])([\x80-\xbf])/g
  let from = 0
  let text = ''
  for (const match of latin.matchAll(lone)) {
    text += Buffer.from(latin.slice(from, match.index), 'latin1').toString('utf8')
    const [high, low] = [match[1]?.charCodeAt(0) ?? 0, match[2]?.charCodeAt(0) ?? 0]
    text += String.fromCharCode(0xd000 | ((high & 0x3f) << 6) | (low & 0x3f))
    from = match.index + 3
  }
  return text + Buffer.from(latin.slice(from), 'latin1').toString('utf8')
}

function messages(...contents: readonly unknown[]): string {
  return JSON.stringify([
    { role: 'system', parts: [{ type: 'text', content: 'short' }] },
    ...contents.map((content) => ({ role: 'user', parts: [{ type: 'text', content }] })),
  ])
}

test.each([
  ['a byte below the limit', inlineBytesMax - 1, false],
  ['at the limit', inlineBytesMax, false],
  ['a byte above', inlineBytesMax + 1, true],
])('a content %s', (_name, size, leaves) => {
  for (const text of [
    'x'.repeat(size),
    `\u00e9${'x'.repeat(size - 2)}`,
    Buffer.alloc(size, 0xff),
  ]) {
    const name = 'turnlog.file_operation.after'
    const attributes: SealedAttributes = { [name]: text, [`${name}.size`]: size }
    const contents = move(attributes)
    const sha256 = hashContent(text)
    expect(attributes).toEqual(
      leaves
        ? { [`${name}.ref`]: sha256, [`${name}.size`]: size }
        : { [name]: text, [`${name}.size`]: size },
    )
    expect([...contents.keys()]).toEqual(leaves ? [sha256] : [])
  }
})

test.each([
  ['a byte below the limit', inlineBytesMax - 1, 0],
  ['at the limit', inlineBytesMax, 0],
  ['a byte above', inlineBytesMax + 1, 1],
])('of messages, a text %s', (_name, size, count) => {
  const text = messages('x'.repeat(size))
  const attributes: SealedAttributes = { [input]: text }
  const contents = move(attributes)
  expect(contents.size).toBe(count)
  expect(expand(String(attributes[input]), contents)).toBe(text)
})

test.each<[string, unknown]>([
  ['a prompt of a megabyte', 'a line of a prompt\n'.repeat(50_000)],
  ['a text of 300 KB that is not Latin', '\u65e5\u672c\u8a9e'.repeat(33_000)],
  ['quotes, backslashes and control characters', '"\\\n\x01\x7f\u2028'.repeat(40_000)],
  ['NULs', `a\0${'b'.repeat(inlineBytesMax)}\0`],
  ['lone surrogates', `\ud83d${'b'.repeat(inlineBytesMax)}\udc00\ud800`],
  ['pairs', '\ud83d\ude00'.repeat(100_000)],
])('messages with %s are valid JSON without it, and the same with it', (_name, value) => {
  const text = messages('before', value, 'after')
  const attributes: SealedAttributes = { [input]: text }
  const contents = move(attributes)
  expect(contents.size).toBe(1)
  expect(String(attributes[input]).length).toBeLessThan(1_000)
  const [, , user] = JSON.parse(String(attributes[input])) as { parts: object[] }[]
  expect(user?.parts[0]).toEqual({
    type: 'text',
    'content.ref': [...contents.keys()][0],
    'content.size': Buffer.byteLength(String(value)),
  })
  expect(expand(String(attributes[input]), contents)).toBe(text)
})

test('every large string in messages is taken out, whatever its member is called; numbers and layout stay', () => {
  const large = (sign: string) => sign.repeat(inlineBytesMax + 1)
  const text = `[ {"role":"assistant", "parts" : [
    {"type":"tool_call","id":"1","arguments":{"path":"a.txt","content":"${large('f')}"},"n":12345678901234567890},
    {"type":"tool_call_response","response" : "${large('r')}"},
    {"type":"blob","mime_type":"image/png","content":"${large('A')}"}
  ]} ]`
  const attributes: SealedAttributes = { 'gen_ai.output.messages': text }
  const contents = move(attributes)
  expect(contents.size).toBe(3)
  const left = String(attributes['gen_ai.output.messages'])
  expect(JSON.parse(left)).toMatchObject([
    {
      parts: [
        { arguments: { path: 'a.txt', 'content.ref': hashContent(large('f')) } },
        { 'response.ref': hashContent(large('r')) },
        { 'content.ref': hashContent(large('A')) },
      ],
    },
  ])
  // The blank before the colon is not kept: JSON says the same without it.
  expect(expand(left, contents)).toBe(
    text.replace('"response" :', '"response":').replace(': "r', ':"r'),
  )
})

test('JSON that JSON.stringify would write differently comes back as it was written', () => {
  const written = `"\\u00e9\\/${'x'.repeat(inlineBytesMax)}"`
  const text = `[{"role":"user","parts":[{"type":"text","content":${written}}]}]`
  const attributes: SealedAttributes = { [input]: text }
  const contents = move(attributes)
  expect([...contents.values()]).toMatchObject([{ mediaType: 'application/json', body: written }])
  expect(expand(String(attributes[input]), contents)).toBe(text)
})

// An agent that works on telemetry: a tool's arguments named a content of the same day, and SQL showed that content in their place.
test('a member that only looks like a reference comes back as it was, whatever its size', () => {
  const [own, large] = [`sha256:${'ab'.repeat(32)}`, 'l'.repeat(inlineBytesMax + 1)]
  const quoted = { 'content.ref': own, 'content.size': 360_000, 'no.ref': 'sha256:abc', large }
  const text = JSON.stringify([
    { role: 'user', parts: [{ type: 'text', content: JSON.stringify(quoted) }, quoted] },
  ])
  const attributes: SealedAttributes = { [input]: text }
  const contents = move(attributes)
  expect(attributes[input]).not.toContain(`"content.ref":"${own}"`)
  expect(attributes[input]).toContain('"no.ref":"sha256:abc"')
  expect(expand(String(attributes[input]), contents)).toBe(text)

  const name = 'gen_ai.tool.call.arguments'
  const given: SealedAttributes = { [name]: `{ "content.ref" : "${own}" }` }
  const moved = move(given)
  expect(given).toEqual({ [`${name}.ref`]: [...moved.keys()][0], [`${name}.size`]: 93 })
  expect([...moved.values()][0]?.body).toBe(`{ "content.ref" : "${own}" }`)
})

test('arguments with a blank before a large text are taken out whole, as the model wrote them', () => {
  const name = 'gen_ai.tool.call.arguments'
  const text = `{"path": "a.txt", "content": "${'x'.repeat(inlineBytesMax + 1)}"}`
  const attributes: SealedAttributes = { [name]: text }
  expect([...move(attributes).values()].map(({ body }) => body)).toEqual([text])
  expect(attributes).not.toHaveProperty([name])
  // Where it could not go whole, it loses the blank rather than everything.
  const long: SealedAttributes = { [name]: text }
  expect(move(long, { content: text.length - 10 }).size).toBe(1)
  expect(JSON.parse(String(long[name]))).toMatchObject({ path: 'a.txt' })
})

test('messages that are not JSON are taken out whole, and so are arguments with many small members', () => {
  const notJson = `["${'x'.repeat(inlineBytesMax)}`
  const small = JSON.stringify(
    Object.fromEntries(Array.from({ length: 9_000 }, (_, index) => [`k${index}`, 'small value'])),
  )
  const attributes: SealedAttributes = { [input]: notJson, 'gen_ai.tool.call.arguments': small }
  const contents = move(attributes)
  expect(attributes).toEqual({
    [`${input}.ref`]: hashContent(notJson),
    [`${input}.size`]: notJson.length,
    'gen_ai.tool.call.arguments.ref': hashContent(small),
    'gen_ai.tool.call.arguments.size': small.length,
  })
  expect([...contents.values()].map(({ mediaType }) => mediaType)).toEqual(
    Array(2).fill('application/json'),
  )
})

test('arguments with one large string keep the others', () => {
  const content = 'c'.repeat(inlineBytesMax + 1)
  const attributes: SealedAttributes = {
    'gen_ai.tool.call.arguments': JSON.stringify({ path: 'a.txt', content }),
  }
  const contents = move(attributes)
  expect(attributes['gen_ai.tool.call.arguments']).toBe(
    `{"path":"a.txt","content.ref":"${hashContent(content)}","content.size":${content.length}}`,
  )
  expect([...contents.values()]).toMatchObject([{ body: content }])
})

test('a text in messages above the limit of contents is omitted alone, and the message says so', () => {
  const text = messages('x'.repeat(3_000), 'y'.repeat(1_500))
  const attributes: SealedAttributes = { [input]: text }
  const contents = move(attributes, { inline: 1_024, content: 2_000 })
  expect(contents.size).toBe(1)
  expect(JSON.parse(String(attributes[input]))).toMatchObject([
    {},
    { parts: [{ 'content.omitted': 'too_large', 'content.size': 3_000 }] },
    { parts: [{ 'content.size': 1_500 }] },
  ])
})

test('messages whose small texts alone are above the limit of contents are omitted', () => {
  const text = messages(...Array.from({ length: 100 }, () => 'small'))
  const attributes: SealedAttributes = { [input]: text }
  move(attributes, { inline: 1_024, content: 2_000 })
  expect(attributes).toEqual({ [`${input}.omitted`]: 'too_large', [`${input}.size`]: text.length })
})

test('many small messages stay, until the record would be above its limit: then the largest are taken out', () => {
  const sizes = Array.from({ length: 60 }, (_, index) => (index + 10) * kibibyte)
  const text = messages(...sizes.map((size, index) => `${index}:${'x'.repeat(size)}`))
  const stays: SealedAttributes = { [input]: text }
  expect(move(stays).size).toBe(0)
  expect(stays).toEqual({ [input]: text })
  const attributes: SealedAttributes = { [input]: text }
  const contents = move(attributes, { fit: mebibyte })
  expect(attributesBytes(attributes)).toBeLessThanOrEqual(mebibyte)
  expect(attributesBytes(attributes)).toBeGreaterThan(0.9 * mebibyte)
  const left = [...contents.values()].map(({ size }) => size)
  expect(Math.min(...left)).toBeGreaterThan((sizes.at(-left.length - 1) ?? 0) - 1)
  expect(expand(String(attributes[input]), contents)).toBe(text)
})

test('fifty thousand messages too small to be taken out one by one are taken out together, unchanged', () => {
  const text = messages(
    ...Array.from({ length: 50_000 }, (_, index) => `${index} ${'s'.repeat(100)}`),
  )
  const attributes: SealedAttributes = { [input]: text, 'gen_ai.tool.call.result': 'kept' }
  const contents = move(attributes)
  expect(attributes).toEqual({
    [`${input}.ref`]: hashContent(text),
    [`${input}.size`]: text.length,
    'gen_ai.tool.call.result': 'kept',
  })
  expect([...contents.values()]).toMatchObject([{ body: text }])
})

test('any attribute of a record that is too large may be taken out, also from its events; its media type is recorded', () => {
  const others: SealedAttributes[] = [{ 'exception.stacktrace': 's'.repeat(3 * mebibyte) }]
  const attributes: SealedAttributes = {
    'app.text': '\u2603'.repeat(mebibyte),
    'app.bytes': Buffer.alloc(mebibyte, 1),
    'app.list': ['x'.repeat(mebibyte), 5n, Number.NaN, null, Buffer.from([1])],
    'app.small': 'kept',
    'app.number': 5,
  }
  const before = { ...attributes }
  const contents = move(attributes, { others, fit: 100 * kibibyte })
  const list = `["${'x'.repeat(mebibyte)}",5,"NaN",null,"AQ=="]`
  expect(attributes).toEqual({
    'app.text.ref': hashContent(String(before['app.text'])),
    'app.text.size': 3 * mebibyte,
    'app.bytes.ref': hashContent(Buffer.alloc(mebibyte, 1)),
    'app.bytes.size': mebibyte,
    'app.list.ref': hashContent(list),
    'app.list.size': list.length,
    'app.small': 'kept',
    'app.number': 5,
  })
  expect(Object.keys(others[0] ?? {})).toEqual([
    'exception.stacktrace.ref',
    'exception.stacktrace.size',
  ])
  expect(new Set([...contents.values()].map(({ mediaType }) => mediaType))).toEqual(
    new Set(['application/json', 'application/octet-stream', 'text/plain; charset=utf-8']),
  )
})

test('an app’s own names are not overwritten', () => {
  const large = 'x'.repeat(mebibyte)
  const attributes: SealedAttributes = {
    'app.a': large,
    'app.a.ref': 'mine',
    'app.b': large,
    'app.b.size': 'mine',
    'app.c': large,
    'app.c.size': 3,
  }
  move(attributes, { fit: 100 * kibibyte })
  expect(attributes).toEqual({
    'app.a': large,
    'app.a.ref': 'mine',
    'app.b': large,
    'app.b.size': 'mine',
    'app.c.ref': hashContent(large),
    'app.c.size': 3,
  })
})

test('a record that fits is not changed', () => {
  const attributes = { text: 'x'.repeat(1_000), bytes: Buffer.alloc(10), number: 5 }
  const before = { ...attributes }
  expect(move(attributes, { fit: 10_000 }).size).toBe(0)
  expect(attributes).toEqual(before)
})

test('the length of the attributes’ JSON is computed without writing it, and never too low', () => {
  const attributes = {
    text: 'caf\u00e9 "quoted" \ud800',
    bytes: Buffer.alloc(100),
    list: ['a', 1, { b: true }],
    number: 5,
  }
  const real = Buffer.byteLength(JSON.stringify(toKeyValues(attributes)))
  expect(attributesBytes(attributes)).toBeGreaterThanOrEqual(real)
  expect(attributesBytes(attributes)).toBeLessThan(real + 200)
})

test.each([
  'plain',
  'caf\u00e9 \u2603 \ud83d\ude00',
  '\0\x01\b\t\n\v\f\r\x1f\x7f"\\/',
  '\ud800 \udc00 \udc00\ud800 \ud800',
  '',
])('the length of %j as JSON is known without making it', (text) => {
  expect(escapedBytes(text)).toBe(Buffer.byteLength(JSON.stringify(text)))
})
