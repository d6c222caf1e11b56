/** Checks the dashboards' files, without a database. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { buildApp } from '@turnlog/receiver/app'
import { openDatabase } from '@turnlog/receiver/storage'
import { expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { readConfig } from '../../receiver/src/config.ts'
import { made } from '../src/index.ts'
import { settings } from '../src/settings.ts'
import { jaeger, postgres } from '../src/sources.ts'
import { type DashboardJson, files, type Panel } from './support/queries.ts'

const folder = new URL('../json/', import.meta.url)
const provisioning = new URL('../provisioning/', import.meta.url)

function read(path: string): string {
  return readFileSync(new URL(path, provisioning), 'utf8')
}

test('the files are those that the code makes (npm run dashboards)', () => {
  expect(readdirSync(folder).toSorted()).toEqual([...made.keys()].toSorted())
  for (const [name, text] of made) {
    expect(readFileSync(new URL(name, folder), 'utf8'), name).toBe(text)
  }
})

test('no two dashboards, and no two panels of one dashboard, have the same name', () => {
  const uids = files.map(({ uid }) => uid)
  expect(new Set(uids).size).toBe(uids.length)
  for (const { uid, panels } of files) {
    expect(uid).toMatch(/^[a-z-]{1,40}$/)
    const ids = panels.map(({ id }) => id)
    expect(new Set(ids)).toEqual(new Set(panels.map((_, index) => index + 1)))
  }
})

const panelsWithData: (readonly [string, Panel])[] = files.flatMap(({ uid, panels }) =>
  panels
    .filter(({ type }) => type !== 'row')
    .map((panel) => [`${uid}: ${panel.title}`, panel] as const),
)

test.each(panelsWithData)(
  '%s says what it shows, from a source that is provisioned',
  (_, panel) => {
    expect(panel.title).toMatch(/\S/)
    expect(panel.description).toMatch(/\.$/)
    expect(panel.targets).toHaveLength(1)
    for (const { datasource, refId } of [...(panel.targets ?? []), { ...panel, refId: 'A' }]) {
      expect([postgres, jaeger]).toContainEqual(datasource)
      expect(refId).toBe('A')
    }
    const needsUnit = panel.type === 'stat' || panel.type === 'timeseries'
    if (needsUnit) expect(panel.fieldConfig?.defaults.unit).toMatch(/\S/)
  },
)

/** Columns of the views with whole prompts, answers, files or diffs: too much to read for a list. */
const contentColumns =
  /\b(prompt|answer|arguments|result|before|after|overwritten|diff|\w+_bytes|system_instructions|input_messages|output_messages|tool_definitions|message|stacktrace|reason)\b(?=\s*(?:,|::|\n|$))/

test.each(panelsWithData)(
  '%s reads no content, and names no id of one installation',
  (_, panel) => {
    for (const { rawSql = '' } of panel.targets ?? []) {
      // The word after `as` is an alias, not a column.
      const read = rawSql
        .replace(/\bas (?:"[^"]*"|\w+)/g, '')
        .replaceAll(/memory_bytes|database_bytes/g, '')
        // There it is one of a few words, not a person's.
        .replaceAll(/\breason\b/g, (name) => (rawSql.includes('from unseen_work') ? '' : name))
      expect(contentColumns.exec(read)?.[0]).toBeUndefined()
      expect(rawSql).not.toMatch(/[0-9a-f]{16}|team_id = '|\/d\//)
    }
  },
)

function variablesOf({ templating }: DashboardJson): Set<string> {
  return new Set((templating.list ?? []).map(({ name }) => name))
}

test.each(files.map((file) => [file.uid, file] as const))(
  '%s uses the variables it has, and all of them',
  (_, file) => {
    const text = JSON.stringify(file.panels)
    const used = [...text.matchAll(/\$\{(\w+)(?::\w+)?\}|"\$(\w+)"/g)]
      .map(([, braced, plain]) => braced ?? plain ?? '')
      .filter((name) => !name.startsWith('__'))
    expect(new Set(used)).toEqual(variablesOf(file))
  },
)

test('every link leads to an existing dashboard, or to a page of the receiver', async () => {
  const database = openDatabase('postgresql://127.0.0.1:1/nowhere')
  const app = buildApp(readConfig({}), database)
  onTestFinished(async () => {
    await app.close()
    await database.close()
  })
  await app.ready()
  const uids = files.map(({ uid }) => uid)
  const urls = files.flatMap(({ panels }) =>
    panels.flatMap(({ fieldConfig }) =>
      (fieldConfig?.overrides ?? []).flatMap(({ properties }) =>
        properties
          .filter(({ id }) => id === 'links')
          .flatMap(({ value }) => (value as { readonly url: string }[]).map(({ url }) => url)),
      ),
    ),
  )
  expect(urls.length).toBeGreaterThan(10)
  for (const url of new Set(urls)) {
    const field = /\$\{__data\.fields\["[^"]+"\]\}/g
    expect(url).toMatch(field)
    if (url.startsWith('/d/')) expect(uids).toContain(/^\/d\/([^?]+)/.exec(url)?.[1])
    else if (url.startsWith('/explore')) {
      const panes = new URLSearchParams(url.split('?')[1]).get('panes') ?? ''
      const { trace } = JSON.parse(panes.replace(field, 'id'))
      expect(trace).toMatchObject({ datasource: jaeger.uid, queries: [{ query: 'id' }] })
    } else {
      const path = url.replace(/^\$\{receiver:raw\}/, '').replace(field, ':traceId')
      expect(app.hasRoute({ method: 'GET', url: path }), path).toBe(true)
    }
  }
})

test('the provisioned data sources are those that the dashboards use, with secrets from files and documented settings', () => {
  const { datasources } = parse(read('datasources/turnlog.yaml'))
  const known = datasources.map(({ uid, type }: { uid: string; type: string }) => ({ type, uid }))
  expect(known).toEqual([postgres, jaeger])
  for (const { secureJsonData } of datasources) {
    for (const secret of Object.values(secureJsonData)) {
      expect(secret).toMatch(/^(Bearer )?\$__file\{\/run\/turnlog\/[a-z-]+\}$/)
    }
  }
  const named = ['datasources', 'dashboards'].flatMap((part) => [
    ...read(`${part}/turnlog.yaml`).matchAll(/\$__env\{(\w+)\}/g),
  ])
  expect(new Set(named.map(([, name]) => name))).toEqual(new Set(settings.map(({ env }) => env)))
  const { providers } = parse(read('dashboards/turnlog.yaml'))
  expect(providers).toHaveLength(1)
  expect(existsSync(folder)).toBe(true)
})
