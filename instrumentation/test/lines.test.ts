import { expect, test } from 'vitest'
import { Lines } from '../src/lines.ts'

test('lines are the same in any pieces', () => {
  const text = 'one\n\ntwo\nthree'
  for (let size = 1; size <= text.length; size += 1) {
    const lines = new Lines()
    const found: string[] = []
    for (let at = 0; at < text.length; at += size)
      found.push(...lines.push(text.slice(at, at + size)))
    expect([...found, lines.end()]).toEqual(['one', '', 'two', 'three'])
  }
})

test('a line that is too long is left out, and the lines around it are whole', () => {
  const text = 'one\n12345\nsix\n123456789\nten\n'
  for (let size = 1; size <= text.length; size += 1) {
    const lines = new Lines(4)
    const found: string[] = []
    for (let at = 0; at < text.length; at += size)
      found.push(...lines.push(text.slice(at, at + size)))
    expect(found).toEqual(['one', 'six', 'ten'])
    expect(lines.end()).toBe('')
  }
})
