import { describe, expect, test } from 'vitest'
import { redactBytes, redactText } from '../../src/redact/redact.ts'
import { filler, neverSecrets, secretExamples } from './secret-examples.ts'

const rules = Object.entries(secretExamples)
const examples = rules.flatMap(([name, { secrets }]) =>
  secrets.map((example) => {
    const [secret, text] = typeof example === 'string' ? [example, example] : example
    return { name, secret, text }
  }),
)
const contexts: readonly (readonly [string, (text: string) => string])[] = [
  ['alone', (text) => text],
  ['in prose', (text) => `Use this: ${text} and nothing else.`],
  ['on a line of its own', (text) => `first\n${text}\nlast\n`],
  ['in a JSON string', (text) => JSON.stringify({ note: `first\n${text}\nlast` })],
  ['in JSON in JSON', (text) => JSON.stringify(JSON.stringify([`first\n${text}\nlast`]))],
]

describe('every format is redacted', () => {
  test.for(examples)('$name: $text', ({ name, secret, text }) => {
    for (const [where, embed] of contexts) {
      const redacted = redactText(embed(text))
      expect(redacted.text, where).toContain(`[REDACTED:${name}]`)
      expect(redacted.text, where).not.toContain(secret)
      expect(redacted.redactions, where).toBeGreaterThan(0)
    }
  })
})

describe('what only resembles a secret stays', () => {
  const harmless = [...rules.flatMap(([, rule]) => rule.harmless), ...neverSecrets]
  test.for(harmless)('%s', (text) => {
    for (const [where, embed] of contexts) {
      const embedded = embed(text)
      expect(redactText(embedded), where).toEqual({ text: embedded, redactions: 0 })
    }
  })
})

test('JSON stays valid, and only its strings change', () => {
  const before = {
    list: examples.map(({ text }) => text),
    id: 'toolu_01',
    n: 1.5,
    nested: { a: [true] },
  }
  for (const [, embed] of contexts.slice(0, 3)) {
    const texts = before.list.map(embed)
    const after = JSON.parse(redactText(JSON.stringify({ ...before, list: texts })).text)
    expect({ ...after, list: before.list }).toEqual(before)
    expect(after.list).toHaveLength(texts.length)
    for (const text of after.list) expect(text).toMatch(/\[REDACTED:[a-z-]+\]/)
  }
})

test('a BEGIN line in one JSON string and an END line in another leave the text between them', () => {
  const dashes = '-----'
  const json = JSON.stringify([
    `${dashes}BEGIN PRIVATE KEY${dashes}`,
    'kept',
    `${dashes}END PRIVATE KEY${dashes}`,
  ])
  expect(JSON.parse(redactText(json).text)[1]).toBe('kept')
})

/** A line of base64 was once taken together with the `n` of the line end before it. */
test('the escape before a line of a key stays whole', () => {
  const dashes = '-----'
  for (const end of ['\n', '\r\n', '\t', '\u0001', '\\']) {
    const text = `${dashes}BEGIN PRIVATE KEY${dashes}"${end}${filler(64)}${end}"${dashes}END PRIVATE KEY${dashes}`
    const after = JSON.parse(redactText(JSON.stringify([text])).text)[0]
    expect(after).not.toContain(filler(64))
    expect(after).toContain(end)
  }
})

test('redacting a second time changes nothing', () => {
  for (const { text } of examples) {
    const once = redactText(text).text
    expect(redactText(once)).toEqual({ text: once, redactions: 0 })
  }
})

test('the text around a secret stays, and each secret is counted', () => {
  const key = `ghp_${filler(36)}`
  expect(redactText(`a=${key}&b=${key};end`)).toEqual({
    text: 'a=[REDACTED:github-token]&b=[REDACTED:github-token];end',
    redactions: 2,
  })
  expect(redactText(`Authorization: Bearer ${key}`).text).toBe(
    'Authorization: Bearer [REDACTED:github-token]',
  )
  expect(redactText(`GITHUB_TOKEN="${key}"`).text).toBe('GITHUB_TOKEN="[REDACTED:github-token]"')
})

test('bytes that are not text keep every byte outside a secret', () => {
  const [head, tail] = [Buffer.from([0, 255, 128, 10]), Buffer.from([0, 200, 13])]
  const bytes = Buffer.concat([head, Buffer.from(`ghp_${filler(36)}`), tail])
  const redacted = redactBytes(bytes)
  expect(redacted.redactions).toBe(1)
  expect(Buffer.from(redacted.bytes)).toEqual(
    Buffer.concat([head, Buffer.from('[REDACTED:github-token]'), tail]),
  )
  const clean = Buffer.from([0, 1, 2, 255])
  expect(redactBytes(clean).bytes).toBe(clean)
})

test('a text in UTF-16 is read as such', () => {
  const write = (text: string) => Buffer.from(`\ufeff${text}\r\n\ud800`, 'utf16le')
  const redacted = redactBytes(write(`grün ghp_${filler(36)}`))
  expect(redacted).toEqual({ bytes: write('grün [REDACTED:github-token]'), redactions: 1 })
})

test.each([
  ['the other byte order', (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le').swap16()],
  ['no byte order mark', (text: string) => Buffer.from(text, 'utf16le')],
  [
    'an odd place among other bytes',
    (text: string) =>
      Buffer.concat([
        Buffer.from([0, 255, 7]),
        Buffer.from(text, 'utf16le'),
        Buffer.from([1, 254]),
      ]),
  ],
])('a text in UTF-16 is found with %s', (_name, write) => {
  const redacted = redactBytes(write(`grün ghp_${filler(36)} \ud800\0`))
  expect({ ...redacted, bytes: Buffer.from(redacted.bytes) }).toEqual({
    bytes: write('grün [REDACTED:github-token] \ud800\0'),
    redactions: 1,
  })
})

test('lone surrogates and NULs around a secret stay as they are', () => {
  const { text } = redactText(`\ud800\0 ghp_${filler(36)} \udfff`)
  expect(text).toBe('\ud800\0 [REDACTED:github-token] \udfff')
})

/*
 * Hostile texts: each is made to have one rule begin at many places and fail late, or to make one match
 * very long. A rule that is not linear takes minutes here, one without limits overflows the stack. The
 * limit has room for a slow and busy machine.
 */
describe('the time is linear, whatever the text', () => {
  const run = 'aB3dE5fG7hJ9kL1mN0pQ2rS4tU6vW8xY'
  const begin = '-----BEGIN PRIVATE KEY-----'
  const units = [
    'const value = compute(input) // and so on\n',
    'ghp_',
    `ghp_${run}`,
    'eyJ',
    '-eyJ',
    'eyJaaaaaaaa.',
    'eyJaaaaaaaaaa.eyJaaaaaaaaa ',
    'sk-',
    'SK',
    'SG.',
    'tl_',
    'pypi-',
    begin,
    `${begin}\n${run}\n`,
    `${begin}"${run}"`,
    '-----',
    'password=',
    'password:"',
    'password         ',
    'secret_access_key=',
    'authorization: bearer ',
    '://',
    '://a:b',
    '\\',
    '\\n',
    '"',
    ' ',
    'a',
    `${run}abcd `,
  ]
  const starts = [
    '',
    'eyJ',
    begin,
    'password=',
    'password="',
    '://a:',
    'Authorization: Bearer ',
    'sk-proj-',
  ]
  const texts = [
    ...units.map((unit) => ['', unit, 2] as const),
    ...starts.map((start) => [start, 'a', 16] as const),
    ...starts.map((start) => [start, 'a\u2713', 2] as const),
  ]
  test.for(texts)('%j and then %j, %i MiB', { timeout: 20_000 }, ([start, unit, mebibytes]) => {
    const text = start + unit.repeat(Math.ceil((mebibytes * 1024 ** 2) / unit.length))
    const began = performance.now()
    redactText(text)
    expect(performance.now() - began).toBeLessThan(3_000)
  })
})
