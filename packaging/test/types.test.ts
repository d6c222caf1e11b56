/** TypeScript projects of each kind compile with our types, without `skipLibCheck`. */
import { execFile } from 'node:child_process'
import { cpSync } from 'node:fs'
import * as path from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { tool } from './support/tarballs.ts'

const run = promisify(execFile)
const project = inject('project') ?? ''

describe.skipIf(project === '')('an app in TypeScript', () => {
  beforeAll(() => cpSync(path.join(import.meta.dirname, 'types'), project, { recursive: true }))

  test.each([
    ['node16', 'node16'],
    ['nodenext', 'nodenext'],
    ['preserve', 'bundler'],
  ])('module %s, moduleResolution %s: CommonJS and ES modules compile', async (...options) => {
    const [module, moduleResolution] = options
    await expect(compile({ module, moduleResolution })).resolves.toBe('')
  })

  test('a mistake is found, so the types are there', async () => {
    await expect(
      compile({ module: 'nodenext', moduleResolution: 'nodenext' }, 'mistaken.cts'),
    ).rejects.toMatchObject({
      stdout: expect.stringMatching(
        /^mistaken\.cts\(4,39\): error TS2322: .*'"accept" \| "reject" \| "revert"'/,
      ),
    })
  })
})

/** Resolves with the compiler's output. */
async function compile(
  options: Readonly<Record<string, string>>,
  ...files: readonly string[]
): Promise<string> {
  const given = {
    strict: 'true',
    noEmit: 'true',
    skipLibCheck: 'false',
    target: 'es2024',
    lib: 'es2024,dom',
    types: 'node',
    ...options,
  }
  const { stdout } = await run(
    tool('tsc'),
    [
      ...Object.entries(given).flatMap(([name, value]) => [`--${name}`, value]),
      ...(files.length === 0 ? ['app.cts', 'app.mts'] : files),
    ],
    { cwd: project },
  )
  return stdout
}
