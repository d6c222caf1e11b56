/** Documents are generated from tables in the code, or compared with the code. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import * as path from 'node:path'
import { attributes, contentSuffixes, events, metrics } from '@turnlog/conventions'
import { expect, test } from 'vitest'
import { made } from '../docs/make.ts'

const root = path.resolve(import.meta.dirname, '..')
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'collector/README.md',
  ...markdownIn('docs'),
]

test.each([...made.keys()])('docs/%s is up to date (npm run docs)', (name) => {
  expect(readFileSync(path.join(root, 'docs', name), 'utf8')).toBe(made.get(name))
})

test.each(documents)('every link of %s leads to an existing file', (document) => {
  const text = readFileSync(path.join(root, document), 'utf8')
  const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)|<img src="([^"]+)"/g)]
    .map(([, link, image]) => link ?? image ?? '')
    .filter((link) => !/^[a-z]+:/.test(link))
  const broken = links.filter(
    (link) => !existsSync(path.resolve(root, path.dirname(document), link)),
  )
  expect(broken).toEqual([])
})

test.each(documents)('every npm script that %s names exists', (document) => {
  const text = readFileSync(path.join(root, document), 'utf8')
  const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
  const named = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name ?? '')
  expect(named.filter((name) => !(name in scripts))).toEqual([])
})

test('every file that docs/ARCHITECTURE.md names exists', () => {
  const text = readFileSync(path.join(root, 'docs/ARCHITECTURE.md'), 'utf8')
  const named = [...text.matchAll(/`((?:[\w@.-]+\/)+[\w.-]+\.(?:ts|js|sql|md|json))`/g)].map(
    ([, name]) => name ?? '',
  )
  expect(named.length).toBeGreaterThan(10)
  expect(named.filter((name) => !existsSync(path.join(root, name)))).toEqual([])
})

test('every turnlog.* name in the sources is in the conventions', () => {
  const known = new Set<string>([
    ...Object.keys(attributes),
    ...Object.keys(events),
    ...Object.keys(metrics),
  ])
  const isKnown = (name: string): boolean =>
    known.has(name) ||
    Object.keys(contentSuffixes).some(
      (suffix) => name.endsWith(`.${suffix}`) && known.has(name.slice(0, -suffix.length - 1)),
    )
  const unknown = ['instrumentation/src', 'receiver/src', 'receiver/migrations'].flatMap((folder) =>
    filesIn(folder).flatMap((file) => {
      const text = readFileSync(path.join(root, file), 'utf8')
      return [...text.matchAll(/['"](turnlog\.[a-z_]+(?:\.[a-z0-9_]+)*)['"]/g)]
        .map(([, name]) => name ?? '')
        .filter((name) => !isKnown(name) && !internalNames.has(name))
        .map((name) => `${file}: ${name}`)
    }),
  )
  expect(unknown).toEqual([])
})

/** Keys inside a process or the database, and a file; never sent. */
const internalNames: ReadonlySet<string> = new Set([
  'turnlog.instrumentation',
  'turnlog.session',
  'turnlog.content',
  'turnlog.messages',
  'turnlog.said',
  'turnlog.omitted',
  'turnlog.turn.prompt',
  'turnlog.turn.answer',
  'turnlog.svg',
])

function markdownIn(folder: string): string[] {
  return filesIn(folder).filter((file) => file.endsWith('.md'))
}

function filesIn(folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
}
