/** Contents that are not plain text, many files, files that are left out on purpose, and writes at odd times of a turn. */
import * as fs from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { edits, old } from '../common-files.ts'
import {
  type AnyOf,
  create,
  type ExpectedOperation,
  edit,
  inEachForm,
  onDisk,
  type Way,
} from '../way.ts'

const count = (number: number): readonly number[] =>
  Array.from({ length: number }, (_, index) => index)

const contents: readonly Way[] = [
  ...contentWays(
    'binary',
    'bytes that are no text',
    'a.bin',
    new Uint8Array([0, 255, 1]),
    new Uint8Array([0, 255, 1, 2]),
  ),
  ...contentWays('crlf', 'a text with CRLF', 'a.txt', 'one\r\ntwo\r\n', 'one\r\n2\r\n'),
  ...contentWays('bom', 'a text with a byte order mark', 'a.txt', '\ufeffone\n', '\ufefftwo\n'),
  ...contentWays(
    'utf16',
    'a text in UTF-16',
    'a.txt',
    Buffer.from('\ufeffone\n', 'utf16le'),
    Buffer.from('\ufefftwo\n', 'utf16le'),
  ),
  ...contentWays(
    'latin1',
    'a text in Latin-1',
    'a.txt',
    Buffer.from('über\n', 'latin1'),
    Buffer.from('üben\n', 'latin1'),
  ),
  ...contentWays('no_newline', 'a text without a last newline', 'a.txt', 'one\ntwo', 'one\ntwo\n'),
  ...contentWays('emoji', 'a text beyond the basic plane', 'a.txt', '👩‍👩‍👧\n', '👩‍👩‍👦\n'),
  ...contentWays(
    'dotenv_secret',
    'a text with a secret',
    '.env',
    'KEY=1\n',
    `KEY=sk-ant-api03-${'aB3dE6gH9j'.repeat(9)}\n`,
  ),
  ...contentWays(
    'mb5',
    'a text of 5 MB',
    'a.txt',
    'line of text\n'.repeat(400_000),
    `${'line of text\n'.repeat(400_000)}last\n`,
  ),
]

function contentWays(
  id: string,
  by: string,
  name: string,
  before: string | Uint8Array,
  after: string | Uint8Array,
): Way[] {
  return inEachForm(
    { id, by, files: { [name]: before }, expected: [edit(name, before, after)] },
    (here, call) => call('writeFile', here.at(name), after),
    id === 'mb5' ? ['promise'] : ['sync', 'promise'],
  )
}

const leftOut: readonly Way[] = [
  {
    id: 'dot_git',
    by: 'writeFile in .git',
    files: { '.git/config': old },
    expected: [],
    excluded: '.git belongs to git',
    run: (here) => fs.promises.writeFile(here.at('.git/config'), 'new\n'),
  },
  {
    id: 'node_modules',
    by: 'writeFile in node_modules',
    files: { 'node_modules/x/package.json': '{}' },
    expected: [],
    excluded: 'packages are installed, not edited',
    run: (here) => fs.promises.writeFile(here.at('node_modules/x/index.js'), 'new\n'),
  },
  {
    id: 'node_modules_stream',
    by: 'createWriteStream in node_modules',
    files: { 'node_modules/x/package.json': '{}' },
    expected: [],
    excluded: 'packages are installed, not edited',
    run: (here) =>
      new Promise((resolve) =>
        fs
          .createWriteStream(here.at('node_modules/x/index.js'))
          .on('close', () => resolve(undefined))
          .end('new\n'),
      ),
  },
  {
    id: 'outside',
    by: 'writeFile outside the workspace, of which only hash and size are recorded',
    expected: [create('OUTSIDE/outside.txt', 'new\n')],
    run: (here) => fs.promises.writeFile(`${here.outside}/outside.txt`, 'new\n'),
  },
]

const anyWhole: AnyOf = { anyOf: [old, 'first\n', 'second\n', { unknown: true }] }

const times: readonly Way[] = [
  {
    id: 'setTimeout_later',
    by: 'writeFile in a timer',
    expected: [create('a.txt', 'new\n')],
    async run(here) {
      await sleep(5)
      await fs.promises.writeFile(here.at('a.txt'), 'new\n')
    },
  },
  {
    id: 'not_awaited',
    isLate: true,
    by: 'writeFile that is not awaited, and ends after the turn',
    expected: [create('a.txt', 'new\n')],
    run(here) {
      const written = fs.promises.writeFile(here.at('a.txt'), 'new\n')
      here.afterTurn(() => written)
    },
  },
  {
    id: 'not_awaited_stream',
    isLate: true,
    by: 'createWriteStream that ends after the turn',
    expected: [create('a.txt', 'new\n')],
    run(here) {
      const closed = new Promise<void>((resolve) =>
        fs.createWriteStream(here.at('a.txt')).on('close', resolve).end('new\n'),
      )
      here.afterTurn(() => closed)
    },
  },
  {
    id: 'same_file_concurrent',
    by: 'two writeFile of one file at the same time',
    files: { 'a.txt': old },
    // Either may be first; the second's before is the first's after, or unknown.
    expected: [edit('a.txt', { anyOf: [old] }, anyWhole), edit('a.txt', anyWhole, onDisk)],
    orElse: [
      [edit('a.txt', { anyOf: [old] }, onDisk), edit('a.txt', anyWhole, anyWhole)],
      // Both have emptied the file before either has written: then there is no state in between.
      [edit('a.txt', { anyOf: [old] }, onDisk)],
    ],
    run: (here) =>
      Promise.all(
        ['first\n', 'second\n'].map((text) => fs.promises.writeFile(here.at('a.txt'), text)),
      ),
  },
  {
    id: 'step_by_step',
    by: 'five edits of one file in a row',
    files: { 'a.txt': '0\n' },
    expected: count(5).map((step) => edit('a.txt', `${step}\n`, `${step + 1}\n`)),
    async run(here) {
      for (const step of count(5)) await fs.promises.writeFile(here.at('a.txt'), `${step + 1}\n`)
    },
  },
]

/** Run on its own, because the local store has room for a thousand operations. */
export const thousandFiles: readonly Way[] = [
  {
    id: 'thousand',
    by: 'writeFile of a thousand files',
    expected: count(1000).map((index) => create(`${index}.txt`, `${index}\n`)),
    run(here) {
      for (const index of count(1000)) fs.writeFileSync(here.at(`${index}.txt`), `${index}\n`)
    },
  },
]

export const largeWays: readonly Way[] = [
  {
    id: 'mb50',
    by: 'writeFile of a text of 50 MB, of which only hash and size are recorded',
    ...edits({ tooLarge: Buffer.alloc(50 * 1024 ** 2, 'text\n') }),
    run: (here) => fs.promises.writeFile(here.at('a.txt'), Buffer.alloc(50 * 1024 ** 2, 'text\n')),
  },
  {
    id: 'mb50_both',
    by: 'an edit of a text of 50 MB',
    files: { 'a.txt': Buffer.alloc(50 * 1024 ** 2, 'text\n') },
    expected: [
      edit(
        'a.txt',
        { tooLarge: Buffer.alloc(50 * 1024 ** 2, 'text\n') },
        { tooLarge: Buffer.concat([Buffer.alloc(50 * 1024 ** 2, 'text\n'), Buffer.from('x')]) },
      ),
    ],
    run: (here) => fs.promises.appendFile(here.at('a.txt'), 'x'),
  },
]

const parallel: readonly ExpectedOperation[] = count(100).map((index) =>
  create(`${index}.txt`, `${index}\n`),
)

export const contentsAndTurns: readonly Way[] = [
  ...contents,
  ...leftOut,
  ...times,
  ...inEachForm(
    { id: 'parallel100', by: 'a hundred files at the same time', expected: parallel },
    (here, call) =>
      Promise.all(
        count(100).map((index) => call('writeFile', here.at(`${index}.txt`), `${index}\n`)),
      ),
    ['promise', 'callback'],
  ),
]
