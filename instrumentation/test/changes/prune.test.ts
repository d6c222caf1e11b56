import * as fs from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ChangeStore } from '../../src/changes/store.ts'
import { bytesOf, changeOf, temporaryFolder } from './support.ts'

const second = 1000
const shared = 's'.repeat(100_000)
const start = Date.parse('2026-07-01T00:00:00Z')

/** Ten operations a second apart, each from its own content to a shared one; then a minute passes. */
function tenOperations() {
  const directory = temporaryFolder()
  let now = start
  const store = new ChangeStore({ directory, now: () => now })
  const changes = Array.from({ length: 10 }, (_, index) => {
    now = start + index * second
    const fields = { startedAt: new Date(now).toISOString() }
    const before = String(index).repeat(100_000)
    const change = changeOf('/w', { opType: 'edit', path: 'a', before, after: shared, fields })
    store.record(change, { before: bytesOf(before), after: bytesOf(shared) })
    return change
  })
  now = start + 70 * second
  const opIds = changes.map(({ opId }) => opId)
  const left = () => store.recent({ limit: 100 }).map(({ change }) => opIds.indexOf(change.opId))
  const contentCount = () => fs.readdirSync(join(directory, 'contents')).length
  const later = (ms: number) => {
    now += ms
  }
  return { directory, store, changes, left, contentCount, later }
}

test('within the limits nothing is removed', () => {
  const { store, left, contentCount } = tenOperations()
  const { bytes, ...removed } = store.prune()
  expect(removed).toEqual({ operationsRemoved: 0, contentsRemoved: 0 })
  expect(bytes).toBeGreaterThan(1_000_000)
  expect(left()).toHaveLength(10)
  expect(contentCount()).toBe(11)
})

test('above the number the oldest are removed, with the contents that only they named', () => {
  const { store, left, contentCount } = tenOperations()
  expect(store.prune({ operationsMax: 3 })).toMatchObject({
    operationsRemoved: 7,
    contentsRemoved: 7,
  })
  expect(left()).toEqual([9, 8, 7])
  expect(contentCount()).toBe(4)
})

test('above the bytes the oldest are removed; a shared content counts once', () => {
  const { store, left } = tenOperations()
  const { bytes } = store.prune({ bytesMax: 550_000 })
  expect(left()).toEqual([9, 8, 7, 6])
  expect(bytes).toBeLessThanOrEqual(550_000)
})

test('operations above the age are removed, a shared content with the last of them', () => {
  const { store, left, contentCount, later } = tenOperations()
  store.prune({ ageMs: 65.5 * second })
  expect(left()).toEqual([9, 8, 7, 6, 5])
  later(3600 * second)
  store.prune({ ageMs: 65.5 * second })
  expect(left()).toEqual([])
  expect(contentCount()).toBe(0)
})

test('decisions are removed with their operation, and those without one at the age limit', () => {
  const { directory, store, changes, later } = tenOperations()
  const decidedAt = new Date(start).toISOString()
  const decision = { type: 'accept', source: 'user', outcome: 'kept', decidedAt } as const
  const orphan = '5f8c6a1e-9d0b-4a3c-8a52-0c7f7f0d7a11'
  for (const opId of [changes[0]?.opId ?? '', changes[9]?.opId ?? '', orphan]) {
    store.decide(opId, decision)
    fs.utimesSync(join(directory, 'decisions', `${opId}.jsonl`), start / 1000, start / 1000)
  }
  store.prune({ operationsMax: 1 })
  const logs = () => new Set(fs.readdirSync(join(directory, 'decisions')))
  expect(logs()).toEqual(new Set([`${changes[9]?.opId}.jsonl`, `${orphan}.jsonl`]))
  later(15 * 24 * 3600 * second)
  store.prune()
  expect(logs()).toEqual(new Set())
})

test('a content that was just written stays, because an operation may be about to name it', () => {
  const { directory, store, later } = tenOperations()
  const now = start + 70 * second
  const path = join(directory, 'contents', 'f'.repeat(64))
  fs.writeFileSync(path, 'coming')
  fs.utimesSync(path, now / 1000, now / 1000)
  store.prune()
  expect(fs.existsSync(path)).toBe(true)
  later(11 * second)
  store.prune()
  expect(fs.existsSync(path)).toBe(false)
})

test('files that a crash left in tmp are removed after ten minutes', () => {
  const { directory, store } = tenOperations()
  const seconds = (start + 70 * second) / 1000
  for (const [name, age] of [
    ['young', 500],
    ['old', 700],
  ] as const) {
    fs.writeFileSync(join(directory, 'tmp', name), 'half')
    fs.utimesSync(join(directory, 'tmp', name), seconds - age, seconds - age)
  }
  store.prune()
  expect(fs.readdirSync(join(directory, 'tmp'))).toEqual(['young'])
})
