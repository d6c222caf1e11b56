import { applyPatch } from 'diff'
import { describe, expect, test } from 'vitest'
import { applyDiff, diffTools } from '../../../test/support/apply-diff.ts'
import { countLines } from '../../src/content/text.ts'
import { type DiffInput, unifiedDiff } from '../../src/content/unified-diff.ts'

const numbers = (count: number, change: (n: number) => string = String) =>
  Array.from({ length: count }, (_, n) => `${change(n)}\n`).join('')

const cases: readonly (readonly [string, Omit<DiffInput, 'path'> & { path?: string }])[] = [
  ['a line changed', { before: 'a\nb\nc\n', after: 'a\nB\nc\n' }],
  ['a file made', { after: 'hello\nworld\n' }],
  ['a file made without a last line end', { after: 'hello' }],
  ['an empty file made', { after: '' }],
  ['a file deleted', { before: 'hello\nworld\n' }],
  ['a file without a last line end deleted', { before: 'hello' }],
  ['an empty file deleted', { before: '' }],
  ['a file emptied', { before: 'a\nb\n', after: '' }],
  ['an empty file filled', { before: '', after: 'a\nb\n' }],
  ['a last line end taken', { before: 'a\nb\n', after: 'a\nb' }],
  ['a last line end given', { before: 'a\nb', after: 'a\nb\n' }],
  ['no last line end on either side', { before: 'a\nb', after: 'a\nc' }],
  ['a line before a last one without end', { before: 'a', after: 'b\na' }],
  ['CRLF kept', { before: 'a\r\nb\r\nc\r\n', after: 'a\r\nB\r\nc\r\n' }],
  ['CRLF becomes LF', { before: 'a\r\nb\r\n', after: 'a\nb\n' }],
  ['mixed line ends', { before: 'a\r\nb\nc\rd\n', after: 'a\r\nb\nc\rD\n' }],
  ['a BOM', { before: '\ufeffa\n', after: '\ufeffb\n' }],
  [
    'lines that look like a diff',
    { before: '--- a\n+++ b\n@@ -1 +1 @@\n', after: '--- b\n+++ b\n@@ -1 +1 @@\n' },
  ],
  // The lines below were once diffed too, taken for others, and missing below the hunk: git refused it.
  [
    'equal lines below that also stand in what changed',
    { before: '2\n\n0\n\n2\n2\n\n1\n\n0\n1\n\n1\n\n1\n1\n\n', after: '2\n\n1\r\n\n1\n1\n\n' },
  ],
  [
    'a last line without end, far below',
    { before: `a\n${numbers(9)}end`, after: `b\n${numbers(9)}end` },
  ],
  ['a last line without end, near below', { before: 'a\n1\nend', after: 'b\n1\nend' }],
  ['a line repeated', { before: 'x\ny\n', after: 'x\nx\ny\n' }],
  ['the same line taken at the end', { before: 'x\nx\nx\n', after: 'x\nx\n' }],
  [
    'two places far apart',
    { before: numbers(100), after: numbers(100, (n) => (n === 5 || n === 90 ? `${n}!` : `${n}`)) },
  ],
  [
    'deep in a long file',
    { before: numbers(9_000), after: numbers(9_000, (n) => (n === 8_000 ? 'x' : `${n}`)) },
  ],
  ['the first line', { before: numbers(50), after: `new\n${numbers(50)}` }],
  ['the last line', { before: numbers(50), after: `${numbers(50)}new\n` }],
  ['everything', { before: numbers(20), after: numbers(30, (n) => `x${n}`) }],
  ['no ASCII', { before: 'grün\n', after: '緑\n' }],
  ['a name with a blank', { path: 'a folder/a file.txt', before: 'a\n', after: 'b\n' }],
  ['a name without ASCII', { path: 'grün/緑.txt', before: 'a\n', after: 'b\n' }],
  ['a name with quotes', { path: 'a "b" \\c.txt', before: 'a\n', after: 'b\n' }],
  ['a file with such a name made', { path: 'grün "b".txt', after: 'b\n' }],
  [
    'a file renamed',
    { path: 'new/name.txt', previousPath: 'old.txt', before: 'a\n', after: 'a\n' },
  ],
  [
    'a file renamed and changed',
    {
      path: 'b.txt',
      previousPath: 'a.txt',
      before: numbers(9),
      after: numbers(9, (n) => (n === 4 ? 'x' : `${n}`)),
    },
  ],
  ['an empty file whose name has a blank made', { path: 'a file.txt', after: '' }],
  ['an empty file whose name has a blank deleted', { path: 'a file.txt', before: '' }],
  [
    'a file whose name has a blank renamed',
    { path: 'to here.txt', previousPath: 'from there.txt', before: 'a\n', after: 'a\n' },
  ],
  [
    'a file whose name has a blank renamed and changed',
    { path: 'to here.txt', previousPath: 'from there.txt', before: 'a\nb\n', after: 'a\nc\n' },
  ],
  ['an empty file renamed', { path: 'b.txt', previousPath: 'a.txt', before: '', after: '' }],
]

function applyAsText({ before = '' }: DiffInput, diff: string): string | false {
  return applyPatch(before, diff, { autoConvertLineEndings: false })
}

describe('the diff applied to before gives after', () => {
  test.for(cases)('%s', ([, { path = 'folder/file.txt', ...rest }]) => {
    const input = { path, ...rest }
    const { diff, isWholeFile } = unifiedDiff(input)
    expect(isWholeFile).toBe(false)
    for (const tool of diffTools) expect(applyDiff(tool, input, diff), tool).toBe(input.after)
    expect(applyAsText(input, diff)).toBe(input.after ?? '')
  })
})

test('the headers are git’s', () => {
  const headers = (input: Omit<DiffInput, 'path'>) =>
    unifiedDiff({ path: 'x.txt', ...input })
      .diff.split('\n')
      .slice(0, 2)
  expect(headers({ before: 'a\n', after: 'b\n' })).toEqual(['--- a/x.txt', '+++ b/x.txt'])
  expect(headers({ after: 'b\n' })).toEqual(['--- /dev/null', '+++ b/x.txt'])
  expect(headers({ before: 'a\n' })).toEqual(['--- a/x.txt', '+++ /dev/null'])
})

test('equal texts have no diff', () => {
  expect(unifiedDiff({ path: 'x', before: 'a\n', after: 'a\n' })).toEqual({
    diff: '',
    linesAdded: 0,
    linesRemoved: 0,
    isWholeFile: false,
  })
})

test.for([
  ['a create', { after: 'a\nb\n' }, 2, 0],
  ['a delete', { before: 'a\nb' }, 0, 2],
  ['an edit', { before: 'a\nb\nc\n', after: 'a\nB\nC\nc\n' }, 2, 1],
  ['lines that begin with signs', { before: '-a\n+b\n', after: '-a\n' }, 0, 1],
  ['a last line end', { before: 'a', after: 'a\n' }, 1, 1],
] as const)('%s counts the lines of its diff', ([, input, added, removed]) => {
  expect(unifiedDiff({ path: 'x', ...input })).toMatchObject({
    linesAdded: added,
    linesRemoved: removed,
  })
})

describe('beyond the limits it is one hunk, says so, and still applies', () => {
  const shuffled = (seed: number, count: number) => {
    let state = seed
    return numbers(count, () => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31
      return `${state >> 20}`
    })
  }
  test.for([
    ['all lines changed', shuffled(1, 8_000), shuffled(2, 8_000)],
    ['more lines than are diffed', numbers(150_000), numbers(150_000, (n) => `x${n}`)],
    ['no last line end', shuffled(1, 8_000), shuffled(2, 8_000).trimEnd()],
  ] as const)('%s', ([, before, after]) => {
    const input = { path: 'x.txt', before, after }
    const { diff, ...counts } = unifiedDiff(input)
    expect(counts).toEqual({
      linesAdded: countLines(after),
      linesRemoved: countLines(before),
      isWholeFile: true,
    })
    expect(diff.match(/^@@ /gm)).toHaveLength(1)
    for (const tool of diffTools) expect(applyDiff(tool, input, diff), tool).toBe(after)
    expect(applyAsText(input, diff)).toBe(after)
  })
})

// Within limits of work, not of time: a busy machine makes the same diff.
describe('within the limits it is by lines', () => {
  test.for([
    [
      'every twentieth line of 20,000',
      numbers(20_000),
      numbers(20_000, (n) => (n % 20 ? `${n}` : `x${n}`)),
      1_000,
    ],
    ['1,000 lines, all changed', numbers(1_000), numbers(1_000, (n) => `x${n}`), 1_000],
    [
      '40,000 lines between 100 that changed',
      numbers(100),
      numbers(40_000, (n) => `x${n}`),
      40_000,
    ],
  ] as const)('%s', ([, before, after, linesAdded]) => {
    expect(unifiedDiff({ path: 'x', before, after })).toMatchObject({
      linesAdded,
      isWholeFile: false,
    })
  })
})

describe('large texts are soon done', () => {
  const size = 16 * 1024 ** 2
  test.for([
    ['two lines of 5 MB', 'a'.repeat(5e6), 'b'.repeat(5e6)],
    ['one character in 16 MiB', numbers(2_000_000), `${numbers(2_000_000)}x`],
    ['line ends alone', '\n'.repeat(size), '\n'.repeat(size - 7)],
    ['line ends against text', '\n'.repeat(size), 'ab\n'.repeat(size / 3)],
    ['16 MiB against nothing', 'ab\n'.repeat(size / 3), ''],
    // Seconds on a busy machine; hours where the time grew with the square of the text.
  ] as const)('%s', ([, before, after]) => {
    expect(unifiedDiff({ path: 'x', before, after }).diff).not.toBe('')
  })
})

/** A simple second implementation: git itself. */
test('random edits apply', () => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  let state = seed
  const next = (below: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return (state >> 8) % below
  }
  const ends = ['\n', '\n', '\n', '\r\n', '']
  const text = () =>
    Array.from(
      { length: next(12) },
      (_, n) => `${next(3)}${n % 3 === 2 ? '' : ends[next(4)]}`,
    ).join('\n') + (ends[next(5)] ?? '')
  for (let round = 0; round < 30; round += 1) {
    const input = { path: 'x.txt', before: text(), after: text() }
    if (input.before === input.after) continue
    const { diff } = unifiedDiff(input)
    for (const tool of diffTools) {
      const run = () => applyDiff(tool, input, diff)
      expect(run, `seed ${seed}, round ${round}, ${tool}`).not.toThrow()
      expect(run(), `seed ${seed}, round ${round}, ${tool}`).toBe(input.after)
    }
    expect(applyAsText(input, diff), `seed ${seed}, round ${round}`).toBe(input.after)
  }
})
