import { describe, expect, test } from 'vitest'
import { unifiedDiff } from '../../../conventions/src/content/unified-diff.ts'
import { openRandom } from '../../../test/support/random.ts'
import { parseDiff } from '../../src/changes/diff-lines.js'

const shown = (diff: string) => parseDiff(diff).map(({ kind, text }) => [kind, text])

describe('a diff', () => {
  test('is numbered on both sides, without its file names', () => {
    const diff = `--- a.txt
+++ a.txt
@@ -1,3 +1,3 @@
 one
-two
+TWO
 three
@@ -10 +10,2 @@
 ten
+eleven
\\ No newline at end of file
`
    expect(parseDiff(diff).map((line) => Object.values(line))).toEqual([
      ['hunk', '@@ -1,3 +1,3 @@', undefined, undefined],
      ['same', 'one', 1, 1],
      ['removed', 'two', 2, undefined],
      ['added', 'TWO', undefined, 2],
      ['same', 'three', 3, 3],
      ['hunk', '@@ -10 +10,2 @@', undefined, undefined],
      ['same', 'ten', 10, 10],
      ['added', 'eleven', undefined, 11],
      ['note', 'No newline at end of file', undefined, undefined],
    ])
  })

  test('keeps lines that look like headers, and separators that are no line feeds', () => {
    const diff = '--- a\n+++ a\n@@ -1 +1,2 @@\n--- x\n+++ y\u2028z\r\n+@@ -9 +9 @@\n'
    expect(parseDiff(diff).map(({ kind, text }) => [kind, text])).toEqual([
      ['hunk', '@@ -1 +1,2 @@'],
      ['removed', '-- x'],
      ['added', '++ y\u2028z\r'],
      ['added', '@@ -9 +9 @@'],
    ])
  })

  test('without a hunk has no lines', () => {
    expect(parseDiff('')).toEqual([])
    expect(parseDiff('--- a\n+++ a\n')).toEqual([])
  })

  test('of a renamed file begins at its first hunk: git’s lines above it are no lines of the file', () => {
    const diff = `diff --git a/old name.sql b/new.sql
similarity index 80%
rename from old name.sql
rename to new.sql
index 1234567..89abcde 100644
--- a/old name.sql
+++ b/new.sql
@@ -1,3 +1,3 @@
 select 1
--- a comment
+++ no comment
 select 2
\\ No newline at end of file
`
    expect(shown(diff)).toEqual([
      ['hunk', '@@ -1,3 +1,3 @@'],
      ['same', 'select 1'],
      ['removed', '-- a comment'],
      ['added', '++ no comment'],
      ['same', 'select 2'],
      ['note', 'No newline at end of file'],
    ])
  })

  test.each([
    ['a bare rename', { path: 'b', previousPath: 'a', before: 'x\n', after: 'x\n' }],
    ['an empty file that is created', { path: 'a', after: '' }],
    ['an empty file that is deleted', { path: 'a', before: '' }],
  ])('of %s has no lines', (_what, input) => {
    const { diff } = unifiedDiff(input)
    expect(diff).not.toBe('')
    expect(parseDiff(diff)).toEqual([])
  })

  test('of several files names each file but the first, and says which are binary', () => {
    const diff = `--- a/one
+++ b/one
@@ -1 +1 @@
-1
+2
diff --git a/two b/two
index 1234567..89abcde
Binary files a/two and b/two differ
diff --git a/three b/three
old mode 100644
new mode 100755
--- a/three
+++ b/three
@@ -0,0 +1 @@
+--- 3
`
    expect(shown(diff)).toEqual([
      ['hunk', '@@ -1 +1 @@'],
      ['removed', '1'],
      ['added', '2'],
      ['header', 'diff --git a/two b/two'],
      ['header', 'index 1234567..89abcde'],
      ['note', 'Binary files a/two and b/two differ'],
      ['header', 'diff --git a/three b/three'],
      ['note', 'old mode 100644'],
      ['note', 'new mode 100755'],
      ['header', '--- a/three'],
      ['header', '+++ b/three'],
      ['hunk', '@@ -0,0 +1 @@'],
      ['added', '--- 3'],
    ])
  })

  test('that is not well formed loses no line', () => {
    expect(shown('-old\n+new\n same\nno diff at all\n')).toEqual([
      ['removed', 'old'],
      ['added', 'new'],
      ['same', 'same'],
      ['note', 'no diff at all'],
    ])
    // The counts say fewer lines than there are, and then more.
    expect(shown('@@ -1 +1 @@\n-a\n-b\n+c\n+d\n\n@@ -9,7 +9,7 @@\n+e\n@@ -20 +21 @@\n')).toEqual([
      ['hunk', '@@ -1 +1 @@'],
      ['removed', 'a'],
      ['removed', 'b'],
      ['added', 'c'],
      ['added', 'd'],
      ['same', ''],
      ['hunk', '@@ -9,7 +9,7 @@'],
      ['added', 'e'],
      ['hunk', '@@ -20 +21 @@'],
    ])
  })

  test('of any two texts has their lines under their numbers, whatever the lines look like', () => {
    const seed = Math.floor(Math.random() * 2 ** 32)
    const { below, pick } = openRandom(seed)
    const lines = [
      '--- a',
      '+++ b',
      '-- c',
      '@@ -1 +1 @@',
      'diff --git a b',
      '\\ x',
      '',
      ' ',
      'e\r',
    ]
    const textOf = () => Array.from({ length: below(12) }, () => pick(lines)).join('\n')
    for (let round = 0; round < 300; round += 1) {
      const [before, after] = [textOf(), textOf()]
      const input = { path: 'b c', previousPath: pick(['a', 'b c']), before, after }
      const { diff, linesAdded, linesRemoved } = unifiedDiff(input)
      const parsed = parseDiff(diff)
      const count = (kind: string) => parsed.filter((line) => line.kind === kind).length
      expect([seed, count('added'), count('removed'), count('header')]).toEqual([
        seed,
        linesAdded,
        linesRemoved,
        0,
      ])
      for (const { text, oldNumber, newNumber } of parsed) {
        if (oldNumber !== undefined) expect(text).toBe(before.split('\n')[oldNumber - 1])
        if (newNumber !== undefined) expect(text).toBe(after.split('\n')[newNumber - 1])
      }
    }
  })
})
