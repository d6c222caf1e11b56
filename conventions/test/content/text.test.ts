import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { describeContent } from '../../src/content/description.ts'
import { countLines, encodeText } from '../../src/content/text.ts'

const texts: readonly (readonly [string, string])[] = [
  ['empty', ''],
  ['one line', 'hello\n'],
  ['no last line end', 'hello'],
  ['CRLF', 'a\r\nb\r\n'],
  ['mixed line ends', 'a\r\nb\nc\rd'],
  ['BOM', '\ufeffhello'],
  ['four-byte characters', '𝄞 and 🎈\n'],
  ['control characters', '\u0001\u007f\u0085\u2028'],
]
const binaries: readonly (readonly [string, Uint8Array])[] = [
  ['NUL', Buffer.from('a\0b')],
  ['Latin-1', Buffer.from('für', 'latin1')],
  ['UTF-16', Buffer.from('hi', 'utf16le')],
  ['cut character', Buffer.from('ü').subarray(0, 1)],
  ['overlong', Buffer.from([0xc0, 0xaf])],
  ['surrogate half', Buffer.from([0xed, 0xa0, 0x80])],
]

describe('text is text, exactly', () => {
  test.for(texts)('%s', ([, text]) => {
    const bytes = Buffer.from(text)
    const described = describeContent(bytes)
    expect(described).toEqual({
      kind: 'text',
      text,
      hasBom: text.startsWith('\ufeff'),
      size: bytes.length,
      sha256: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    })
    expect(Buffer.from(described.kind === 'text' ? described.text : '')).toEqual(bytes)
  })
})

describe('all else is binary, with size and hash', () => {
  test.for(binaries)('%s', ([, bytes]) => {
    expect(describeContent(bytes)).toEqual({
      kind: 'binary',
      size: bytes.length,
      sha256: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    })
  })
})

test('a view into a larger buffer is described alone', () => {
  const whole = Buffer.from('xxhelloxx')
  expect(describeContent(new Uint8Array(whole.buffer, whole.byteOffset + 2, 5))).toMatchObject({
    kind: 'text',
    text: 'hello',
    size: 5,
  })
})

test.for([
  ['', 0],
  ['\n', 1],
  ['a', 1],
  ['a\n', 1],
  ['a\nb', 2],
  ['a\r\nb\r\n', 2],
  ['\n\n', 2],
  ['a\rb', 1],
] as const)('%j has %i lines', ([text, lines]) => {
  expect(countLines(text)).toBe(lines)
})

test('a lone surrogate keeps its own three bytes; pairs are what they are', () => {
  expect(encodeText('a\ud800b\udc00c𝄞\udfff')).toEqual(
    Buffer.concat([
      Buffer.from('a'),
      Buffer.from([0xed, 0xa0, 0x80]),
      Buffer.from('b'),
      Buffer.from([0xed, 0xb0, 0x80]),
      Buffer.from('c𝄞'),
      Buffer.from([0xed, 0xbf, 0xbf]),
    ]),
  )
  expect(encodeText('caf\u00e9 𝄞🎈')).toEqual(Buffer.from('caf\u00e9 𝄞🎈'))
})
