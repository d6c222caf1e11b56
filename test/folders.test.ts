/** Node's recursive `mkdir` never returns below procfs or an automounter, and a program cannot be stopped meanwhile. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const programs = [
  'conventions/src',
  'instrumentation/src',
  'receiver/src',
  'embedded-postgres/src',
  'start',
  'collector',
]

test('no program makes folders with the recursive mkdir of Node', () => {
  const sources = programs.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|js)$/.test(name) && !name.startsWith('test/'))
      .map((name) => join(folder, name)),
  )
  expect(sources.length).toBeGreaterThan(100)
  const recursive = /mkdir(Sync)?\([^;]{0,200}recursive: true/
  expect(sources.filter((name) => recursive.test(readFileSync(join(root, name), 'utf8')))).toEqual(
    [],
  )
})
