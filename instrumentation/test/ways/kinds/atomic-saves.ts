/** Atomic saves: a temporary file of the turn that is renamed to its target is one operation on the target. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { edits, old } from '../common-files.ts'
import { create, edit, inEachForm, remove, rename, requireInNode, type Way } from '../way.ts'

const after = 'one\n2\nthree\n'
const saved = edits(after)

export const atomicSaves: readonly Way[] = [
  ...inEachForm(
    { id: 'atomic_tmp_rename', by: 'writeFile beside it and rename', ...saved },
    async (here, call) => {
      await call('writeFile', here.at('a.txt.tmp'), after)
      await call('rename', here.at('a.txt.tmp'), here.at('a.txt'))
    },
  ),
  ...inEachForm(
    {
      id: 'atomic_new',
      by: 'writeFile beside it and rename, where no file was',
      expected: [create('a.txt', after)],
    },
    async (here, call) => {
      await call('writeFile', here.at('.a.txt.1234.tmp'), after)
      await call('rename', here.at('.a.txt.1234.tmp'), here.at('a.txt'))
    },
  ),
  ...inEachForm(
    {
      id: 'atomic_twice',
      by: 'two atomic saves in a row',
      files: { 'a.txt': old },
      expected: [edit('a.txt', old, 'first\n'), edit('a.txt', 'first\n', 'second\n')],
    },
    async (here, call) => {
      for (const content of ['first\n', 'second\n']) {
        await call('writeFile', here.at('a.txt~'), content)
        await call('rename', here.at('a.txt~'), here.at('a.txt'))
      }
    },
  ),
  ...inEachForm(
    {
      id: 'atomic_same',
      by: 'an atomic save of the same content',
      files: { 'a.txt': old },
      expected: [{ ...edit('a.txt', old, old), type: 'write' }],
    },
    async (here, call) => {
      await call('writeFile', here.at('a.txt.tmp'), old)
      await call('rename', here.at('a.txt.tmp'), here.at('a.txt'))
    },
  ),
  ...inEachForm(
    {
      id: 'atomic_append',
      by: 'copyFile, appendFile to the copy and rename',
      ...edits(`${old}four\n`),
    },
    async (here, call) => {
      await call('copyFile', here.at('a.txt'), here.at('a.txt.new'))
      await call('appendFile', here.at('a.txt.new'), 'four\n')
      await call('rename', here.at('a.txt.new'), here.at('a.txt'))
    },
  ),
  {
    id: 'atomic_descriptor',
    by: 'a temporary file through a descriptor with fsync, and rename',
    ...saved,
    run(here) {
      const fd = fs.openSync(here.at('a.txt.123'), 'wx', 0o600)
      fs.writeSync(fd, after)
      fs.fsyncSync(fd)
      fs.fchmodSync(fd, 0o644)
      fs.closeSync(fd)
      fs.renameSync(here.at('a.txt.123'), here.at('a.txt'))
    },
  },
  {
    id: 'atomic_handle',
    by: 'a temporary file through a FileHandle, and rename',
    ...saved,
    async run(here) {
      const handle = await fs.promises.open(here.at('.a.txt.swp'), 'w')
      await handle.writeFile(after)
      await handle.sync()
      await handle.close()
      await fs.promises.rename(here.at('.a.txt.swp'), here.at('a.txt'))
    },
  },
  {
    id: 'atomic_stream',
    by: 'a temporary file through a stream, and rename',
    ...saved,
    async run(here) {
      await new Promise((resolve, reject) => {
        const stream = fs.createWriteStream(here.at('a.txt.part'))
        stream
          .on('close', () => resolve(undefined))
          .on('error', reject)
          .end(after)
      })
      await fs.promises.rename(here.at('a.txt.part'), here.at('a.txt'))
    },
  },
  {
    id: 'atomic_open_at_rename',
    by: 'a temporary file that is closed only after its rename',
    ...saved,
    run(here) {
      const fd = fs.openSync(here.at('a.txt.tmp'), 'w')
      fs.writeSync(fd, after)
      fs.renameSync(here.at('a.txt.tmp'), here.at('a.txt'))
      fs.closeSync(fd)
    },
  },
  {
    id: 'atomic_backup',
    by: 'a save that renames the old file away and deletes it, as vim does',
    ...edits(after),
    orElse: [[rename('a.txt~', 'a.txt', old), create('a.txt', after), remove('a.txt~', old)]],
    run(here) {
      fs.renameSync(here.at('a.txt'), here.at('a.txt~'))
      fs.writeFileSync(here.at('a.txt'), after)
      fs.unlinkSync(here.at('a.txt~'))
    },
  },
  {
    id: 'atomic_link',
    by: 'a temporary file that is linked to its name and unlinked',
    expected: [create('a.txt', after)],
    orElse: [[create('a.txt.tmp', after), create('a.txt', after), remove('a.txt.tmp', after)]],
    run(here) {
      fs.writeFileSync(here.at('a.txt.tmp'), after)
      fs.linkSync(here.at('a.txt.tmp'), here.at('a.txt'))
      fs.unlinkSync(here.at('a.txt.tmp'))
    },
  },
  {
    id: 'atomic_through_link',
    by: 'an atomic save of the file that a link leads to',
    ...saved,
    async run(here) {
      fs.symlinkSync('a.txt', here.at('l'))
      const target = await fs.promises.realpath(here.at('l'))
      await fs.promises.writeFile(`${target}.tmp`, after)
      await fs.promises.rename(`${target}.tmp`, target)
    },
  },
  {
    id: 'atomic_given_up',
    by: 'a temporary file that is deleted again',
    files: { 'a.txt': old },
    expected: [],
    orElse: [[create('a.txt.tmp', after), remove('a.txt.tmp', after)]],
    run(here) {
      fs.writeFileSync(here.at('a.txt.tmp'), after)
      fs.unlinkSync(here.at('a.txt.tmp'))
    },
  },
  {
    id: 'mkdtemp_rename',
    by: 'a file in a temporary folder, renamed to its target',
    expected: [create('a.txt', after)],
    run(here) {
      const folder = fs.mkdtempSync(here.at('tmp-'))
      fs.writeFileSync(path.join(folder, 'a.txt'), after)
      fs.renameSync(path.join(folder, 'a.txt'), here.at('a.txt'))
      fs.rmdirSync(folder)
    },
  },
  {
    id: 'mkdtemp_outside',
    by: 'a file in a temporary folder outside the workspace, renamed over its target',
    ...saved,
    orElse: [[create('OUTSIDE/tmp-XXXXXX/b.txt', after), ...saved.expected]],
    async run(here) {
      const folder = await fs.promises.mkdtemp(path.join(here.outside, 'tmp-'))
      const temporary = path.join(folder, 'b.txt')
      await fs.promises.writeFile(temporary, after)
      await fs.promises.rename(temporary, here.at('a.txt'))
    },
  },
  {
    id: 'mkdtemp_disposable',
    by: 'a file in a disposable temporary folder, copied to its target',
    ...saved,
    orElse: [
      [
        create('OUTSIDE/tmp-XXXXXX/b.txt', after),
        ...saved.expected,
        remove('OUTSIDE/tmp-XXXXXX/b.txt', after),
      ],
    ],
    run(here) {
      requireInNode('mkdtempDisposableSync' in fs, 'mkdtempDisposableSync')
      const temporary = fs.mkdtempDisposableSync(path.join(here.outside, 'tmp-'))
      const file = path.join(temporary.path, 'b.txt')
      fs.writeFileSync(file, after)
      fs.copyFileSync(file, here.at('a.txt'))
      temporary.remove()
    },
  },
]
