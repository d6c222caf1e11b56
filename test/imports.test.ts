/**
 * Data flows one way. A folder may import itself, its package's own top files (settings, errors, counters, the disk
 * seam), and what this table names; composition roots may import anything in their package.
 */
import { readdirSync, readFileSync } from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'

const root = path.resolve(import.meta.dirname, '..')

interface Rule {
  readonly may: readonly string[]
  /** Folders of which only types may be imported. */
  readonly mayTypes?: readonly string[]
}

const rules: Readonly<Record<string, Rule>> = {
  'conventions/src': { may: [] },
  'embedded-postgres/src': { may: ['conventions'] },
  'instrumentation/src/observe': {
    may: ['instrumentation/src/record', 'instrumentation/src/models', 'conventions'],
  },
  'instrumentation/src/record': { may: ['conventions'] },
  'instrumentation/src/models': { may: ['instrumentation/src/record', 'conventions'] },
  'instrumentation/src/journal': {
    may: ['instrumentation/src/record', 'instrumentation/src/spool', 'conventions'],
  },
  'instrumentation/src/seal': {
    may: [
      'instrumentation/src/record',
      'instrumentation/src/models',
      'instrumentation/src/journal',
      'instrumentation/src/redact',
      'instrumentation/src/otlp',
      'instrumentation/src/spool',
      'conventions',
    ],
    mayTypes: ['instrumentation/src/changes'],
  },
  'instrumentation/src/redact': {
    may: ['instrumentation/src/record', 'conventions'],
    mayTypes: ['instrumentation/src/journal', 'instrumentation/src/otlp'],
  },
  'instrumentation/src/otlp': {
    may: ['instrumentation/src/record', 'instrumentation/src/spool', 'conventions'],
    mayTypes: ['instrumentation/src/journal'],
  },
  'instrumentation/src/spool': { may: ['conventions'] },
  'instrumentation/src/upload': {
    may: ['conventions'],
    mayTypes: ['instrumentation/src/spool', 'instrumentation/src/otlp'],
  },
  'instrumentation/src/changes': { may: ['instrumentation/src/record', 'conventions'] },
  'receiver/src/otlp': { may: ['conventions'] },
  'receiver/src/events': { may: ['receiver/src/otlp', 'conventions'] },
  'receiver/src/storage': { may: ['receiver/src/otlp', 'conventions'] },
  'receiver/src/http': {
    may: ['receiver/src/storage', 'conventions'],
  },
  'receiver/src/routes': {
    may: [
      'receiver/src/http',
      'receiver/src/events',
      'receiver/src/otlp',
      'receiver/src/storage',
      'conventions',
    ],
  },
  'receiver/src/jaeger': { may: ['receiver/src/http', 'receiver/src/storage', 'conventions'] },
  'receiver/src/pages': {
    may: ['receiver/src/http', 'receiver/src/storage', 'web', 'conventions'],
  },
  'receiver/src/cli': { may: ['receiver/src/storage', 'embedded-postgres', 'conventions'] },
  'dashboards/src': { may: ['conventions'] },
  web: { may: [] },
  example: { may: ['web', 'instrumentation'] },
  collector: { may: ['embedded-postgres', 'receiver/address'] },
}

const packages = [
  'conventions',
  'embedded-postgres',
  'instrumentation',
  'receiver',
  'web',
  'example',
] as const

test.each(Object.keys(rules))('%s imports only what stands below it', (folder) => {
  expect(importsOf(folder).flatMap((found) => offence(folder, found))).toEqual([])
})

test('instrumentation and receiver never import each other', () => {
  const crossing = [
    ...importsOf('instrumentation').filter(({ to }) => to.startsWith('receiver')),
    ...importsOf('receiver').filter(({ to }) => to.startsWith('instrumentation')),
  ]
  expect(crossing).toEqual([])
})

interface Import {
  readonly file: string
  /** The folder or package, relative to the repository; a foreign package by its name. */
  readonly to: string
  readonly isType: boolean
}

function offence(folder: string, { file, to, isType }: Import): string[] {
  const { may, mayTypes = [] } = rules[folder] ?? { may: [] }
  const packageRoot = `${folder.split('/')[0]}/src`
  const isAllowed =
    !packages.some((name) => to === name || to.startsWith(`${name}/`)) ||
    to === folder ||
    to.startsWith(`${folder}/`) ||
    to === packageRoot ||
    [...may, ...(isType ? mayTypes : [])].some(
      (allowed) => to === allowed || to.startsWith(`${allowed}/`),
    )
  return isAllowed ? [] : [`${file} imports ${to}`]
}

function importsOf(folder: string): Import[] {
  return sourcesIn(path.join(root, folder)).flatMap((file) => {
    const text = readFileSync(file, 'utf8')
    const statements = text.matchAll(
      /^(?:import|export)\s+(type\s)?[^'"]*?from\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm,
    )
    return [...statements].map(([, type, from, dynamic]) => ({
      file: path.relative(root, file),
      to: target(file, from ?? dynamic ?? ''),
      isType: type !== undefined,
    }))
  })
}

function target(file: string, specifier: string): string {
  if (specifier.startsWith('@turnlog/')) return specifier.slice('@turnlog/'.length)
  if (!specifier.startsWith('.')) return specifier
  return path.dirname(path.relative(root, path.resolve(path.dirname(file), specifier)))
}

function sourcesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|js)$/.test(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => !/node_modules|\/(test|dist|bench)\//.test(path.relative(root, file)))
}
