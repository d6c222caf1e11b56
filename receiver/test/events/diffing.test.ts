import { applyPatch } from 'diff'
import { expect, test } from 'vitest'
import { applyDiff, diffTools } from '../../../test/support/apply-diff.ts'
import { diffedLengthMax, openDiffing } from '../../src/events/diffing.ts'
import { type PlainEvent, readEvent } from '../../src/events/read-event.ts'

const period = { now: new Date(), retentionDays: 30, purgedBefore: undefined }

function read(members: object): PlainEvent {
  const event = { type: 'FileOperation', opId: 'o', path: 'a.txt', opType: 'edit', ...members }
  const result = readEvent({ ...event, timestamp: Date.now() }, { period })
  if (result.status !== 'event') throw new Error(result.reason)
  return result.event
}

function completed(members: object) {
  const event = openDiffing().complete(read(members))
  const diff = event.members.get('unifiedDiff')
  const count = (name: string) => {
    const value = event.members.get(name)
    return value?.kind === 'count' ? Number(value.count) : undefined
  }
  return {
    isDiffed: event.isDiffed ?? false,
    diff: diff?.kind === 'text' ? diff.text : undefined,
    added: count('locAdded'),
    removed: count('locRemoved'),
  }
}

test('an edit without a diff gets one, that makes the after of the before', () => {
  const before = 'a\nb\nc\n'
  const after = 'a\nB\nc\nd'
  const made = completed({ beforeContent: before, afterContent: after })
  expect(made).toMatchObject({ isDiffed: true, added: 2, removed: 1 })
  expect(made.diff?.startsWith('--- a/a.txt\n+++ b/a.txt\n@@ ')).toBe(true)
  expect(applyPatch(before, made.diff ?? '')).toBe(after)
})

test('what is created or deleted counts its lines', () => {
  expect(completed({ opType: 'create', afterContent: 'a\nb\n' })).toMatchObject({
    added: 2,
    removed: 0,
    diff: '--- /dev/null\n+++ b/a.txt\n@@ -0,0 +1,2 @@\n+a\n+b\n',
  })
  expect(completed({ opType: 'delete', beforeContent: 'a\n' })).toMatchObject({
    added: 0,
    removed: 1,
    diff: '--- a/a.txt\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a\n',
  })
  expect(completed({ opType: 'create', afterContent: '' })).toMatchObject({ added: 0, removed: 0 })
})

// The cases in which a diff that looks right is refused, or applied to the wrong file.
test.each([
  ['create', { path: 'b.txt', after: 'x\n' }],
  ['create', { path: 'a folder/b c.txt', after: 'x\n' }],
  ['create', { path: 'empty.txt', after: '' }],
  ['edit', { path: 'a folder/b c.txt', before: 'x\ny\n', after: 'x\nz' }],
  ['delete', { path: 'a folder/b c.txt', before: 'x\n' }],
  ['delete', { path: 'empty.txt', before: '' }],
  ['rename', { path: 'new.txt', previousPath: 'old.txt', before: 'x\n', after: 'x\n' }],
  ['rename', { path: 'new.txt', previousPath: 'old.txt', before: 'x\ny\n', after: 'x\nz\n' }],
  ['rename', { path: 'to here.txt', previousPath: 'from there.txt', before: '', after: '' }],
])('of a %s, git and patch make the after of the before: %j', (opType, file) => {
  const { path, previousPath, before, after } = {
    previousPath: undefined,
    before: undefined,
    after: undefined,
    ...file,
  }
  const members = { opType, path, previousPath, beforeContent: before, afterContent: after }
  const { diff } = completed(JSON.parse(JSON.stringify(members)))
  if (diff === undefined) throw new Error('there is no diff')
  for (const tool of diffTools) {
    expect(applyDiff(tool, { path, previousPath, before }, diff), tool).toBe(after)
  }
})

test('what is equal has no diff and no lines', () => {
  expect(completed({ beforeContent: 'a\n', afterContent: 'a\n' })).toEqual({
    isDiffed: true,
    diff: undefined,
    added: 0,
    removed: 0,
  })
})

test.each([
  ['a diff', { beforeContent: 'a', afterContent: 'b', unifiedDiff: 'x' }],
  ['a count', { beforeContent: 'a', afterContent: 'b', locAdded: 7 }],
  ['no before', { afterContent: 'b' }],
  ['no after', { beforeContent: 'a' }],
  ['no content', {}],
  ['bytes', { beforeContent: 'a', afterContent: { base64: 'AAE=' } }],
  ['a reference', { beforeContent: 'a', afterContent: { ref: `sha256:${'0'.repeat(64)}` } }],
  ['a NUL', { beforeContent: 'a', afterContent: 'b\0' }],
  ['too much', { beforeContent: 'a', afterContent: 'b'.repeat(diffedLengthMax) }],
])('with %s it stays as it was sent', (_name, members) => {
  const event = read(members)
  expect(openDiffing().complete(event)).toBe(event)
})

test('a request takes its time for diffs, and no more', () => {
  const diffing = openDiffing()
  const lines = (seed: number) =>
    Array.from({ length: 8_000 }, (_, index) => `${(index * seed) % 7919}`).join('\n')
  const startedAt = performance.now()
  const made = Array.from({ length: 40 }, (_, index) =>
    diffing.complete(read({ beforeContent: lines(index + 2), afterContent: lines(index + 3) })),
  )
  // Each of these would take seconds: 40 of them end long before, without diffs.
  expect(performance.now() - startedAt).toBeLessThan(30_000)
  expect(made.some(({ isDiffed }) => !isDiffed)).toBe(true)
})
