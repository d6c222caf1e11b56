/** Which files a command names. */
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import * as path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { namedFiles } from '../../src/observe/named-files.ts'

const folder = (): string => {
  const made = fs.mkdtempSync(path.join(tmpdir(), 'named-files-'))
  onTestFinished(() => fs.rmSync(made, { recursive: true }))
  for (const name of ['a.txt', 'b.txt']) fs.writeFileSync(path.join(made, name), name)
  fs.mkdirSync(path.join(made, 'src'))
  fs.writeFileSync(path.join(made, 'src/c.ts'), '')
  return made
}

test.for([
  ['echo new >> a.txt', ['a.txt']],
  ["sed -i 's/a/b/' ./a.txt;cat b.txt>out.txt", ['a.txt', 'b.txt']],
  ['cat "src/c.ts" --file=b.txt', ['src/c.ts', 'b.txt']],
  ['{"name":"write","arguments":{"path":"src/c.ts"}}', ['src/c.ts']],
  ['cat a.txt a.txt src missing.txt', ['a.txt']],
  ['', []],
] as const)('%s names %j', ([command, names]) => {
  const inside = folder()
  const expected = names.map((name) => path.join(inside, name))
  expect(namedFiles([command], inside, fs)).toEqual(expected)
})

test('files above a mebibyte together are not named', () => {
  const inside = folder()
  fs.writeFileSync(path.join(inside, 'a.txt'), Buffer.alloc(1024 ** 2 + 1))
  expect(namedFiles(['cat a.txt b.txt'], inside, fs)).toEqual([path.join(inside, 'b.txt')])
})
