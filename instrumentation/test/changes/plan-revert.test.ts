import { expect, test } from 'vitest'
import type { FileState } from '../../src/changes/change.ts'
import type { DiskState } from '../../src/changes/disk-state.ts'
import { outcomeOnDisk, planRevert } from '../../src/changes/plan-revert.ts'
import { stateOf } from './support.ts'

const [one, two, three] = [stateOf('one'), stateOf('two'), stateOf('three')] as `sha256:${string}`[]
if (one === undefined || two === undefined || three === undefined) throw new Error('three hashes')

test.each<
  [string, 'create' | 'edit' | 'write' | 'delete', FileState, FileState, DiskState, object]
>([
  ['a created file is deleted', 'create', 'absent', one, one, { action: 'delete' }],
  ['an edited file is restored', 'edit', one, two, two, { action: 'restore', content: one }],
  [
    'a deleted file comes back',
    'delete',
    one,
    'absent',
    'absent',
    { action: 'restore', content: one },
  ],
  ['a created file that is gone is done', 'create', 'absent', one, 'absent', { action: 'nothing' }],
  ['an edited file that is as before is done', 'edit', one, two, one, { action: 'nothing' }],
  ['a deleted file that is back is done', 'delete', one, 'absent', one, { action: 'nothing' }],
  ['a write of equal bytes is done', 'write', one, one, one, { action: 'nothing' }],
  [
    'a file edited since is refused',
    'edit',
    one,
    two,
    three,
    { outcome: 'conflict', expected: two, onDisk: three },
  ],
  ['a created file edited since is refused', 'create', 'absent', one, two, { outcome: 'conflict' }],
  [
    'an edited file that was removed is missing',
    'edit',
    one,
    two,
    'absent',
    { outcome: 'missing', onDisk: 'absent' },
  ],
  [
    'another file at a deleted file’s path is refused',
    'delete',
    one,
    'absent',
    two,
    { outcome: 'conflict' },
  ],
  [
    'a folder at the file’s path is refused',
    'edit',
    one,
    two,
    'directory',
    { outcome: 'conflict', onDisk: 'directory' },
  ],
  [
    'a link at the file’s path is refused',
    'edit',
    one,
    two,
    'symlink',
    { outcome: 'conflict', onDisk: 'symlink' },
  ],
  [
    'a folder at a deleted file’s path is refused',
    'delete',
    one,
    'absent',
    'directory',
    { outcome: 'conflict' },
  ],
  [
    'a before content that was not stored is refused',
    'write',
    'unknown',
    two,
    two,
    { reason: 'content_not_kept' },
  ],
  [
    'an after content that was not stored is refused',
    'edit',
    one,
    'unknown',
    'too_large',
    { reason: 'content_not_kept' },
  ],
  [
    'a created file that was too large to hash is refused',
    'create',
    'absent',
    'unknown',
    'too_large',
    { reason: 'content_not_kept' },
  ],
  [
    'an unknown file that was removed is missing',
    'edit',
    one,
    'unknown',
    'absent',
    { outcome: 'missing' },
  ],
])('%s', (_claim, opType, before, after, path, plan) => {
  expect(planRevert({ opType, before, after }, { path })).toMatchObject(plan)
})

test.each<[string, FileState | undefined, DiskState, DiskState, object]>([
  ['a renamed file moves back', undefined, one, 'absent', { action: 'move_back' }],
  [
    'a file that a rename overwrote comes back',
    two,
    one,
    'absent',
    { action: 'move_back', overwritten: two },
  ],
  ['a rename undone by hand is done', undefined, 'absent', one, { action: 'nothing' }],
  ['a rename over a file, undone by hand, is done', two, two, one, { action: 'nothing' }],
  [
    'a rename whose old path is taken is refused',
    undefined,
    one,
    two,
    { outcome: 'conflict', place: 'previousPath' },
  ],
  [
    'a renamed file edited since is refused',
    undefined,
    three,
    'absent',
    { outcome: 'conflict', place: 'path' },
  ],
  ['a renamed file that is gone is missing', undefined, 'absent', 'absent', { outcome: 'missing' }],
  [
    'an overwritten content that was not stored is refused',
    'unknown',
    one,
    'absent',
    { reason: 'content_not_kept' },
  ],
])('%s', (_claim, overwritten, path, previousPath, plan) => {
  const operation = { opType: 'rename', before: one, after: one, overwritten } as const
  expect(planRevert(operation, { path, previousPath })).toMatchObject(plan)
})

test.each<[string, DiskState, DiskState, object]>([
  ['gets its content back where it was', two, 'absent', { action: 'move_back', content: one }],
  ['is done when that is there', 'absent', one, { action: 'nothing' }],
  ['is not done when only its name is', 'absent', two, { outcome: 'missing' }],
])('a file renamed and edited %s', (_claim, path, previousPath, plan) => {
  const operation = { opType: 'rename', before: one, after: two } as const
  expect(planRevert(operation, { path, previousPath })).toMatchObject(plan)
})

test('nothing is written unless the disk is what the operation left', () => {
  const states = [one, two, three, 'absent', 'unknown'] as const
  const disks = [
    one,
    two,
    three,
    'absent',
    'directory',
    'symlink',
    'special',
    'too_large',
    'open_database',
    'unreadable',
  ] as const
  for (const opType of ['create', 'edit', 'write', 'delete', 'rename'] as const) {
    for (const before of states) {
      for (const after of states) {
        for (const path of disks) {
          for (const previousPath of disks) {
            const { action } = planRevert({ opType, before, after }, { path, previousPath })
            if (action === 'refuse' || action === 'nothing') continue
            expect(path).toBe(after)
            if (opType === 'rename') expect(previousPath).toBe('absent')
          }
        }
      }
    }
  }
})

test.each<[FileState, FileState, DiskState, string]>([
  [one, two, two, 'kept'],
  [one, two, one, 'restored'],
  [one, two, three, 'kept'],
  [one, two, 'absent', 'missing'],
  ['absent', one, 'absent', 'restored'],
  [one, 'absent', 'absent', 'kept'],
  [one, 'absent', one, 'restored'],
  [one, 'unknown', 'too_large', 'kept'],
])('before %s, after %s, on disk %s: %s', (before, after, path, outcome) => {
  expect(outcomeOnDisk({ opType: 'edit', before, after }, { path })).toBe(outcome)
})
