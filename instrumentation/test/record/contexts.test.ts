import { createContextKey, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api'
import { expect, test } from 'vitest'
import type { Candidate } from '../../src/record/candidate.ts'
import { candidateOf, contextWithCandidate } from '../../src/record/contexts.ts'

const span = { name: 'turn' } as unknown as Span
const other = { name: 'other' } as unknown as Span
function candidateWith(turn: Span | undefined) {
  const candidate: Record<string, unknown> & { span: Span | undefined } = { span: turn }
  candidate.turn = candidate
  candidate.workedFor = [candidate]
  return candidate as unknown as Candidate & { span: Span | undefined }
}

test("a context taken before the turn was found has the turn's span afterwards", () => {
  const candidate = candidateWith(undefined)
  const context = contextWithCandidate(ROOT_CONTEXT, candidate)
  const later = context.setValue(createContextKey('mine'), 1)
  expect([trace.getSpan(context), trace.getSpan(later)]).toEqual([undefined, undefined])
  candidate.span = span
  expect([trace.getSpan(context), trace.getSpan(later)]).toEqual([span, span])
  expect(candidateOf(later)).toBe(candidate)
})

test("a span set on top of it hides the turn's", () => {
  const context = trace.setSpan(contextWithCandidate(ROOT_CONTEXT, candidateWith(span)), other)
  expect(trace.getSpan(context)).toBe(other)
  expect(trace.getSpan(trace.deleteSpan(context))).toBeUndefined()
})

test('values of the base and values of its own are found, and can be removed', () => {
  const key = createContextKey('mine')
  const context = contextWithCandidate(ROOT_CONTEXT.setValue(key, 'base'), candidateWith(span))
  expect(context.getValue(key)).toBe('base')
  expect(context.setValue(key, 'own').getValue(key)).toBe('own')
  expect(context.deleteValue(key).getValue(key)).toBeUndefined()
  expect(context.getValue(key)).toBe('base')
})
