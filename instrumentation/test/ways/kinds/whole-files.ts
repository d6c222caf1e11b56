/** `writeFile`, `appendFile` and `truncate` of a path: one call changes one file. */
import fs, * as everything from 'node:fs'
import { appendFileSync, writeFileSync } from 'node:fs'
import promises, { appendFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { edits, old } from '../common-files.ts'
import { create, edit, inEachForm, type Way, write } from '../way.ts'

const required: typeof fs = createRequire(import.meta.url)('fs')
const promised = promisify(fs.writeFile)

export const wholeFiles: readonly Way[] = [
  ...inEachForm(
    { id: 'writeFile_new', by: 'writeFile of a new file', expected: [create('a.txt', 'new\n')] },
    (here, call) => call('writeFile', here.at('a.txt'), 'new\n'),
  ),
  ...inEachForm(
    {
      id: 'writeFile_over',
      by: 'writeFile over a file',
      ...edits('one\n2\nthree\n'),
    },
    (here, call) => call('writeFile', here.at('a.txt'), 'one\n2\nthree\n'),
  ),
  ...inEachForm(
    {
      id: 'writeFile_same',
      by: 'writeFile of the same content',
      files: { 'a.txt': old },
      expected: [write('a.txt', old)],
    },
    (here, call) => call('writeFile', here.at('a.txt'), old),
  ),
  ...inEachForm(
    {
      id: 'writeFile_empty',
      by: 'writeFile of nothing',
      ...edits(''),
    },
    (here, call) => call('writeFile', here.at('a.txt'), ''),
  ),
  ...inEachForm(
    {
      id: 'writeFile_url',
      by: 'writeFile with a file URL',
      expected: [create('a b.txt', 'new\n')],
    },
    (here, call) => call('writeFile', pathToFileURL(here.at('a b.txt')), 'new\n'),
  ),
  ...inEachForm(
    {
      id: 'writeFile_bufferpath',
      by: 'writeFile with a path in bytes',
      expected: [create('ä.txt', 'new\n')],
    },
    (here, call) => call('writeFile', Buffer.from(here.at('ä.txt')), 'new\n'),
  ),
  ...inEachForm(
    {
      id: 'writeFile_bytes',
      by: 'writeFile of a part of an array buffer',
      ...edits('bcd'),
    },
    (here, call) => {
      const { buffer, byteOffset } = Buffer.from('abcde')
      return call('writeFile', here.at('a.txt'), new DataView(buffer, byteOffset + 1, 3))
    },
  ),
  ...inEachForm(
    {
      id: 'writeFile_append',
      by: 'writeFile with the flag a',
      ...edits(`${old}four\n`),
    },
    (here, call) => call('writeFile', here.at('a.txt'), 'four\n', { flag: 'a' }),
  ),
  ...inEachForm(
    {
      id: 'writeFile_part',
      by: 'writeFile with the flag r+, which keeps the rest',
      ...edits('ONE\ntwo\nthree\n'),
    },
    (here, call) => call('writeFile', here.at('a.txt'), 'ONE', { flag: 'r+' }),
  ),
  ...inEachForm(
    {
      id: 'writeFile_wx_exists',
      by: 'writeFile with the flag wx where a file is, which fails',
      files: { 'a.txt': old },
      expected: [],
    },
    (here, call) => call('writeFile', here.at('a.txt'), 'x', { flag: 'wx' }).catch(() => undefined),
  ),
  ...inEachForm(
    {
      id: 'writeFile_numeric_flag',
      by: 'writeFile with numeric flags',
      ...edits('new\n'),
    },
    (here, call) => {
      const { O_WRONLY, O_CREAT, O_TRUNC } = fs.constants
      const flag = O_WRONLY | O_CREAT | O_TRUNC
      return call('writeFile', here.at('a.txt'), 'new\n', { flag, mode: 0o600 })
    },
  ),
  ...inEachForm(
    {
      id: 'writeFile_flush',
      by: 'writeFile with flush: true',
      ...edits('new\n'),
    },
    (here, call) => call('writeFile', here.at('a.txt'), 'new\n', { flush: true }),
  ),
  ...inEachForm(
    {
      id: 'writeFile_encoding',
      by: 'writeFile of a text in another encoding',
      files: { 'a.txt': 'old\n' },
      expected: [edit('a.txt', 'old\n', Buffer.from('über\n', 'latin1'))],
    },
    (here, call) => call('writeFile', here.at('a.txt'), 'über\n', 'latin1'),
  ),
  ...inEachForm(
    {
      id: 'appendFile',
      by: 'appendFile to a file',
      ...edits(`${old}four\n`),
    },
    (here, call) => call('appendFile', here.at('a.txt'), 'four\n'),
  ),
  ...inEachForm(
    { id: 'appendFile_new', by: 'appendFile to no file', expected: [create('a.txt', 'x\n')] },
    (here, call) => call('appendFile', here.at('a.txt'), 'x\n'),
  ),
  ...inEachForm(
    {
      id: 'truncate',
      by: 'truncate of a path',
      ...edits('one\n'),
    },
    (here, call) => call('truncate', here.at('a.txt'), 4),
  ),
  ...inEachForm(
    {
      id: 'truncate_longer',
      by: 'truncate that makes a file longer',
      files: { 'a.bin': 'ab' },
      expected: [edit('a.bin', 'ab', 'ab\0\0')],
    },
    (here, call) => call('truncate', here.at('a.bin'), 4),
  ),
  {
    id: 'named_writeFileSync',
    by: 'a named import of writeFileSync',
    expected: [create('a.txt', 'new\n')],
    run: (here) => writeFileSync(here.at('a.txt'), 'new\n'),
  },
  {
    id: 'named_appendFileSync',
    by: 'a named import of appendFileSync',
    expected: [create('a.txt', 'new\n')],
    run: (here) => appendFileSync(here.at('a.txt'), 'new\n'),
  },
  {
    id: 'named_promises',
    by: 'named imports of node:fs/promises',
    expected: [create('a.txt', 'new\n'), edit('a.txt', 'new\n', 'new\nmore\n')],
    async run(here) {
      await writeFile(here.at('a.txt'), 'new\n')
      await appendFile(here.at('a.txt'), 'more\n')
    },
  },
  {
    id: 'default_promises',
    by: 'the default import of node:fs/promises',
    expected: [create('a.txt', 'new\n')],
    run: (here) => promises.writeFile(here.at('a.txt'), 'new\n'),
  },
  {
    id: 'namespace_import',
    by: 'a namespace import of node:fs',
    expected: [create('a.txt', 'new\n')],
    run: (here) => everything.writeFileSync(here.at('a.txt'), 'new\n'),
  },
  {
    id: 'builtin_module',
    by: 'process.getBuiltinModule',
    expected: [create('a.txt', 'new\n')],
    run: (here) => process.getBuiltinModule('fs').writeFileSync(here.at('a.txt'), 'new\n'),
  },
  {
    id: 'required',
    by: 'require("fs") before the turn',
    expected: [create('a.txt', 'new\n')],
    run: (here) => required.writeFileSync(here.at('a.txt'), 'new\n'),
  },
  {
    id: 'required_commonjs',
    by: 'a CommonJS module that takes functions out of require("fs")',
    expected: [create('a.txt', 'new\n'), edit('a.txt', 'new\n', 'newer\n')],
    async run(here) {
      const commonJs: { writeTwice(file: string): Promise<void> } = createRequire(import.meta.url)(
        '../programs/commonjs.cjs',
      )
      await commonJs.writeTwice(here.at('a.txt'))
    },
  },
  {
    id: 'promisify',
    by: 'util.promisify(fs.writeFile)',
    expected: [create('a.txt', 'new\n')],
    run: (here) => promised(here.at('a.txt'), 'new\n'),
  },
  {
    id: 'writeFile_stream',
    by: 'fs.promises.writeFile of a stream',
    ...edits('abc'),
    run: (here) => promises.writeFile(here.at('a.txt'), Readable.from(['a', 'b', 'c'])),
  },
  {
    id: 'writeFile_iterable',
    by: 'fs.promises.writeFile of an async generator',
    ...edits('abc'),
    run: (here) =>
      promises.writeFile(
        here.at('a.txt'),
        (async function* () {
          yield 'a'
          yield 'bc'
        })(),
      ),
  },
  {
    id: 'writeFile_web_stream',
    by: 'fs.promises.writeFile of a web stream',
    expected: [create('a.txt', 'abc')],
    run: (here) =>
      promises.writeFile(
        here.at('a.txt'),
        Readable.fromWeb(Readable.toWeb(Readable.from([Buffer.from('a'), Buffer.from('bc')]))),
      ),
  },
  {
    id: 'writeFile_signal',
    by: 'fs.promises.writeFile with a signal that does not fire',
    ...edits('new\n'),
    run: (here) =>
      promises.writeFile(here.at('a.txt'), 'new\n', { signal: new AbortController().signal }),
  },
  {
    id: 'chdir_relative',
    by: 'a relative path after process.chdir',
    files: { 'p/b.txt': old },
    expected: [create('p/a.txt', 'new\n'), edit('p/b.txt', old, 'new\n')],
    async run(here) {
      process.chdir(here.at('p'))
      await fs.promises.writeFile('a.txt', 'new\n')
      fs.writeFileSync('../p/./b.txt', 'new\n')
    },
  },
]
