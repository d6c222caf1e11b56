import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import type { ChangeDecision, RecordedChange } from '../../src/changes/change.ts'
import { ChangeStore, diffInlineBytesMax } from '../../src/changes/store.ts'
import { originalFs } from '../../src/file-system.ts'
import { bytesOf, changeOf, countDamaged, put, stateOf, temporaryFolder } from './support.ts'

const edit = { opType: 'edit', path: 'a.txt', before: 'one', after: 'two' } as const
const contents = { before: bytesOf('one'), after: bytesOf('two') }

function decided(fields: Partial<ChangeDecision> = {}): ChangeDecision {
  const decidedAt = new Date().toISOString()
  return { type: 'accept', source: 'user', outcome: 'kept', decidedAt, ...fields }
}

function makeStore() {
  const directory = join(temporaryFolder(), 'changes')
  return { directory, store: new ChangeStore({ directory }), damagedCount: countDamaged() }
}

function startedAt(ms: number): Partial<RecordedChange> {
  return { startedAt: new Date(ms).toISOString() }
}

test('a store that was never written to is empty, and reading makes no folder', () => {
  const { directory, store } = makeStore()
  expect(store.recent({ limit: 10 })).toEqual([])
  expect(store.find(randomUUID())).toBeUndefined()
  expect(store.content(stateOf('one'))).toBeUndefined()
  expect(fs.existsSync(directory)).toBe(false)
})

test('another instance, as after a restart, finds operation, contents and decisions', () => {
  const { directory, store } = makeStore()
  const fields = { mode: 0o755, diff: '@@', linesAdded: 1, linesRemoved: 0, toolName: 'edit_file' }
  const change = changeOf('/w', { ...edit, fields })
  expect(store.record(change, contents)).toEqual({ status: 'recorded' })
  store.decide(change.opId, decided())
  const again = new ChangeStore({ directory })
  expect(again.find(change.opId)).toMatchObject({ change, decision: { type: 'accept' } })
  expect(again.recent({ limit: 10 })).toMatchObject([{ change, decision: { type: 'accept' } }])
  expect(Buffer.from(again.content(change.before) ?? '').toString()).toBe('one')
})

test('recording the same operation twice is one', () => {
  const { directory, store } = makeStore()
  const change = changeOf('/w', edit)
  store.record(change, contents)
  expect(new ChangeStore({ directory }).record(change, contents)).toEqual({ status: 'known' })
  expect(store.recent({ limit: 10 })).toHaveLength(1)
  expect(fs.readdirSync(join(directory, 'contents'))).toHaveLength(2)
  expect(fs.readdirSync(join(directory, 'tmp'))).toEqual([])
})

test('a content is stored once however many operations name it', () => {
  const { directory, store } = makeStore()
  for (let index = 0; index < 5; index += 1) store.record(changeOf('/w', edit), contents)
  expect(fs.readdirSync(join(directory, 'contents'))).toHaveLength(2)
})

test('the newest operations of a workspace come first, up to the limit', () => {
  const { store } = makeStore()
  const changes = [3, 1, 5, 2, 4].map((second) =>
    changeOf(second % 2 ? '/odd' : '/even', { ...edit, fields: startedAt(second * 1000) }),
  )
  for (const change of changes) store.record(change, contents)
  const seconds = (options: { limit: number; workspace?: string }) =>
    store.recent(options).map(({ change }) => Date.parse(change.startedAt) / 1000)
  expect(seconds({ limit: 10 })).toEqual([5, 4, 3, 2, 1])
  expect(seconds({ limit: 2 })).toEqual([5, 4])
  expect(seconds({ limit: 2, workspace: '/odd' })).toEqual([5, 3])
  expect(seconds({ limit: 9, workspace: '/even' })).toEqual([4, 2])
  expect(seconds({ limit: 9, workspace: '/none' })).toEqual([])
})

test('operations and decisions are counted without reading again what is known', () => {
  const { directory, store } = makeStore()
  const changes = [1, 2, 3].map((second) =>
    changeOf('/w', { ...edit, fields: startedAt(second * 1000) }),
  )
  for (const change of [...changes, changeOf('/elsewhere', edit)]) store.record(change, contents)
  for (const { opId } of changes.slice(0, 2)) store.decide(opId, decided())
  const fileSystem = { ...originalFs }
  const reads = vi.spyOn(fileSystem, 'readFileSync')
  const counting = new ChangeStore({ directory, fileSystem })
  expect(counting.count('/w')).toEqual({ total: 3, undecided: 1 })
  expect(reads).toHaveBeenCalledTimes(6)
  expect(counting.count('/w')).toEqual({ total: 3, undecided: 1 })
  expect(reads).toHaveBeenCalledTimes(6)
  store.decide(changes[2]?.opId ?? '', decided())
  expect(counting.count('/w')).toEqual({ total: 3, undecided: 0 })
})

test('folders are 0700 and files 0600', () => {
  const { directory, store } = makeStore()
  const change = changeOf('/w', edit)
  store.record(change, contents)
  store.decide(change.opId, decided())
  for (const name of ['', ...fs.readdirSync(directory, { recursive: true })]) {
    const stat = fs.statSync(join(directory, String(name)))
    expect(stat.mode & 0o777).toBe(stat.isDirectory() ? 0o700 : 0o600)
  }
})

test('a diff above 16 KiB is stored as a content and left out of the list', () => {
  const { store } = makeStore()
  const diff = '+é\n'.repeat(diffInlineBytesMax)
  const change = changeOf('/w', { ...edit, fields: { diff } })
  store.record(change, contents)
  const [stored] = store.recent({ limit: 1 })
  expect(stored).toMatchObject({ change: { diff: undefined }, diffHash: stateOf(diff) })
  expect(Buffer.from(store.content(stored?.diffHash ?? '') ?? '').toString()).toBe(diff)
})

test.each<[string, Partial<RecordedChange>]>([
  ['an id that is no UUID', { opId: '../../etc/passwd' }],
  ['a start that is no time', { startedAt: 'yesterday' }],
  ['a state that is no hash', { before: 'sha256:../x' }],
])('%s is refused', (_claim, fields) => {
  const { directory, store } = makeStore()
  const change = changeOf('/w', { ...edit, fields })
  expect(store.record(change, contents)).toMatchObject({ status: 'refused' })
  expect(fs.existsSync(directory)).toBe(false)
})

test('a content with another hash than the operation names is refused', () => {
  const { store } = makeStore()
  const swapped = { before: bytesOf('two'), after: bytesOf('one') }
  expect(store.record(changeOf('/w', edit), swapped)).toMatchObject({ status: 'refused' })
})

test('a store that cannot be written reports it and throws nothing', () => {
  const file = join(temporaryFolder(), 'file')
  put(file, 'in its place')
  const store = new ChangeStore({ directory: join(file, 'changes') })
  const change = changeOf('/w', edit)
  expect(store.record(change, contents)).toEqual({ status: 'failed', reason: 'ENOTDIR' })
  expect(store.decide(change.opId, decided())).toBe(false)
  expect(store.recent({ limit: 1 })).toEqual([])
  expect(store.prune()).toMatchObject({ operationsRemoved: 0 })
})

describe('decisions', () => {
  test('the last wins, and all are kept', () => {
    const { store } = makeStore()
    const change = changeOf('/w', edit)
    store.record(change, contents)
    store.decide(change.opId, decided({ type: 'accept', reason: 'good\nreally' }))
    store.decide(change.opId, decided({ type: 'revert', outcome: 'restored' }))
    store.decide(change.opId, decided({ type: 'reject' }))
    const found = store.find(change.opId)
    expect(found?.decision).toMatchObject({ type: 'reject' })
    expect(found?.decisions.map(({ type }) => type)).toEqual(['accept', 'revert', 'reject'])
    expect(found?.decisions[0]?.reason).toBe('good\nreally')
  })

  test('a revert that was refused is stored, but the decision before it still counts', () => {
    const { store } = makeStore()
    const change = changeOf('/w', edit)
    store.record(change, contents)
    store.decide(change.opId, decided())
    store.decide(change.opId, decided({ type: 'revert', outcome: 'conflict' }))
    const found = store.find(change.opId)
    expect(found?.decision).toMatchObject({ type: 'accept' })
    expect(found?.decisions).toHaveLength(2)
  })

  test('a decision that arrives before its operation waits for it', () => {
    const { store } = makeStore()
    const change = changeOf('/w', edit)
    store.decide(change.opId, decided())
    expect(store.find(change.opId)).toBeUndefined()
    store.record(change, contents)
    expect(store.find(change.opId)?.decision).toMatchObject({ type: 'accept' })
  })

  test('a line cut at any byte costs only itself', () => {
    const { directory, store } = makeStore()
    const change = changeOf('/w', edit)
    store.record(change, contents)
    const path = join(directory, 'decisions', `${change.opId}.jsonl`)
    store.decide(change.opId, decided({ type: 'accept' }))
    const whole = fs.readFileSync(path)
    for (let length = whole.length; length > 0; length -= 1) {
      put(path, Buffer.concat([whole, whole.subarray(0, length)]))
      store.decide(change.opId, decided({ type: 'reject' }))
      const types = store.find(change.opId)?.decisions.map(({ type }) => type) ?? []
      expect([types[0], types.at(-1)]).toEqual(['accept', 'reject'])
    }
  })

  test('more than 512 KiB of them become the newest hundred', () => {
    const { directory, store } = makeStore()
    const change = changeOf('/w', edit)
    store.record(change, contents)
    for (let index = 0; index < 300; index += 1) {
      store.decide(change.opId, decided({ reason: `${index} ${'x'.repeat(2000)}` }))
    }
    const found = store.find(change.opId)
    expect(found?.decisions.length).toBeLessThan(260)
    expect(found?.decision?.reason).toMatch(/^299 /)
    expect(fs.statSync(join(directory, 'decisions', `${change.opId}.jsonl`)).size).toBeLessThan(
      513 * 1024,
    )
  })
})

describe('damage is skipped and counted', () => {
  test('every truncation of an operation', () => {
    const { directory, store, damagedCount } = makeStore()
    const [good, bad] = [changeOf('/w', edit), changeOf('/w', edit)]
    store.record(good, contents)
    store.record(bad, contents)
    const name =
      fs.readdirSync(join(directory, 'ops')).find((each) => each.includes(bad.opId)) ?? ''
    const whole = fs.readFileSync(join(directory, 'ops', name))
    for (let length = 0; length < whole.length; length += 7) {
      put(join(directory, 'ops', name), whole.subarray(0, length))
      expect(store.recent({ limit: 10 }).map(({ change }) => change.opId)).toEqual([good.opId])
      expect(store.find(bad.opId)).toBeUndefined()
    }
    expect(damagedCount()).toBe(1)
  })

  test('an operation under another name, a folder, a foreign file', () => {
    const { directory, store, damagedCount } = makeStore()
    const change = changeOf('/w', edit)
    store.record(change, contents)
    const [name = ''] = fs.readdirSync(join(directory, 'ops'))
    const ops = join(directory, 'ops')
    fs.copyFileSync(join(ops, name), join(ops, `0000000000001-${randomUUID()}.json`))
    fs.mkdirSync(join(ops, `0000000000002-${randomUUID()}.json`))
    put(join(ops, 'README'), 'not ours')
    expect(store.recent({ limit: 10 })).toHaveLength(1)
    expect(damagedCount()).toBe(2)
  })

  test('a newer schema is left alone, its contents too', () => {
    const { directory, store, damagedCount } = makeStore()
    const change = changeOf('/w', edit)
    store.record(change, contents)
    const [name = ''] = fs.readdirSync(join(directory, 'ops'))
    const path = join(directory, 'ops', name)
    put(path, fs.readFileSync(path, 'utf8').replace('"schema":1', '"schema":2'))
    expect(store.recent({ limit: 10 })).toEqual([])
    expect(damagedCount()).toBe(0)
    const later = new ChangeStore({ directory, now: () => Date.now() + 60_000 })
    expect(later.prune()).toMatchObject({ operationsRemoved: 0, contentsRemoved: 0 })
  })

  test('a content with a flipped bit is not returned, and the next recording repairs a cut one', () => {
    const { directory, store } = makeStore()
    store.record(changeOf('/w', edit), contents)
    const path = join(directory, 'contents', stateOf('one').slice(7))
    put(path, 'onf')
    expect(store.content(stateOf('one'))).toBeUndefined()
    put(path, '')
    store.record(changeOf('/w', edit), contents)
    expect(Buffer.from(store.content(stateOf('one')) ?? '').toString()).toBe('one')
  })
})

test('two processes that record, decide and prune at once lose nothing', async () => {
  const { directory, store, damagedCount } = makeStore()
  const shared = changeOf('/w', edit)
  store.record(shared, contents)
  const program = join(import.meta.dirname, 'programs', 'records-changes.ts')
  const run = (name: string) =>
    promisify(execFile)(process.execPath, [program, directory, '/w', name, shared.opId, '40'])
  const outputs = await Promise.all([run('one'), run('two')])
  expect(outputs.map(({ stdout, stderr }) => stdout + stderr)).toEqual(['0', '0'])
  const recent = store.recent({ limit: 500 })
  expect(recent).toHaveLength(81)
  for (const { change } of recent) {
    expect(store.content(change.before)).toBeDefined()
    expect(store.content(change.after)).toBeDefined()
  }
  expect(new Set(store.find(shared.opId)?.decisions.map(({ reason }) => reason)).size).toBe(80)
  expect(damagedCount()).toBe(0)
})
