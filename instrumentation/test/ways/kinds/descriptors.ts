/** Descriptors: the before is read at the open, the after at the close. */
import * as fs from 'node:fs'
import { promisify } from 'node:util'
import { edits, old } from '../common-files.ts'
import { waysThatOpen } from '../opened-file.ts'
import { edit, remove, rename, requireInNode, type Way } from '../way.ts'

const open = promisify(fs.open)
const close = promisify(fs.close)

const withDescriptor = waysThatOpen<number>({
  open: (path, flags) => fs.openSync(path, flags),
  close: (fd) => fs.closeSync(fd),
})
const withPromisified = waysThatOpen<number>({ open, close })

/** The same with callbacks. */
function withCallbacks(
  id: string,
  by: string,
  flags: string,
  after: string,
  use: (fd: number, done: (error: Error | null) => void) => void,
): Way {
  return withPromisified(
    id,
    by,
    flags,
    after,
    (fd) =>
      new Promise<void>((resolve, reject) =>
        use(fd, (error) => (error === null ? resolve() : reject(error))),
      ),
  )
}

const { O_WRONLY, O_CREAT, O_TRUNC, O_APPEND, O_EXCL, O_RDWR } = fs.constants

export const descriptors: readonly Way[] = [
  withDescriptor(
    'openSync_writeSync',
    'openSync, writeSync, closeSync',
    'w',
    'new\n',
    (fd) => fs.writeSync(fd, 'new\n'),
    false,
  ),
  withDescriptor('writeSync_over', 'writeSync in several pieces', 'w', 'one\n2\n', (fd) => {
    fs.writeSync(fd, 'one\n')
    fs.writeSync(fd, Buffer.from('x2\nx'), 1, 2)
  }),
  withDescriptor('writeSync_position', 'writeSync at a position', 'r+', 'one\nTWO\nthree\n', (fd) =>
    fs.writeSync(fd, 'TWO', 4),
  ),
  withDescriptor('writeSync_options', 'writeSync with options', 'r+', 'one\nTWO\nthree\n', (fd) =>
    // Its types do not have this form.
    Reflect.apply(fs.writeSync, fs, [fd, Buffer.from('xTWO'), { offset: 1, position: 4 }]),
  ),
  withDescriptor('writeSync_hole', 'writeSync behind the end', 'r+', `${old}\0\0x`, (fd) =>
    fs.writeSync(fd, 'x', old.length + 2),
  ),
  withDescriptor(
    'writevSync',
    'writevSync',
    'w',
    'one\n2\n',
    (fd) => fs.writevSync(fd, [Buffer.from('one\n'), Buffer.from('2\n')]),
    false,
  ),
  withDescriptor('ftruncateSync', 'ftruncateSync', 'r+', 'one\n', (fd) => fs.ftruncateSync(fd, 4)),
  withDescriptor(
    'open_w_truncates',
    'openSync with the flag w, without a write',
    'w',
    '',
    () => undefined,
  ),
  withDescriptor(
    'open_w_new',
    'openSync with the flag w, without a write, of a new file',
    'w',
    '',
    () => undefined,
    false,
  ),
  withDescriptor(
    'open_ax',
    'openSync with the flag ax',
    'ax',
    'new\n',
    (fd) => fs.writeSync(fd, 'new\n'),
    false,
  ),
  withDescriptor('open_a_plus', 'openSync with the flag a+', 'a+', `${old}four\n`, (fd) =>
    fs.writeSync(fd, 'four\n'),
  ),
  withDescriptor('open_w_plus', 'openSync with the flag w+', 'w+', 'new\n', (fd) =>
    fs.writeSync(fd, 'new\n'),
  ),
  withDescriptor('open_rs_plus', 'openSync with the flag rs+', 'rs+', 'ONE\ntwo\nthree\n', (fd) =>
    fs.writeSync(fd, 'ONE'),
  ),
  withDescriptor(
    'open_numeric',
    'openSync with numeric flags',
    O_WRONLY | O_CREAT | O_TRUNC,
    'new\n',
    (fd) => fs.writeSync(fd, 'new\n'),
  ),
  withDescriptor(
    'open_numeric_append',
    'openSync with O_APPEND',
    O_WRONLY | O_APPEND,
    `${old}four\n`,
    (fd) => fs.writeSync(fd, 'four\n'),
  ),
  withDescriptor(
    'open_numeric_new',
    'openSync with O_EXCL',
    O_RDWR | O_CREAT | O_EXCL,
    'new\n',
    (fd) => fs.writeSync(fd, 'new\n'),
    false,
  ),
  withDescriptor(
    'writeFile_fd',
    'writeFileSync of a descriptor',
    'w',
    'new\n',
    (fd) => fs.writeFileSync(fd, 'new\n'),
    false,
  ),
  withDescriptor(
    'writeFile_fd_position',
    'writeFileSync of a descriptor, from where it was read to',
    'r+',
    'one\nTWO\nthree\n',
    (fd) => {
      fs.readSync(fd, Buffer.alloc(4))
      fs.writeFileSync(fd, 'TWO')
    },
  ),
  withDescriptor('appendFile_fd', 'appendFileSync of a descriptor', 'a', `${old}four\n`, (fd) =>
    fs.appendFileSync(fd, 'four\n'),
  ),
  withDescriptor('fsync_fd', 'writeSync with fsyncSync and fdatasyncSync', 'w', 'new\n', (fd) => {
    fs.writeSync(fd, 'new\n')
    fs.fdatasyncSync(fd)
    fs.fsyncSync(fd)
  }),
  withDescriptor(
    'fd_several',
    'ftruncateSync, writeSync and a read of what was written',
    'r+',
    'one\nnew\n',
    (fd) => {
      fs.ftruncateSync(fd, 4)
      fs.writeSync(fd, 'new\n', 4)
      fs.readSync(fd, Buffer.alloc(8), { position: 0 })
    },
  ),
  {
    id: 'truncateSync_fd',
    by: 'truncateSync of a descriptor',
    ...edits('one\n'),
    run(here) {
      const fd = fs.openSync(here.at('a.txt'), 'r+')
      try {
        Reflect.apply(fs.truncateSync, fs, [fd, 4])
      } catch {
        requireInNode(false, 'truncateSync of a descriptor')
      } finally {
        fs.closeSync(fd)
      }
    },
  },
  withCallbacks(
    'open_write_cb',
    'open, write, close with callbacks',
    'r+',
    'ONE\ntwo\nthree\n',
    (fd, done) => fs.write(fd, 'ONE', done),
  ),
  withCallbacks(
    'write_bytes_cb',
    'write of a part of a buffer with a callback',
    'r+',
    'one\nTWO\nthree\n',
    (fd, done) => fs.write(fd, Buffer.from('xTWOx'), 1, 3, 4, done),
  ),
  withCallbacks('writev_cb', 'writev with a callback', 'w', 'one\n2\n', (fd, done) =>
    fs.writev(fd, [Buffer.from('one\n'), Buffer.from('2\n')], done),
  ),
  withCallbacks('ftruncate_cb', 'ftruncate with a callback', 'r+', 'one\n', (fd, done) =>
    fs.ftruncate(fd, 4, done),
  ),
  withCallbacks(
    'writeFile_fd_cb',
    'writeFile of a descriptor with a callback',
    'w',
    'new\n',
    (fd, done) => fs.writeFile(fd, 'new\n', done),
  ),
  withCallbacks(
    'appendFile_fd_cb',
    'appendFile of a descriptor with a callback',
    'a',
    `${old}four\n`,
    (fd, done) => fs.appendFile(fd, 'four\n', done),
  ),
  {
    id: 'write_promisified',
    by: 'util.promisify of write and writev',
    ...edits('one\n2\n'),
    async run(here) {
      const fd = await open(here.at('a.txt'), 'w')
      const { bytesWritten } = await promisify(fs.write)(fd, 'one\n')
      await promisify(fs.writev)(fd, [Buffer.from('2\n')], bytesWritten)
      await close(fd)
    },
  },
  {
    id: 'open_reads',
    by: 'openSync with the flag r, which changes nothing',
    files: { 'a.txt': old },
    expected: [],
    run(here) {
      const fd = fs.openSync(here.at('a.txt'), 'r')
      fs.readSync(fd, Buffer.alloc(4))
      fs.closeSync(fd)
    },
  },
  {
    id: 'two_descriptors',
    by: 'two descriptors of one file, one after the other',
    files: { 'a.txt': old },
    expected: [edit('a.txt', old, 'first\n'), edit('a.txt', 'first\n', 'second\n')],
    run(here) {
      for (const content of ['first\n', 'second\n']) {
        const fd = fs.openSync(here.at('a.txt'), 'w')
        fs.writeSync(fd, content)
        fs.closeSync(fd)
      }
    },
  },
  {
    id: 'fd_closed_later',
    isLate: true,
    by: 'a descriptor that is closed after the turn has ended',
    ...edits('new\n'),
    run(here) {
      const fd = fs.openSync(here.at('a.txt'), 'w')
      fs.writeSync(fd, 'new\n')
      here.afterTurn(() => fs.closeSync(fd))
    },
  },
  {
    id: 'fd_left_open',
    isLate: true,
    by: 'a descriptor that is never closed',
    ...edits('new\n'),
    run: (here) => fs.writeSync(fs.openSync(here.at('a.txt'), 'w'), 'new\n'),
  },
  {
    id: 'write_after_rename',
    by: 'writeSync after the open file was renamed',
    files: { 'a.txt': old },
    expected: [rename('b.txt', 'a.txt', old), edit('b.txt', old, 'ONE\ntwo\nthree\n')],
    run(here) {
      const fd = fs.openSync(here.at('a.txt'), 'r+')
      fs.renameSync(here.at('a.txt'), here.at('b.txt'))
      fs.writeSync(fd, 'ONE')
      fs.closeSync(fd)
    },
  },
  {
    id: 'unlink_while_open',
    by: 'unlinkSync while the file is open and written to',
    files: { 'a.txt': old },
    expected: [remove('a.txt', old)],
    run(here) {
      const fd = fs.openSync(here.at('a.txt'), 'r+')
      fs.unlinkSync(here.at('a.txt'))
      fs.writeSync(fd, 'ONE')
      fs.closeSync(fd)
    },
  },
  {
    id: 'replaced_while_open',
    by: 'an atomic save while another descriptor is open and written to',
    ...edits('new\n'),
    run(here) {
      const fd = fs.openSync(here.at('a.txt'), 'r+')
      fs.writeFileSync(here.at('a.txt.tmp'), 'new\n')
      fs.renameSync(here.at('a.txt.tmp'), here.at('a.txt'))
      fs.writeSync(fd, 'lost')
      fs.closeSync(fd)
    },
  },
]
