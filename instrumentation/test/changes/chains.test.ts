import { expect, test } from 'vitest'
import { gapsOf } from '../../src/changes/chains.ts'
import type { ChangeDecision } from '../../src/changes/change.ts'
import type { StoredChange } from '../../src/changes/store.ts'
import { changeOf, type Operation, stateOf } from './change-of.ts'

/** Operations, a second apart, and the decisions about them, half a second later. */
function stored(...operations: (Operation & { readonly decision?: Partial<ChangeDecision> })[]) {
  return operations.map(({ decision, ...operation }, index): StoredChange => {
    const startedAt = `2026-07-01T10:00:0${index}.000000Z`
    const decidedAt = `2026-07-01T10:00:0${index}.500Z`
    const change = changeOf('/work', { ...operation, fields: { startedAt } })
    const decisions = decision && {
      type: 'revert',
      source: 'user',
      outcome: 'restored',
      decidedAt,
      ...decision,
    }
    return {
      change,
      diffHash: undefined,
      decision: undefined,
      decisions: decisions === undefined ? [] : [decisions as ChangeDecision],
    }
  })
}

function gapIndexes(changes: StoredChange[]): number[] {
  const gaps = gapsOf(changes.toReversed())
  return changes.flatMap(({ change }, index) => (gaps.has(change.opId) ? [index] : []))
}

const one = { path: 'a', before: 'one', after: 'two' } as const

test('an operation that begins where the last one ended follows no gap', () => {
  const changes = stored(
    { opType: 'create', path: 'a', after: 'one' },
    { opType: 'edit', ...one },
    { opType: 'delete', path: 'a', before: 'two' },
    { opType: 'create', path: 'a', after: 'three' },
  )
  expect(gapIndexes(changes)).toEqual([])
})

test('an operation that begins elsewhere follows a gap', () => {
  const changes = stored(
    { opType: 'edit', ...one },
    { opType: 'edit', path: 'a', before: 'a person', after: 'three' },
    { opType: 'edit', path: 'b', before: 'another file', after: 'three' },
  )
  expect(gapIndexes(changes)).toEqual([1])
})

test('a renamed file keeps its chain, and leaves its old path empty', () => {
  const changes = stored(
    { opType: 'edit', ...one },
    { opType: 'rename', path: 'b', previousPath: 'a', before: 'two', after: 'two' },
    { opType: 'edit', path: 'b', before: 'two', after: 'three' },
    { opType: 'edit', path: 'a', before: 'a person', after: 'x' },
  )
  expect(gapIndexes(changes)).toEqual([3])
})

test('a revert is part of the chain, and a refused revert is not', () => {
  const reverted = { resultSha256: stateOf('one') as string }
  const changes = stored(
    { opType: 'edit', ...one, decision: reverted },
    { opType: 'edit', ...one, decision: { outcome: 'conflict' } },
    { opType: 'edit', path: 'a', before: 'two', after: 'three' },
  )
  expect(gapIndexes(changes)).toEqual([])
})

test('an unknown state shows no gap', () => {
  const changes = stored({ opType: 'edit', ...one }, { opType: 'edit', ...one }).map((each) => ({
    ...each,
    change: { ...each.change, before: 'unknown' as const },
  }))
  expect(gapIndexes(changes)).toEqual([])
})
