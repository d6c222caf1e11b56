import { expect, test } from 'vitest'
import { openParents } from '../../src/jaeger/read/parents.ts'

/** `a<b` is a span a with the parent b. */
function parentsOf(...spans: readonly string[]) {
  const list = spans.map((text) => {
    const [spanId = '', parentSpanId = null] = text.split('<')
    return { spanId, parentSpanId }
  })
  const parents = openParents(list)
  const namesOf = (claim: 'isCircular' | 'isMissing') =>
    list
      .filter(({ spanId, parentSpanId }) =>
        parents[claim]({ spanId, parentSpanId: parentSpanId ?? undefined }),
      )
      .map(({ spanId }) => spanId)
  return { circular: namesOf('isCircular'), missing: namesOf('isMissing') }
}

test('a tree has no missing or circular parents, in any order of its spans', () => {
  expect(parentsOf('c<b', 'b<a', 'a', 'd<a')).toEqual({ circular: [], missing: [] })
})

test('a parent that is not among the spans is missing', () => {
  expect(parentsOf('a', 'b<x', 'c<b')).toEqual({ circular: [], missing: ['b'] })
})

test('a span that is its own parent is a root', () => {
  expect(parentsOf('a<a', 'b<a')).toEqual({ circular: ['a'], missing: [] })
})

test('each circle is opened once, at its first span, also when a span outside leads into it', () => {
  expect(parentsOf('x<c', 'a<c', 'b<a', 'c<b', 'y<b', 'p<q', 'q<p')).toEqual({
    circular: ['a', 'p'],
    missing: [],
  })
})

test('two spans with one id are one node of the tree', () => {
  expect(parentsOf('a', 'a<b', 'b<a')).toEqual({ circular: [], missing: [] })
})

test('a chain and a circle of 30 000 spans are walked in bounded time', () => {
  const ids = Array.from({ length: 30_000 }, (_, index) => `s${index}`)
  const chain = ids.map((id, index) => (index === 0 ? id : `${id}<s${index - 1}`))
  expect(parentsOf(...chain).circular).toEqual([])
  const circle = ids.map((id, index) => `${id}<s${(index + 29_999) % 30_000}`)
  expect(parentsOf(...circle).circular).toEqual(['s0'])
})
