/** Packages that many tools use to change files. */

import type * as nodeFs from 'node:fs'
import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { finished } from 'node:stream/promises'
import * as atomically from 'atomically'
import Conf from 'conf'
import { Writer } from 'steno'
import { copied, creates, edits, old, tree } from '../common-files.ts'
import { create, edit, onDisk, remove, rename, type Way } from '../way.ts'

const require = createRequire(import.meta.url)

interface WriteFileAtomic {
  (file: string, data: string): Promise<void>
  sync(file: string, data: string): void
}
interface FsExtra {
  outputFile(file: string, data: string): Promise<void>
  outputFileSync(file: string, data: string): void
  writeJson(file: string, data: unknown, options?: object): Promise<void>
  writeJsonSync(file: string, data: unknown): void
  copy(from: string, to: string): Promise<void>
  copySync(from: string, to: string): void
  remove(path: string): Promise<void>
  emptyDir(path: string): Promise<void>
  move(from: string, to: string, options?: object): Promise<void>
  ensureFile(path: string): Promise<void>
}
interface Tar {
  create(options: object, files: readonly string[]): Promise<void>
  extract(options: object): Promise<void>
}

const writeFileAtomic: WriteFileAtomic = require('write-file-atomic')
const fsExtra: FsExtra = require('fs-extra')
const graceful: typeof nodeFs = require('graceful-fs')
const tar: Tar = require('tar')

export const packages: readonly Way[] = [
  {
    id: 'write_file_atomic',
    by: 'write-file-atomic',
    ...edits('new\n'),
    run: (here) => writeFileAtomic(here.at('a.txt'), 'new\n'),
  },
  {
    id: 'write_file_atomic_new',
    by: 'write-file-atomic of a new file',
    ...creates('new\n'),
    run: (here) => writeFileAtomic(here.at('a.txt'), 'new\n'),
  },
  {
    id: 'write_file_atomic_sync',
    by: 'write-file-atomic, sync',
    ...edits('new\n'),
    run: (here) => writeFileAtomic.sync(here.at('a.txt'), 'new\n'),
  },
  {
    id: 'atomically',
    by: 'atomically',
    ...edits('new\n'),
    run: (here) => atomically.writeFile(here.at('a.txt'), 'new\n'),
  },
  {
    id: 'atomically_new',
    by: 'atomically of a new file',
    ...creates('new\n'),
    run: (here) => atomically.writeFile(here.at('a.txt'), 'new\n'),
  },
  {
    id: 'atomically_sync',
    by: 'atomically, sync',
    ...edits('new\n'),
    run: (here) => atomically.writeFileSync(here.at('a.txt'), 'new\n'),
  },
  {
    id: 'conf',
    by: 'conf',
    files: { 'config.json': '{"a":1}' },
    expected: [edit('config.json', '{"a":1}', onDisk)],
    run: (here) => new Conf({ cwd: here.folder, projectName: 'x' }).set('b', 2),
  },
  {
    id: 'steno',
    by: 'steno',
    ...edits('new\n'),
    run: (here) => new Writer(here.at('a.txt')).write('new\n'),
  },
  {
    id: 'fsextra_outputFile',
    by: 'fs-extra, outputFile',
    expected: [create('p/q/a.txt', 'new\n')],
    run: (here) => fsExtra.outputFile(here.at('p/q/a.txt'), 'new\n'),
  },
  {
    id: 'fsextra_outputFileSync',
    by: 'fs-extra, outputFileSync',
    expected: [create('p/q/a.txt', 'new\n')],
    run: (here) => fsExtra.outputFileSync(here.at('p/q/a.txt'), 'new\n'),
  },
  {
    id: 'fsextra_writeJson',
    by: 'fs-extra, writeJson',
    expected: [create('a.json', '{"a":1}\n')],
    run: (here) => fsExtra.writeJson(here.at('a.json'), { a: 1 }),
  },
  {
    id: 'fsextra_writeJsonSync',
    by: 'fs-extra, writeJsonSync',
    expected: [create('a.json', '{"a":1}\n')],
    run: (here) => fsExtra.writeJsonSync(here.at('a.json'), { a: 1 }),
  },
  {
    id: 'fsextra_ensureFile',
    by: 'fs-extra, ensureFile',
    expected: [create('p/a.txt', '')],
    run: (here) => fsExtra.ensureFile(here.at('p/a.txt')),
  },
  {
    id: 'fsextra_copy_dir',
    by: 'fs-extra, copy of a folder',
    files: tree,
    expected: copied,
    run: (here) => fsExtra.copy(here.at('p'), here.at('z')),
  },
  {
    id: 'fsextra_copySync_dir',
    by: 'fs-extra, copySync of a folder',
    files: tree,
    expected: copied,
    run: (here) => fsExtra.copySync(here.at('p'), here.at('z')),
  },
  {
    id: 'fsextra_remove_dir',
    by: 'fs-extra, remove of a folder',
    files: { 'p/a.txt': 'a\n' },
    expected: [remove('p/a.txt', 'a\n')],
    run: (here) => fsExtra.remove(here.at('p')),
  },
  {
    id: 'fsextra_emptyDir',
    by: 'fs-extra, emptyDir',
    files: tree,
    expected: [remove('p/a.txt', 'a\n'), remove('p/q/b.txt', 'b\n')],
    run: (here) => fsExtra.emptyDir(here.at('p')),
  },
  {
    id: 'fsextra_move',
    by: 'fs-extra, move',
    files: { 'a.txt': old },
    expected: [rename('b.txt', 'a.txt', old)],
    run: (here) => fsExtra.move(here.at('a.txt'), here.at('b.txt')),
  },
  {
    id: 'fsextra_move_over',
    by: 'fs-extra, move over a file',
    files: { 'a.txt': old, 'b.txt': 'b\n' },
    expected: [rename('b.txt', 'a.txt', old, 'b\n')],
    orElse: [[remove('b.txt', 'b\n'), rename('b.txt', 'a.txt', old)]],
    run: (here) => fsExtra.move(here.at('a.txt'), here.at('b.txt'), { overwrite: true }),
  },
  {
    id: 'fsextra_move_dir',
    by: 'fs-extra, move of a folder',
    files: { 'p/a.txt': 'a\n' },
    expected: [rename('z/a.txt', 'p/a.txt', 'a\n')],
    run: (here) => fsExtra.move(here.at('p'), here.at('z')),
  },
  {
    id: 'gracefulfs',
    by: 'graceful-fs, writeFile',
    ...creates('new\n'),
    run: (here) => new Promise((resolve) => graceful.writeFile(here.at('a.txt'), 'new\n', resolve)),
  },
  {
    id: 'gracefulfs_sync',
    by: 'graceful-fs, renameSync',
    files: { 'a.txt': old },
    expected: [rename('b.txt', 'a.txt', old)],
    run: (here) => graceful.renameSync(here.at('a.txt'), here.at('b.txt')),
  },
  {
    id: 'gracefulfs_append',
    by: 'graceful-fs, appendFile and copyFile',
    files: { 'a.txt': old },
    expected: [edit('a.txt', old, `${old}three\n`), create('b.txt', `${old}three\n`)],
    async run(here) {
      await new Promise((resolve) => graceful.appendFile(here.at('a.txt'), 'three\n', resolve))
      await new Promise((resolve) => graceful.copyFile(here.at('a.txt'), here.at('b.txt'), resolve))
    },
  },
  {
    id: 'gracefulfs_stream',
    by: 'graceful-fs, createWriteStream',
    ...edits('new\n'),
    run: (here) => finished(graceful.createWriteStream(here.at('a.txt')).end('new\n')),
  },
  {
    id: 'gracefulfs_open',
    by: 'graceful-fs, open and write',
    ...edits('new\n'),
    run: (here) =>
      new Promise((resolve) =>
        graceful.open(here.at('a.txt'), 'w', (_error, fd) =>
          graceful.write(fd, 'new\n', () => graceful.close(fd, resolve)),
        ),
      ),
  },
  {
    id: 'tar_extract',
    by: 'tar, extract',
    files: tree,
    expected: [create('archive.tgz', onDisk), ...copied],
    async run(here) {
      await tar.create({ gzip: true, cwd: here.at('p'), file: here.at('archive.tgz') }, [
        'a.txt',
        'q',
      ])
      mkdirSync(here.at('z'))
      await tar.extract({ file: here.at('archive.tgz'), cwd: here.at('z') })
    },
  },
  {
    id: 'tar_extract_sync',
    by: 'tar, extract, sync, over files',
    files: { ...tree, 'z/a.txt': 'old\n' },
    expected: [
      create('archive.tar', onDisk),
      edit('z/a.txt', 'old\n', 'a\n'),
      create('z/q/b.txt', 'b\n'),
    ],
    orElse: [
      [
        create('archive.tar', onDisk),
        remove('z/a.txt', 'old\n'),
        create('z/a.txt', 'a\n'),
        create('z/q/b.txt', 'b\n'),
      ],
    ],
    run(here) {
      void tar.create({ sync: true, cwd: here.at('p'), file: here.at('archive.tar') }, [
        'a.txt',
        'q',
      ])
      void tar.extract({ sync: true, file: here.at('archive.tar'), cwd: here.at('z') })
    },
  },
]
