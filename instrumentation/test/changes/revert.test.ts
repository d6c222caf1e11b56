/** Reverts of real files through the routes: what is on disk afterwards, and that a refusal leaves it unchanged. */

import * as fs from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { type FileSystem, originalFs } from '../../src/file-system.ts'
import {
  bench,
  bytesOf,
  countDamaged,
  hasTemporaryFile,
  isRoot,
  type Operation,
  put,
  snapshot,
  stateOf,
  temporaryFolder,
} from './support.ts'

const binary = Uint8Array.from({ length: 70_000 }, (_, index) => (index * 31) % 256)

describe('every kind', () => {
  test.each<[string, Operation]>([
    [
      'an edited file gets its content back',
      { opType: 'edit', path: 'a.txt', before: 'one\n', after: 'two\n' },
    ],
    ['a created file is deleted', { opType: 'create', path: 'a.txt', after: 'new' }],
    ['a deleted file comes back', { opType: 'delete', path: 'a.txt', before: 'old' }],
    [
      'a deleted file comes back with its folders',
      { opType: 'delete', path: 'x/y/a.txt', before: 'old' },
    ],
    [
      'an emptied file gets its content back',
      { opType: 'edit', path: 'a.txt', before: 'one', after: '' },
    ],
    [
      'a file that was empty is empty again',
      { opType: 'edit', path: 'a.txt', before: '', after: 'one' },
    ],
    ['a deleted empty file comes back', { opType: 'delete', path: 'a.txt', before: '' }],
    ['a created empty file is deleted', { opType: 'create', path: 'a.txt', after: '' }],
    [
      'line ends and a byte order mark are kept',
      { opType: 'edit', path: 'a.txt', before: '\ufeffa\r\nb', after: 'x' },
    ],
    [
      'binary content is restored to the byte',
      { opType: 'edit', path: 'a.bin', before: binary, after: 'x' },
    ],
    [
      '5 MB are kept to the byte',
      { opType: 'edit', path: 'a.txt', before: 'é'.repeat(2_500_000), after: 'x' },
    ],
    [
      'a name of 255 bytes works',
      { opType: 'edit', path: 'a'.repeat(255), before: 'one', after: 'two' },
    ],
  ])('%s', async (_claim, operation) => {
    const { operated, decide, read, told, workspace } = await bench()
    const change = operated(operation)
    const answer = await decide(change, 'revert')
    expect(answer).toMatchObject({
      status: 200,
      body: {
        opId: change.opId,
        decision: { type: 'revert', outcome: 'restored', source: 'user' },
      },
    })
    const before = bytesOf(operation.before)
    expect(read(operation.path) === (before && Buffer.from(before).toString('latin1'))).toBe(true)
    expect(hasTemporaryFile(workspace)).toBe(false)
    expect(told).toMatchObject([{ operationId: change.opId, type: 'revert', outcome: 'restored' }])
    expect(told[0]?.resultSha256).toBe(before && stateOf(before))
  })

  test('a database that a program has open stays as it is', async () => {
    const { operated, decide, at } = await bench()
    const change = operated({ opType: 'edit', path: 'a.db', before: 'old', after: '' })
    const database = new DatabaseSync(at('a.db'))
    database.exec('pragma journal_mode = wal; create table words (word text)')
    expect(await decide(change, 'revert')).toMatchObject({
      status: 409,
      body: {
        onDisk: 'open_database',
        error: { message: 'The file is a database that a program has open: its log is beside it.' },
      },
    })
    expect(database.prepare('select count(*) as words from words').get()).toEqual({ words: 0 })
    database.close()
  })

  test('a file with two names stays one file', async () => {
    const { operated, decide, read, at } = await bench()
    const change = operated({ opType: 'edit', path: 'a.txt', before: 'longer before', after: 'x' })
    fs.linkSync(at('a.txt'), at('b.txt'))
    await decide(change, 'revert')
    expect([read('a.txt'), read('b.txt')]).toEqual(['longer before', 'longer before'])
    expect(fs.statSync(at('a.txt')).nlink).toBe(2)
  })

  test('a folder that has the name of the file is named as the reason', async () => {
    const { operated, decide, at } = await bench()
    const change = operated({ opType: 'delete', path: 'a.txt', before: 'x' })
    fs.mkdirSync(at('a.txt'))
    const { status, body } = await decide(change, 'revert')
    expect(status).toBe(409)
    expect(body).toMatchObject({ error: { message: 'A folder has the name of the file now.' } })
  })

  test('the folder that a create made stays, empty', async () => {
    const { operated, decide, at } = await bench()
    await decide(operated({ opType: 'create', path: 'new/a.txt', after: 'x' }), 'revert')
    expect(fs.readdirSync(at('new'))).toEqual([])
  })

  test('a renamed file moves back, with the folder it left', async () => {
    const { operated, decide, read, at } = await bench()
    const change = operated({
      opType: 'rename',
      path: 'b.txt',
      previousPath: 'gone/a.txt',
      before: 'x',
      after: 'x',
    })
    const inode = fs.statSync(at('b.txt')).ino
    const { body } = await decide(change, 'revert')
    expect(body).toMatchObject({ decision: { outcome: 'restored', resultSha256: stateOf('x') } })
    expect([read('gone/a.txt'), read('b.txt')]).toEqual(['x', undefined])
    expect(fs.statSync(at('gone/a.txt')).ino).toBe(inode)
  })

  test('a rename over a file gives both files back', async () => {
    const { operated, decide, read, at } = await bench()
    const change = operated({
      opType: 'rename',
      path: 'b.txt',
      previousPath: 'a.txt',
      before: 'x',
      after: 'x',
      overwritten: 'y',
      fields: { overwrittenMode: 0o640 },
    })
    expect((await decide(change, 'revert')).status).toBe(200)
    expect([read('a.txt'), read('b.txt')]).toEqual(['x', 'y'])
    expect(fs.statSync(at('b.txt')).mode & 0o777).toBe(0o640)
  })

  test('a rename over a file stays whole when the second step fails', async () => {
    const failing = withFault('linkSync', 'EIO', 1, 'renameSync', 'EIO', 2)
    const { operated, decide, workspace } = await bench({ fileSystem: failing })
    const change = operated({
      opType: 'rename',
      path: 'b.txt',
      previousPath: 'a.txt',
      before: 'x',
      after: 'x',
      overwritten: 'y',
    })
    const before = snapshot(workspace)
    expect(await decide(change, 'revert')).toMatchObject({ status: 409 })
    expect(snapshot(workspace)).toEqual(before)
  })

  describe('a file that was renamed and edited', () => {
    const moved = {
      opType: 'rename',
      path: 'b.txt',
      previousPath: 'gone/a.txt',
      before: 'old',
      after: 'new',
      fields: { mode: 0o640, overwrittenMode: 0o600 },
    } as const

    test.each([undefined, 'y'])(
      'comes back where it was, as it was (over %s)',
      async (overwritten) => {
        const { operated, decide, read, at, workspace } = await bench()
        const change = operated({ ...moved, overwritten })
        const { body } = await decide(change, 'revert')
        expect(body).toMatchObject({
          decision: { outcome: 'restored', resultSha256: stateOf('old') },
        })
        expect([read('gone/a.txt'), read('b.txt')]).toEqual(['old', overwritten])
        expect(fs.statSync(at('gone/a.txt')).mode & 0o777).toBe(0o640)
        expect(hasTemporaryFile(workspace)).toBe(false)
        expect((await decide(change, 'revert')).body).toMatchObject({
          decision: { outcome: 'restored' },
        })
      },
    )

    test('stays where it is if it was edited since, or if its old name is taken', async () => {
      const { operated, decide, workspace, at } = await bench()
      const change = operated(moved)
      put(at('gone/a.txt'), 'taken')
      const taken = snapshot(workspace)
      expect(await decide(change, 'revert')).toMatchObject({ status: 409 })
      expect(snapshot(workspace)).toEqual(taken)
      fs.rmSync(at('gone'), { recursive: true })
      put(at('b.txt'), 'edited')
      const edited = snapshot(workspace)
      expect(await decide(change, 'revert')).toMatchObject({ status: 409 })
      expect(snapshot(workspace)).toEqual(edited)
    })

    test.each<[string, string | undefined, Parameters<typeof withFault>]>([
      ['the edited one cannot go', undefined, ['unlinkSync', 'EIO', 2]],
      ['what was overwritten cannot come back', 'y', ['renameSync', 'EIO', 1]],
    ])('nothing is changed when %s', async (_claim, overwritten, fault) => {
      const { operated, decide, workspace } = await bench({ fileSystem: withFault(...fault) })
      const change = operated({ ...moved, overwritten })
      const before = snapshot(workspace)
      expect(await decide(change, 'revert')).toMatchObject({ status: 409 })
      expect(snapshot(workspace)).toEqual(before)
    })
  })
})

describe('mode bits', () => {
  test.each([0o755, 0o600, 0o444 | 0o200])('are those before the operation: %o', async (mode) => {
    const { operated, decide, at } = await bench()
    const fields = { mode }
    const edited = operated({ opType: 'edit', path: 'a.sh', before: 'one', after: 'two', fields })
    const deleted = operated({ opType: 'delete', path: 'b.sh', before: 'one', fields })
    await decide(edited, 'revert')
    await decide(deleted, 'revert')
    expect(fs.statSync(at('a.sh')).mode & 0o777).toBe(mode)
    expect(fs.statSync(at('b.sh')).mode & 0o777).toBe(mode)
  })

  test('are the present ones when the operation recorded none', async () => {
    const { operated, decide, at } = await bench()
    const change = operated({ opType: 'edit', path: 'a.sh', before: 'one', after: 'two' })
    fs.chmodSync(at('a.sh'), 0o751)
    await decide(change, 'revert')
    expect(fs.statSync(at('a.sh')).mode & 0o777).toBe(0o751)
  })
})

test.runIf(isRoot)('the owner is kept if permitted', async () => {
  const { operated, decide, at } = await bench()
  const change = operated({ opType: 'edit', path: 'a.txt', before: 'one', after: 'two' })
  fs.chownSync(at('a.txt'), 1234, 2345)
  await decide(change, 'revert')
  expect(fs.statSync(at('a.txt'))).toMatchObject({ uid: 1234, gid: 2345 })
})

/** A disk that ignores case shows one file under both names, as a hard link does. */
test('on a disk that ignores case, a rename of case alone is no conflict', async () => {
  const { operated, decide, at, store, told } = await bench()
  const change = operated({
    opType: 'rename',
    path: 'readme.md',
    previousPath: 'README.md',
    before: 'x',
    after: 'x',
  })
  fs.linkSync(at('readme.md'), at('README.md'))
  expect(await decide(change, 'revert')).toMatchObject({
    status: 200,
    body: { decision: { outcome: 'restored' } },
  })
  expect(store.find(change.opId)?.decisions).toHaveLength(1)
  expect(told[0]?.resultSha256).toBe(stateOf('x'))
})

describe('conflicts', () => {
  test('a file edited since is not reverted, and both sides are named', async () => {
    const { operated, decide, read, at, store, told } = await bench()
    const change = operated({ opType: 'edit', path: 'a.txt', before: 'one', after: 'two' })
    put(at('a.txt'), 'three')
    expect(await decide(change, 'revert')).toMatchObject({
      status: 409,
      body: {
        error: { code: 'TL_CHANGE_CONFLICT' },
        opId: change.opId,
        outcome: 'conflict',
        expected: stateOf('two'),
        onDisk: stateOf('three'),
      },
    })
    expect(read('a.txt')).toBe('three')
    expect(told).toMatchObject([{ type: 'revert', outcome: 'conflict' }])
    expect(store.find(change.opId)).toMatchObject({
      decision: undefined,
      decisions: [{ outcome: 'conflict' }],
    })
  })

  test('the hash of later edits stays on the machine', async () => {
    const { operated, decide, at, told } = await bench()
    const change = operated({ opType: 'edit', path: 'a.txt', before: 'one', after: 'two' })
    put(at('a.txt'), 'password')
    await decide(change, 'revert')
    await decide(change, 'accept')
    expect(told.map((decision) => decision.resultSha256)).toEqual([undefined, undefined])
  })

  test('a decision names the redacted content’s hash where redaction changed it', async () => {
    const { operated, decide, told } = await bench()
    const uploaded = { before: stateOf('[redacted]') }
    const change = operated({
      opType: 'edit',
      path: 'a.txt',
      before: 'secret',
      after: 'two',
      fields: { uploaded },
    })
    const { body } = await decide(change, 'revert')
    expect(body).toMatchObject({ decision: { resultSha256: stateOf('secret') } })
    expect(told[0]?.resultSha256).toBe(stateOf('[redacted]'))
  })

  test('a file that was removed is missing', async () => {
    const { operated, decide, at, read, told } = await bench()
    const change = operated({ opType: 'edit', path: 'a.txt', before: 'one', after: 'two' })
    fs.rmSync(at('a.txt'))
    expect(await decide(change, 'revert')).toMatchObject({
      status: 409,
      body: { error: { code: 'TL_CHANGE_MISSING' }, outcome: 'missing', onDisk: 'absent' },
    })
    expect(read('a.txt')).toBeUndefined()
    expect(told).toMatchObject([{ outcome: 'missing' }])
  })

  test('a folder that was removed is missing', async () => {
    const { operated, decide, at, workspace } = await bench()
    const change = operated({ opType: 'edit', path: 'x/a.txt', before: 'one', after: 'two' })
    fs.rmSync(at('x'), { recursive: true })
    expect(await decide(change, 'revert')).toMatchObject({
      status: 409,
      body: { outcome: 'missing' },
    })
    expect(fs.readdirSync(workspace)).toEqual([])
  })

  test.each<[string, Operation]>([
    ['an edited', { opType: 'edit', path: 'a.txt', before: 'one', after: 'two' }],
    ['a created', { opType: 'create', path: 'a.txt', after: 'two' }],
    ['a deleted', { opType: 'delete', path: 'a.txt', before: 'one' }],
  ])('a folder in the place of %s file is left alone', async (_kind, operation) => {
    const { operated, decide, at, workspace } = await bench()
    const change = operated(operation)
    fs.rmSync(at('a.txt'), { force: true })
    put(at('a.txt/inside.txt'), 'kept')
    const before = snapshot(workspace)
    expect(await decide(change, 'revert')).toMatchObject({
      status: 409,
      body: { outcome: 'conflict', onDisk: 'directory' },
    })
    expect(snapshot(workspace)).toEqual(before)
  })

  test('a file that replaced the folder is left alone', async () => {
    const { operated, decide, at, workspace } = await bench()
    const change = operated({ opType: 'delete', path: 'x/a.txt', before: 'one' })
    put(at('x'), 'a file now')
    const before = snapshot(workspace)
    expect(await decide(change, 'revert')).toMatchObject({
      status: 409,
      body: { outcome: 'conflict' },
    })
    expect(snapshot(workspace)).toEqual(before)
  })

  test('a content that was pruned or damaged is not restored', async () => {
    const { operated, decide, directory, read, store } = await bench()
    const change = operated({ opType: 'edit', path: 'a.txt', before: 'one', after: 'two' })
    put(join(directory, 'contents', stateOf('one').slice(7)), 'two')
    expect(await decide(change, 'revert')).toMatchObject({
      status: 409,
      body: { error: { code: 'TL_CHANGE_UNWRITABLE' }, outcome: 'conflict' },
    })
    expect(read('a.txt')).toBe('two')
    const damagedCount = countDamaged()
    expect(store.content(stateOf('one'))).toBeUndefined()
    expect(damagedCount()).toBe(1)
  })
})

describe('nothing outside the workspace is touched', () => {
  test.each<[string, (outside: string) => Operation['fields']]>([
    ['an absolute path', (outside) => ({ absolutePath: join(outside, 'a.txt') })],
    ['a path with ..', (outside) => ({ absolutePath: `${outside}/x/../a.txt` })],
    ['a relative path', () => ({ absolutePath: 'a.txt' })],
    ['a path with NUL', (outside) => ({ absolutePath: `${outside}/a.txt\0` })],
  ])('by %s', async (_claim, fields) => {
    const outside = temporaryFolder()
    put(join(outside, 'a.txt'), 'two')
    const { operated, decide, told } = await bench()
    const change = operated({
      opType: 'edit',
      path: 'a.txt',
      before: 'one',
      after: 'two',
      fields: fields(outside) ?? {},
    })
    expect(await decide(change, 'revert')).toMatchObject({
      status: 409,
      body: { error: { code: 'TL_CHANGE_UNWRITABLE' }, outcome: 'conflict', onDisk: null },
    })
    expect(fs.readFileSync(join(outside, 'a.txt'), 'utf8')).toBe('two')
    expect(await decide(change, 'accept')).toMatchObject({
      body: { decision: { outcome: 'kept' } },
    })
    expect(told.map((decision) => decision.resultSha256)).toEqual([undefined, undefined])
  })

  test.each<[string, Operation]>([
    ['an edit', { opType: 'edit', path: 'x/a.txt', before: 'one', after: 'two' }],
    ['a delete', { opType: 'delete', path: 'x/sub/a.txt', before: 'one' }],
    ['a create', { opType: 'create', path: 'x/a.txt', after: 'two' }],
    [
      'a rename',
      { opType: 'rename', path: 'x/a.txt', previousPath: 'b.txt', before: 'two', after: 'two' },
    ],
    [
      'a rename from there',
      { opType: 'rename', path: 'b.txt', previousPath: 'x/c.txt', before: 'two', after: 'two' },
    ],
  ])('by %s below a folder that became a link', async (_claim, operation) => {
    const outside = temporaryFolder()
    put(join(outside, 'a.txt'), 'two')
    const { operated, decide, at } = await bench()
    const change = operated(operation)
    fs.rmSync(at('x'), { recursive: true, force: true })
    fs.symlinkSync(outside, at('x'))
    const before = snapshot(outside)
    expect(await decide(change, 'revert')).toMatchObject({
      status: 409,
      body: { outcome: 'conflict' },
    })
    expect(snapshot(outside)).toEqual(before)
  })

  test.each([
    ['..', 'x/../a.txt'],
    ['a doubled /', '/a.txt'],
    ['NUL', 'a.txt\0'],
  ])('and a path with %s is not followed even inside it', async (_claim, rest) => {
    const { operated, decide, read, workspace } = await bench()
    const fields = { absolutePath: `${workspace}/${rest}` }
    const change = operated({ opType: 'edit', path: 'a.txt', before: 'one', after: 'two', fields })
    expect(await decide(change, 'revert')).toMatchObject({
      status: 409,
      body: { error: { message: 'The path is not absolute and plain. Nothing was changed.' } },
    })
    expect(read('a.txt')).toBe('two')
  })

  test('by a file that became a link', async () => {
    const outside = temporaryFolder()
    put(join(outside, 'a.txt'), 'two')
    const { operated, decide, at } = await bench()
    const change = operated({ opType: 'edit', path: 'a.txt', before: 'one', after: 'two' })
    fs.rmSync(at('a.txt'))
    fs.symlinkSync(join(outside, 'a.txt'), at('a.txt'))
    expect(await decide(change, 'revert')).toMatchObject({
      status: 409,
      body: { onDisk: 'symlink' },
    })
    expect(fs.readFileSync(join(outside, 'a.txt'), 'utf8')).toBe('two')
    expect(fs.readlinkSync(at('a.txt'))).toBe(join(outside, 'a.txt'))
  })

  test('but a link to a folder inside it is followed', async () => {
    const { operated, decide, at, read } = await bench()
    fs.mkdirSync(at('real'))
    fs.symlinkSync(at('real'), at('link'))
    const change = operated({ opType: 'edit', path: 'link/a.txt', before: 'one', after: 'two' })
    expect((await decide(change, 'revert')).status).toBe(200)
    expect(read('real/a.txt')).toBe('one')
    expect(fs.lstatSync(at('link')).isSymbolicLink()).toBe(true)
  })
})

describe('a disk that refuses', () => {
  test.each<[string, FileSystem, Operation]>([
    [
      'a locked file',
      withFault('renameSync', 'EBUSY', 1),
      { opType: 'edit', path: 'a.txt', before: 'one', after: 'two' },
    ],
    [
      'a full disk, if the file would grow',
      withFault('writeSync', 'ENOSPC', 1),
      { opType: 'edit', path: 'a.txt', before: 'needs more space', after: 'two' },
    ],
    [
      'a full disk at sync, if the file would grow',
      withFault('fsync', 'ENOSPC', 1),
      { opType: 'edit', path: 'a.txt', before: 'needs more space', after: 'two' },
    ],
    [
      'a read-only folder',
      withFault('openSync', 'EROFS', 7),
      { opType: 'edit', path: 'a.txt', before: 'one', after: 'two' },
    ],
    [
      'a file that may not be removed',
      withFault('unlinkSync', 'EPERM', 1),
      { opType: 'create', path: 'a.txt', after: 'two' },
    ],
    [
      'folders that cannot all be made',
      withFault('mkdirSync', 'EACCES', 2),
      { opType: 'delete', path: 'x/y/a.txt', before: 'one' },
    ],
    [
      'a path that cannot be linked or renamed to',
      withFault('linkSync', 'EACCES', 1, 'renameSync', 'EACCES', 1),
      { opType: 'delete', path: 'x/a.txt', before: 'one' },
    ],
  ])('leaves the disk as it was: %s', async (_claim, fileSystem, operation) => {
    const { operated, decide, workspace, told, store } = await bench({ fileSystem })
    const change = operated(operation)
    const before = snapshot(workspace)
    const { status, body } = await decide(change, 'revert')
    expect({ status, body }).toMatchObject({
      status: 409,
      body: { error: { code: 'TL_CHANGE_UNWRITABLE' }, outcome: 'conflict' },
    })
    expect(JSON.stringify(body)).toMatch(
      /\((EBUSY|ENOSPC|EROFS|EPERM|EACCES)\). Nothing was changed/,
    )
    expect(snapshot(workspace)).toEqual(before)
    expect(told).toMatchObject([{ type: 'revert', outcome: 'conflict' }])
    expect(store.find(change.opId)?.decision).toBeUndefined()
  })

  test.skipIf(isRoot)('a read-only file is left alone', async () => {
    const { operated, decide, at, read } = await bench()
    const change = operated({ opType: 'edit', path: 'a.txt', before: 'one', after: 'two' })
    fs.chmodSync(at('a.txt'), 0o444)
    expect(await decide(change, 'revert')).toMatchObject({ status: 409 })
    expect(read('a.txt')).toBe('two')
  })

  test.skipIf(isRoot)('a file in a read-only folder is left alone', async () => {
    const { operated, decide, at, read } = await bench()
    const change = operated({ opType: 'edit', path: 'x/a.txt', before: 'one', after: 'two' })
    fs.chmodSync(at('x'), 0o555)
    expect(await decide(change, 'revert')).toMatchObject({ status: 409 })
    fs.chmodSync(at('x'), 0o755)
    expect(read('x/a.txt')).toBe('two')
  })

  test('without hard links a deleted file comes back by rename', async () => {
    const { operated, decide, read } = await bench({
      fileSystem: withFault('linkSync', 'ENOTSUP', 1),
    })
    const change = operated({ opType: 'delete', path: 'a.txt', before: 'one' })
    expect((await decide(change, 'revert')).status).toBe(200)
    expect(read('a.txt')).toBe('one')
  })

  test('a file that is created at the last moment is not replaced', async () => {
    const linkSync: typeof fs.linkSync = (from, to) => {
      fs.writeFileSync(to, 'meanwhile')
      fs.linkSync(from, to)
    }
    const { operated, decide, read, workspace } = await bench({
      fileSystem: { ...originalFs, linkSync },
    })
    const change = operated({ opType: 'delete', path: 'a.txt', before: 'one' })
    expect(await decide(change, 'revert')).toMatchObject({ status: 409 })
    expect(read('a.txt')).toBe('meanwhile')
    expect(hasTemporaryFile(workspace)).toBe(false)
  })

  test('a file written between the look and the rename is not overwritten', async () => {
    let target = ''
    const fsync = ((descriptor: number, done: (error: Error | null) => void) => {
      fs.writeFileSync(target, 'meanwhile')
      fs.fsync(descriptor, done)
    }) as typeof fs.fsync
    const { operated, decide, at, read, workspace } = await bench({
      fileSystem: { ...originalFs, fsync },
    })
    target = at('a.txt')
    const change = operated({ opType: 'edit', path: 'a.txt', before: 'one', after: 'two' })
    expect(await decide(change, 'revert')).toMatchObject({
      status: 409,
      body: { outcome: 'conflict', onDisk: stateOf('meanwhile') },
    })
    expect(read('a.txt')).toBe('meanwhile')
    expect(hasTemporaryFile(workspace)).toBe(false)
  })

  test('a disk that does not hold what was written is not called restored', async () => {
    const renameSync: typeof fs.renameSync = (from, to) => {
      fs.renameSync(from, to)
      fs.writeFileSync(to, 'damaged')
    }
    const { operated, decide, store } = await bench({
      fileSystem: { ...originalFs, renameSync },
    })
    const change = operated({ opType: 'edit', path: 'a.txt', before: 'one', after: 'two' })
    expect(await decide(change, 'revert')).toMatchObject({
      status: 409,
      body: { outcome: 'conflict', expected: stateOf('one'), onDisk: stateOf('damaged') },
    })
    expect(store.find(change.opId)?.decision).toBeUndefined()
  })
})

type Call = keyof FileSystem

/** The real disk, whose nth call of a name inside the workspace fails as the system would. */
function withFault(
  name: Call,
  code: string,
  nth: number,
  other?: Call,
  otherCode = '',
  otherNth = 0,
): FileSystem {
  const fileSystem = other ? withFault(other, otherCode, otherNth) : { ...originalFs }
  let calls = 0
  const real = originalFs[name] as (...args: unknown[]) => unknown
  const fault = (...args: unknown[]): unknown => {
    if (typeof args[0] === 'string' && !args[0].includes('/workspace')) return real(...args)
    calls += 1
    if (calls !== nth) return real(...args)
    const error = Object.assign(new Error(code), { code })
    const last = args.at(-1)
    if (typeof last !== 'function') throw error
    return last(error)
  }
  return { ...fileSystem, [name]: fault }
}
