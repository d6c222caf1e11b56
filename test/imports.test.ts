/**
 * Data flows one way. `layers` lists the parts of each package, folders and top files, from the end of its pipeline to the
 * beginning: a part imports itself and what is listed below it. Types may also come from the parts named in `typesFrom`.
 * Composition roots import anything in their package. A top file that is not listed may not be imported.
 *
 * The rules hold along whole chains: `a → b → c` counts as an import of `c` by `a`, also through another package.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'

const root = path.resolve(import.meta.dirname, '..')

interface Layers {
  /** Programs and entry points: they import anything in their package, and nothing imports them. */
  readonly roots: readonly string[]
  readonly parts: readonly string[]
  /** Types that come from a part listed above, with the part that makes the values. */
  readonly typesFrom?: Readonly<Record<string, readonly string[]>>
}

const layers: Readonly<Record<string, Layers>> = {
  conventions: {
    roots: ['index.ts'],
    parts: [
      'dialects',
      'otlp',
      'content',
      'names',
      'settings.ts',
      'account.ts',
      'regular-file.ts',
      'folders.ts',
      'plain.ts',
    ],
  },
  instrumentation: {
    roots: ['index.ts', 'register.js', 'start.ts'],
    parts: [
      'worker',
      'observe',
      'seal',
      'models',
      'redact',
      'changes',
      'session.ts',
      'process-wide.ts',
      'config.ts',
      'misspelt-settings.ts',
      'upload',
      'otlp',
      'journal',
      'identity.ts',
      'open-telemetry.ts',
      'workspace',
      'spool',
      'record',
      'handle.ts',
      'api.ts',
      'follow-work.ts',
      'file-system.ts',
      'health.ts',
      'bounded-map.ts',
      'lines.ts',
      'sequence-ranges.ts',
      'thread-end.ts',
      'timers.ts',
      'steady-clock.ts',
      'notice.js',
    ],
    typesFrom: { 'handle.ts': ['changes'], 'identity.ts': ['config.ts'] },
  },
  receiver: {
    roots: ['main.ts', 'cli'],
    parts: [
      'app.ts',
      'openapi',
      'jaeger',
      'pages',
      'routes',
      'http',
      'events',
      'maintain.ts',
      'expiry-plan.ts',
      'sample.ts',
      'keeping.ts',
      'outage-notices.ts',
      'storage',
      'otlp',
      'config.ts',
      'counters.ts',
      'address.ts',
      'errors.ts',
      'period.ts',
    ],
    typesFrom: {},
  },
}

/** Which packages and folders of tools may import which others. */
const packages: Readonly<Record<string, readonly string[]>> = {
  conventions: [],
  'embedded-postgres': ['conventions'],
  instrumentation: ['conventions'],
  receiver: ['conventions', 'embedded-postgres', 'web'],
  web: [],
  example: ['instrumentation', 'web'],
  start: ['conventions', 'embedded-postgres', 'receiver'],
  collector: ['conventions', 'embedded-postgres', 'receiver', 'start'],
  dashboards: ['conventions', 'receiver', 'embedded-postgres', 'test'],
  packaging: ['conventions'],
  bench: ['conventions', 'receiver', 'packaging', 'example', 'test'],
  docs: ['conventions', 'instrumentation', 'receiver', 'collector', 'dashboards', 'start', 'test'],
}

/** Imports between files of the repository; of tests and stand-ins none. */
interface Import {
  readonly from: string
  readonly to: string
  /** Erased when it runs. */
  readonly isType: boolean
}

const files = sourcesIn('.')
const imports = files.flatMap(importsOf)
const importsByFile = Map.groupBy(imports, ({ from }) => from)

test('every folder with sources is known', () => {
  const folders = new Set(files.map((file) => file.split('/')[0]))
  expect([...folders].filter((folder) => packages[folder ?? ''] === undefined)).toEqual([])
})

test('an import leads to a file that exists', () => {
  expect(imports.filter(({ to }) => !existsSync(path.join(root, to)))).toEqual([])
})

test.each(Object.keys(packages))('%s imports only the packages below it', (name) => {
  const allowed = [name, ...(packages[name] ?? [])]
  const crossing = imports.filter(
    ({ from, to }) => packageOf(from) === name && !allowed.includes(packageOf(to)),
  )
  expect(crossing).toEqual([])
})

test.each(Object.keys(layers))('each top file and folder of %s has its layer', (name) => {
  const { roots = [], parts = [] } = layers[name] ?? {}
  const found = new Set(files.filter((file) => packageOf(file) === name).map(partOf))
  expect([...found].sort()).toEqual([...roots, ...parts].sort())
})

const parts = Object.entries(layers).flatMap(([name, { parts }]) =>
  parts.map((part) => [name, part] as const),
)

test.each(parts)('%s/%s imports only what is listed below it', (name, part) => {
  const { parts: order = [], typesFrom = {} } = layers[name] ?? {}
  const below = order.slice(order.indexOf(part))
  const types = [...below, ...(typesFrom[part] ?? [])]
  const upward = imports.filter(
    ({ from, to, isType }) =>
      isIn(from, name, part) &&
      packageOf(to) === name &&
      !(isType ? types : below).includes(partOf(to)),
  )
  expect(upward).toEqual([])
})

test.each(parts)('%s/%s reaches nothing above it by any chain of imports', (name, part) => {
  const { parts: order = [] } = layers[name] ?? {}
  const below = order.slice(order.indexOf(part))
  const reached = reachedFrom(files.filter((file) => isIn(file, name, part)))
  const above = [...reached].filter(
    ([file]) => packageOf(file) === name && !below.includes(partOf(file)),
  )
  expect(above.map(([, chain]) => chain.join(' → '))).toEqual([])
})

test('no file reaches itself', () => {
  const cycles = files.flatMap((file) => {
    const next = valueImportsOf(file)
    const reached = reachedFrom(next)
    const chain = reached.get(file)
    return chain === undefined ? [] : [[file, ...chain].join(' → ')]
  })
  expect(cycles).toEqual([])
})

test('a chain of imports is followed', () => {
  const chain = reachedFrom(['instrumentation/src/start.ts']).get('conventions/src/index.ts')
  expect(chain?.[0]).toBe('instrumentation/src/start.ts')
})

/** Every file reached through value imports, each with the chain that leads to it. */
function reachedFrom(start: readonly string[]): Map<string, readonly string[]> {
  const reached = new Map<string, readonly string[]>(start.map((file) => [file, [file]]))
  for (const [file, chain] of reached) {
    for (const next of valueImportsOf(file)) {
      if (!reached.has(next)) reached.set(next, [...chain, next])
    }
  }
  return reached
}

function valueImportsOf(file: string): string[] {
  return (importsByFile.get(file) ?? []).filter(({ isType }) => !isType).map(({ to }) => to)
}

function packageOf(file: string): string {
  return file.split('/')[0] ?? ''
}

/** A folder or a file directly in the package's `src`. */
function partOf(file: string): string {
  return file.split('/')[2] ?? ''
}

function isIn(file: string, name: string, part: string): boolean {
  return packageOf(file) === name && partOf(file) === part
}

function importsOf(file: string): Import[] {
  const text = readFileSync(path.join(root, file), 'utf8')
  const statements = text.matchAll(
    /^(?:import|export)\s+(type\s)?[^'"]*?from\s+['"]([^'"]+)['"]|^import\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm,
  )
  return [...statements].flatMap(([, type, from, bare, dynamic]) => {
    const to = targetOf(file, from ?? bare ?? dynamic ?? '')
    return to === undefined || isTest(to) ? [] : [{ from: file, to, isType: type !== undefined }]
  })
}

/** The imported file of this repository; undefined for other packages. */
function targetOf(file: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return path.join(path.dirname(file), specifier)
  const [, name, rest = ''] = /^@turnlog\/([^/]+)(\/.*)?$/.exec(specifier) ?? []
  if (name === undefined) return undefined
  const { exports } = JSON.parse(readFileSync(path.join(root, name, 'package.json'), 'utf8'))
  const entry = `.${rest}`
  const pattern = Object.keys(exports).find(
    (key) => key.endsWith('*') && entry.startsWith(key.slice(0, -1)),
  )
  const found =
    exports[entry] ?? exports[pattern ?? '']?.replace('*', entry.slice((pattern?.length ?? 0) - 1))
  return path.join(name, found ?? `not exported: ${rest}`)
}

function sourcesIn(folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|js)$/.test(entry.name))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .filter((file) => file.includes('/') && !isTest(file))
}

function isTest(file: string): boolean {
  return /(^|\/)(node_modules|dist|test|programs)\/|(^|\/)vitest\.config\.ts$/.test(file)
}
