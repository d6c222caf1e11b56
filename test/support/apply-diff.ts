/** Applies a diff with `git apply` and with GNU patch. Without these programs the test fails. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished } from 'vitest'

export const diffTools = ['git', 'patch'] as const

const flags = {
  git: ['apply', '--whitespace=nowarn', '-'],
  patch: ['-p1', '--binary', '-s'],
} as const

export interface DiffedFile {
  readonly path: string
  readonly previousPath?: string | undefined
  readonly before?: string | undefined
}

/** The file after the diff; undefined if there is none. The old name of a renamed file must not exist. */
export function applyDiff(
  tool: (typeof diffTools)[number],
  { path, previousPath = path, before }: DiffedFile,
  diff: string,
): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'turnlog-diff-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  if (before !== undefined) {
    const file = join(folder, previousPath)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, before)
  }
  execFileSync(tool, flags[tool], {
    cwd: folder,
    input: diff,
    env: { ...process.env, GIT_CEILING_DIRECTORIES: tmpdir() },
  })
  const file = join(folder, path)
  if (previousPath !== path) expect(existsSync(join(folder, previousPath))).toBe(false)
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}
