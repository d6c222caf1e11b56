/**
 * An app with a version of OpenTelemetry's API of its own beside the published package: the AI SDK's own spans are part of the
 * turn, unless the app registers an SDK, which then gets them as without us.
 */
import { rmSync } from 'node:fs'
import * as path from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, inject, test } from 'vitest'
import { folderOf } from '../../instrumentation/test/packages/install.ts'
import { entries, type PackageEntry } from '../../instrumentation/test/packages/packages.ts'
import { runApp } from '../../instrumentation/test/packages/run-app.ts'

const tarballs = inject('tarballs')

describe.skipIf(inject('project') === undefined)("with the app's own API", () => {
  const made: PackageEntry[] = []
  afterAll(() => {
    for (const entry of made) rmSync(folderOf(entry), { recursive: true, force: true })
  })

  test.each([
    // Version 5 of the AI SDK needs 1.9.0, version 6 takes the newest, whose build for `import` is no CommonJS module.
    ['5.', '1.9.0', 'ai-sdk-traced'],
    ['5.', '1.9.0', 'ai-sdk-traced-sdk'],
    ['6.', '1.10.0', 'ai-sdk-traced'],
  ])(
    'AI SDK %s, API %s, app %s: one turn, and the spans are where the app sends them',
    async (ai, api, app) => {
      const traced = entries.find((each) => each.app === app && each.packages.ai?.startsWith(ai))
      if (traced === undefined) throw new Error('The list has no such app.')
      const packages = {
        ...traced.packages,
        '@opentelemetry/api': api,
        '@turnlog/conventions': `file:${tarballs.conventions}`,
        '@turnlog/instrumentation': `file:${tarballs.instrumentation}`,
      }
      const entry = { ...traced, packages }
      made.push(entry)
      const register = 'node_modules/@turnlog/instrumentation/dist/register.js'
      const preload = pathToFileURL(path.join(folderOf(entry), register)).href
      const run = {
        id: app,
        entry,
        loader: 'ESM',
        mode: 'stream',
        node: '24',
        situation: 'tool',
      } as const
      expect(await runApp(run, { preload })).toEqual({ notWhole: {}, missing: [] })
    },
  )
})
