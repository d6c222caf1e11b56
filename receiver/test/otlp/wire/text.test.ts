import { expect, test } from 'vitest'
import { clean, decodeText, encodeText, isClean } from '../../../src/otlp/wire/text.ts'

test.each([
  ['ASCII', [0x61, 0x62]],
  ['two, three and four bytes', [...Buffer.from('é€😀')]],
  ['a byte that begins nothing', [0x61, 0xff, 0x62]],
  ['a sequence that ends too early', [0xe2, 0x82]],
  ['an overlong slash', [0xc0, 0xaf]],
  ['a surrogate in three bytes', [0xed, 0xa0, 0xbd]],
  ['beyond U+10FFFF', [0xf5, 0x80, 0x80, 0x80]],
  ['NUL', [0]],
  ['nothing', []],
])('bytes come back as they were: %s', (_name, bytes) => {
  const text = decodeText(Buffer.from(bytes))
  expect(text === undefined ? undefined : [...encodeText(text)]).toEqual(bytes)
})

test('every sequence of three bytes comes back as it was', () => {
  const edges = [
    0x00, 0x41, 0x7f, 0x80, 0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xa0, 0xed, 0x9f, 0xef, 0xf0, 0x90, 0xf4,
    0x8f, 0xff,
  ]
  for (const first of edges) {
    for (const second of edges) {
      for (const third of edges) {
        const bytes = Buffer.from([first, second, third])
        expect(encodeText(decodeText(bytes) ?? '')).toEqual(bytes)
      }
    }
  }
})

test('bytes that are no text at all are said to be none', () => {
  expect(decodeText(Buffer.alloc(20_000, 0xff))).toBeUndefined()
})

test('text is clean when it has neither NUL nor a lone surrogate', () => {
  expect(['', 'é😀', 'a\0', '\ud83d', '\ude00a'].map(isClean)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ])
  expect(clean('a\0b\ud83dc')).toBe('a\ufffdb\ufffdc')
})
