/** Everything that documents name exists: settings, commands and their flags, endpoints, files. Their SQL queries run. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import * as path from 'node:path'
import { changesRoutes } from '@turnlog/instrumentation/changes'
import { buildApp } from '@turnlog/receiver/app'
import { openDatabase } from '@turnlog/receiver/storage'
import Fastify from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import { made } from '../docs/make.ts'
import { helpText } from '../receiver/src/cli/help.ts'
import { withDatabase } from './support/postgres.ts'
import { receiverLimits } from './support/receiver.ts'

const root = path.resolve(import.meta.dirname, '..')
/** Not checked: decisions describe their time, and the changelog earlier states. */
const documents = [
  '.',
  'docs',
  'embedded-postgres',
  'receiver',
  'instrumentation',
  'web',
  'collector',
  'example',
]
  .flatMap((folder) => markdownIn(folder))
  .filter((file) => !file.startsWith('docs/decisions/') && file !== 'CHANGELOG.md')

function markdownIn(folder: string): string[] {
  return filesIn(folder).filter((file) => file.endsWith('.md') && !file.includes('node_modules'))
}

/** For the top folder only its own files, without subfolders. */
function filesIn(folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: folder !== '.', withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
}

function textOf(document: string): string {
  return readFileSync(path.join(root, document), 'utf8')
}

/** The code of a document, inline or in a block: names, not prose. */
function codeOf(document: string): string[] {
  const text = textOf(document)
  const blocks = [...text.matchAll(/^```[^\n]*\n([\s\S]*?)^```/gm)].map(([, code]) => code ?? '')
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, '')
  return [...blocks, ...[...prose.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code ?? '')]
}

/** The variables that the dashboards' provisioning reads, in Grafana's form: `$__env{NAME}`. */
const grafanaNames = filesIn('dashboards/provisioning')
  .flatMap((file) => [...textOf(file).matchAll(/\$__env\{(\w+)\}/g)])
  .map(([, name]) => `\`${name}\``)
  .join()

test.each(documents)('every setting that %s names exists', (document) => {
  const known = (made.get('SETTINGS.md') ?? '') + grafanaNames
  const names = textOf(document).match(/\b(?:TELEMETRY|TURNLOG|EXAMPLE)_[A-Z_]+\b/g) ?? []
  expect([...new Set(names)].filter((name) => !known.includes(`\`${name}\``))).toEqual([])
})

const help = helpText()
/** In the help, a verb follows its command after one space, and the explanation after several. */
const commands = new Set(
  [...help.matchAll(/^ {2}([a-z]+(?: [a-z]+)?)(?= |$)/gm)].map(([, command]) => command ?? ''),
)

test.each(documents)('every turnlog-receiver command of %s exists', (document) => {
  const lines = codeOf(document).flatMap((code) => code.split('\n'))
  const unknown = lines.flatMap((line) =>
    [
      ...line.matchAll(/(?:turnlog-|@turnlog\/)receiver(?: --help| ((?:[a-z]+ ?)+))([^;|&)#]*)/g),
    ].flatMap(([, words = '', rest = '']) => {
      const [command = '', verb = ''] = words.trim().split(' ')
      const isCommand =
        command === '' || commands.has(command) || commands.has(`${command} ${verb}`)
      const flags = rest.match(/--[a-z-]+/g) ?? []
      const wrong = flags.filter((flag) => !new RegExp(`${flag}\\b`).test(help))
      return isCommand && wrong.length === 0 ? [] : [line.trim()]
    }),
  )
  expect(unknown).toEqual([])
})

test('docs/OPERATING.md names every command', () => {
  const text = textOf('docs/OPERATING.md')
  expect(commands.size).toBeGreaterThan(8)
  expect([...commands].filter((command) => !text.includes(`receiver ${command}`))).toEqual([])
})

/** The routes of the receiver and of the Changes panel; a parameter matches any value. */
async function openRoutes(): Promise<readonly string[]> {
  const database = openDatabase('postgres://nobody@127.0.0.1:1/none')
  const changes = Fastify()
  const apps = [buildApp(receiverLimits, database), changes]
  const urls: string[] = []
  for (const app of apps) app.addHook('onRoute', ({ url }) => void urls.push(url))
  changes.register(changesRoutes)
  onTestFinished(async () => {
    await Promise.all(apps.map((app) => app.close()))
    await database.close()
  })
  await Promise.all(apps.map((app) => app.ready()))
  return urls
}

/** A parameter matches any value; `/api/v3/…` means all paths that begin so. */
function isRouteOf(url: string, named: string): boolean {
  if (named.endsWith('…')) return url.startsWith(named.slice(0, -1))
  return new RegExp(`^${url.replaceAll(/:\w+|\*/g, '[^/]+')}$`).test(named)
}

/** The example app's routes for messages. */
const exampleUrl = '/api/chat'

test('every endpoint that a document names exists', async () => {
  const urls = await openRoutes()
  const unknown = documents.flatMap((document) =>
    codeOf(document)
      .flatMap((code) => code.match(/(?<![\w./:-])\/(?:v1|api)\/[^\s`'"?#,;)\\]+/g) ?? [])
      .map((named) => named.replace(/[.:]$/, ''))
      .filter((named) => named !== exampleUrl && !urls.some((url) => isRouteOf(url, named)))
      .map((named) => `${document}: ${named}`),
  )
  expect(unknown).toEqual([])
})

test.each(documents)('every file that %s names exists', (document) => {
  const named = codeOf(document)
    .filter((code) => /^(?:[\w@.-]+\/)+[\w.-]+\.(?:ts|js|mjs|cjs|sql|md|json|ya?ml|py)$/.test(code))
    .filter((name) => !name.startsWith('@') && !name.startsWith('node_modules/'))
  const places = [root, path.join(root, path.dirname(document))]
  const missing = named.filter(
    (name) => !places.some((place) => existsSync(path.join(place, name))),
  )
  expect(missing).toEqual([])
})

test.each(documents)('every heading that %s links to exists', (document) => {
  const links = [...textOf(document).matchAll(/\]\(([^)#\s]*)#([^)\s]+)\)/g)]
    .map(([, file = '', heading = '']) => ({ file, heading }))
    .filter(({ file }) => !/^[a-z]+:/.test(file))
  const missing = links.filter(({ file, heading }) => {
    const target = file === '' ? document : path.join(path.dirname(document), file)
    return !headingsOf(target).includes(heading)
  })
  expect(missing).toEqual([])
})

/** The anchors that GitHub gives to headings. */
function headingsOf(document: string): string[] {
  return [...textOf(document).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

test('the receiver logs every line that docs/OPERATING.md explains', () => {
  const [, table = ''] = textOf('docs/OPERATING.md').split('| line | what to do |')
  const explained = (table.split('\n\n', 1)[0] ?? '').matchAll(
    /^\| `([^`]+)`|`([^`…]+\.)` ends it/gm,
  )
  const pieces = [...explained].flatMap(([, line, end]) =>
    (line ?? end ?? '').split(/[…:,]/).filter((piece) => piece.trim().length > 10),
  )
  const sources = filesIn('receiver/src')
    .filter((file) => file.endsWith('.ts'))
    .map(textOf)
    .join('\n')
  expect(pieces.length).toBeGreaterThan(4)
  expect(pieces.filter((piece) => !sources.includes(piece.trim()))).toEqual([])
})

test('every SQL query of a document runs', async () => {
  const database = await withDatabase()
  const questions = documents.flatMap((document) =>
    [...textOf(document).matchAll(/^```sql\n([\s\S]*?)^```/gm)].map(([, sql = '']) => sql),
  )
  expect(questions.length).toBeGreaterThan(4)
  for (const question of questions) await database.query(question)
})
