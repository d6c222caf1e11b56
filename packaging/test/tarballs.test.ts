/** The content of the tarballs. */
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import * as path from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, inject, test } from 'vitest'
import { packageNames, root, tool } from './support/tarballs.ts'

const run = promisify(execFile)

test('packing leaves the repository as it was', () => {
  for (const name of packageNames) {
    const manifest = JSON.parse(readFileSync(path.join(root, name, 'package.json'), 'utf8'))
    expect(JSON.stringify(manifest.exports)).toContain('./src/')
    expect(readdirSync(path.join(root, name))).not.toContain('package.json.source')
  }
})

describe.each(packageNames)('%s', (name) => {
  const tarball = inject('tarballs')[name]

  test('contains built files, types, licence and readme, but no sources and no tests', async () => {
    const { stdout } = await run('tar', ['-tzf', tarball])
    const files = stdout.trim().split('\n')
    expect(files).toEqual(
      expect.arrayContaining(['package/package.json', 'package/README.md', 'package/LICENSE']),
    )
    expect(files.filter((file) => /\.d\.ts$/.test(file)).length).toBeGreaterThan(0)
    expect(files.filter((file) => /(^|\/)(test|src)\/|\.test\.|[^d]\.ts$/.test(file))).toEqual([])
  })

  test('names its repository and its requirements', async () => {
    const { stdout } = await run('tar', ['-xzOf', tarball, 'package/package.json'])
    const manifest = JSON.parse(stdout)
    expect(manifest).toMatchObject({
      license: 'Apache-2.0',
      repository: { type: 'git', directory: name },
      engines: { node: expect.stringMatching(/^>=\d/) },
      publishConfig: { access: 'public', provenance: true },
    })
    expect(JSON.stringify(manifest.exports)).not.toContain('./src/')
    expect(manifest).not.toHaveProperty('devDependencies')
  })

  test('publint finds nothing', async () => {
    const { stdout } = await run(tool('publint'), ['run', tarball, '--strict'])
    expect(stdout).toContain('All good!')
  })

  test('its types are found like its modules', async () => {
    // Styles and images have no types. A package without `require` is only for ES modules.
    const excluded = name === 'web' ? ['--exclude-entrypoints', './pages/*', './package.json'] : []
    const profile = name === 'instrumentation' ? 'node16' : 'esm-only'
    // It exits with 1 if it finds a problem.
    const { stdout } = await run(tool('attw'), [tarball, '--profile', profile, ...excluded])
    expect(stdout).toContain('🟢')
  })
})
