/** Copies, deletes, renames and links, of files and of whole folders. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { copied, edits, old, tree } from '../common-files.ts'
import { create, edit, inEachForm, remove, rename, type Way } from '../way.ts'

const removed = [remove('p/a.txt', 'a\n'), remove('p/q/b.txt', 'b\n')]
const recursive = { recursive: true }

const copies: readonly Way[] = [
  ...inEachForm(
    { id: 'copyFile', by: 'copyFile', files: { 'a.txt': old }, expected: [create('b.txt', old)] },
    (here, call) => call('copyFile', here.at('a.txt'), here.at('b.txt')),
  ),
  ...inEachForm(
    {
      id: 'copyFile_over',
      by: 'copyFile over a file',
      files: { 'a.txt': old, 'b.txt': 'b\n' },
      expected: [edit('b.txt', 'b\n', old)],
    },
    (here, call) =>
      call('copyFile', here.at('a.txt'), here.at('b.txt'), fs.constants.COPYFILE_FICLONE),
  ),
  ...inEachForm(
    {
      id: 'copyFile_excl',
      by: 'copyFile with COPYFILE_EXCL where a file is, which fails',
      files: { 'a.txt': old, 'b.txt': 'b\n' },
      expected: [],
    },
    (here, call) =>
      call('copyFile', here.at('a.txt'), here.at('b.txt'), fs.constants.COPYFILE_EXCL).catch(
        () => undefined,
      ),
  ),
  ...inEachForm(
    {
      id: 'cp_file',
      by: 'cp of a file',
      files: { 'a.txt': old },
      expected: [create('q/b.txt', old)],
    },
    (here, call) => call('cp', here.at('a.txt'), here.at('q/b.txt')),
  ),
  ...inEachForm(
    { id: 'cp_recursive', by: 'cp of a folder', files: tree, expected: copied },
    (here, call) => call('cp', here.at('p'), here.at('z'), recursive),
  ),
  ...inEachForm(
    {
      id: 'cp_over',
      by: 'cp of a folder over another',
      files: { ...tree, 'z/a.txt': 'old\n', 'z/c.txt': 'c\n' },
      expected: [edit('z/a.txt', 'old\n', 'a\n'), create('z/q/b.txt', 'b\n')],
    },
    (here, call) => call('cp', here.at('p'), here.at('z'), recursive),
  ),
  ...inEachForm(
    {
      id: 'cp_not_over',
      by: 'cp of a folder without force',
      files: { ...tree, 'z/a.txt': 'old\n' },
      expected: [create('z/q/b.txt', 'b\n')],
    },
    (here, call) => call('cp', here.at('p'), here.at('z'), { recursive: true, force: false }),
  ),
  ...inEachForm(
    {
      id: 'cp_filter',
      by: 'cp of a folder with a filter',
      files: tree,
      expected: [create('z/a.txt', 'a\n')],
    },
    (here, call) =>
      call('cp', here.at('p'), here.at('z'), {
        recursive: true,
        filter: (from: string) => path.basename(from) !== 'q',
      }),
  ),
  ...inEachForm(
    {
      id: 'cp_times',
      by: 'cp of a folder with preserved times',
      files: tree,
      expected: copied,
    },
    (here, call) =>
      call('cp', here.at('p'), here.at('z'), { recursive: true, preserveTimestamps: true }),
  ),
  {
    id: 'opendir_copy',
    by: 'a copy made with opendir, mkdir and copyFile',
    files: tree,
    expected: copied,
    async run(here) {
      const copy = async (from: string, to: string): Promise<void> => {
        await fs.promises.mkdir(to)
        for await (const entry of await fs.promises.opendir(from)) {
          const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)]
          if (entry.isDirectory()) await copy(source, target)
          else await fs.promises.copyFile(source, target)
        }
      }
      await copy(here.at('p'), here.at('z'))
    },
  },
]

const deletes: readonly Way[] = [
  ...inEachForm(
    { id: 'unlink', by: 'unlink', files: { 'a.txt': old }, expected: [remove('a.txt', old)] },
    (here, call) => call('unlink', here.at('a.txt')),
  ),
  ...inEachForm(
    {
      id: 'rm_file',
      by: 'rm of a file',
      files: { 'a.txt': old },
      expected: [remove('a.txt', old)],
    },
    (here, call) => call('rm', here.at('a.txt')),
  ),
  ...inEachForm(
    {
      id: 'rm_file_force',
      by: 'rm of a file with force, of which one is missing',
      files: { 'a.txt': old },
      expected: [remove('a.txt', old)],
    },
    async (here, call) => {
      await call('rm', here.at('a.txt'), { force: true })
      await call('rm', here.at('a.txt'), { force: true })
    },
  ),
  ...inEachForm(
    { id: 'rm_recursive', by: 'rm of a folder', files: tree, expected: removed },
    (here, call) => call('rm', here.at('p'), recursive),
  ),
  ...inEachForm(
    { id: 'rm_retries', by: 'rm of a folder with retries', files: tree, expected: removed },
    (here, call) =>
      call('rm', here.at('p'), { recursive: true, force: true, maxRetries: 3, retryDelay: 1 }),
  ),
  ...inEachForm(
    {
      id: 'rm_link_in_folder',
      by: 'rm of a folder with a link to a folder, which stays',
      files: { 'p/a.txt': 'a\n', 'kept/b.txt': 'b\n' },
      expected: [remove('p/a.txt', 'a\n')],
    },
    async (here, call) => {
      fs.symlinkSync('../kept', here.at('p/link'))
      await call('rm', here.at('p'), recursive)
    },
  ),
]

const renames: readonly Way[] = [
  ...inEachForm(
    {
      id: 'rename',
      by: 'rename',
      files: { 'a.txt': old },
      expected: [rename('b.txt', 'a.txt', old)],
    },
    (here, call) => call('rename', here.at('a.txt'), here.at('b.txt')),
  ),
  ...inEachForm(
    {
      id: 'rename_over',
      by: 'rename over a file',
      files: { 'a.txt': old, 'b.txt': 'b\n' },
      expected: [rename('b.txt', 'a.txt', old, 'b\n')],
    },
    (here, call) => call('rename', here.at('a.txt'), here.at('b.txt')),
  ),
  ...inEachForm(
    {
      id: 'rename_case',
      by: 'rename that changes the case of letters',
      files: { 'a.txt': old },
      expected: [rename('A.txt', 'a.txt', old)],
    },
    (here, call) => call('rename', here.at('a.txt'), here.at('A.txt')),
  ),
  ...inEachForm(
    {
      id: 'rename_dir',
      by: 'rename of a folder',
      files: tree,
      expected: [rename('z/a.txt', 'p/a.txt', 'a\n'), rename('z/q/b.txt', 'p/q/b.txt', 'b\n')],
    },
    (here, call) => call('rename', here.at('p'), here.at('z')),
  ),
  ...inEachForm(
    {
      id: 'rename_dir_into',
      by: 'rename of a folder into another, over an empty one',
      files: { ...tree, 'z/c.txt': 'c\n' },
      expected: [rename('z/p/a.txt', 'p/a.txt', 'a\n'), rename('z/p/q/b.txt', 'p/q/b.txt', 'b\n')],
    },
    async (here, call) => {
      fs.mkdirSync(here.at('z/p'))
      await call('rename', here.at('p'), here.at('z/p'))
    },
  ),
  ...inEachForm(
    {
      id: 'rename_dir_fails',
      by: 'rename of a folder over one that is not empty, which fails',
      files: { ...tree, 'z/c.txt': 'c\n' },
      expected: [],
    },
    (here, call) => call('rename', here.at('p'), here.at('z')).catch(() => undefined),
  ),
  ...inEachForm(
    {
      id: 'rename_same',
      by: 'rename to the same name',
      files: { 'a.txt': old },
      expected: [],
    },
    (here, call) => call('rename', here.at('a.txt'), here.at('./a.txt')),
  ),
]

const links: readonly Way[] = [
  ...inEachForm(
    {
      id: 'symlink_through',
      by: 'writeFile through a link',
      ...edits('new\n'),
    },
    (here, call) => {
      fs.symlinkSync('a.txt', here.at('l'))
      return call('writeFile', here.at('l'), 'new\n')
    },
  ),
  ...inEachForm(
    {
      id: 'symlink_folder',
      by: 'writeFile through a link to a folder',
      files: { 'p/a.txt': old },
      expected: [edit('p/a.txt', old, 'new\n')],
    },
    (here, call) => {
      fs.symlinkSync('p', here.at('l'))
      return call('writeFile', here.at('l/a.txt'), 'new\n')
    },
  ),
  ...inEachForm(
    {
      id: 'symlink_create',
      by: 'symlink',
      files: { 'a.txt': old },
      expected: [],
      excluded: 'a link has no content',
    },
    (here, call) => call('symlink', 'a.txt', here.at('l')),
  ),
  ...inEachForm(
    {
      id: 'symlink_remove',
      by: 'rm of a link',
      files: { 'a.txt': old },
      expected: [],
      excluded: 'a link has no content',
    },
    async (here, call) => {
      fs.symlinkSync('a.txt', here.at('l'))
      await call('rm', here.at('l'))
    },
  ),
  ...inEachForm(
    { id: 'hardlink', by: 'link', files: { 'a.txt': old }, expected: [create('l', old)] },
    (here, call) => call('link', here.at('a.txt'), here.at('l')),
  ),
  ...inEachForm(
    {
      id: 'hardlink_remove',
      by: 'unlink of one name of a file with two',
      files: { 'a.txt': old },
      expected: [create('l', old), remove('a.txt', old)],
    },
    async (here, call) => {
      fs.linkSync(here.at('a.txt'), here.at('l'))
      await call('unlink', here.at('a.txt'))
    },
  ),
  ...inEachForm(
    {
      id: 'chmod',
      by: 'chmod and utimes',
      files: { 'a.txt': old },
      expected: [],
      excluded: 'bits and times are not content',
    },
    async (here, call) => {
      await call('chmod', here.at('a.txt'), 0o755)
      await call('utimes', here.at('a.txt'), 1, 1)
    },
  ),
  ...inEachForm(
    {
      id: 'mkdir',
      by: 'mkdir and rmdir',
      expected: [],
      excluded: 'a folder has no content',
    },
    async (here, call) => {
      await call('mkdir', here.at('p/q'), recursive)
      await call('rmdir', here.at('p/q'))
    },
  ),
]

export const copiesAndDeletes: readonly Way[] = [...copies, ...deletes, ...renames, ...links]
