/** Makes one virtual environment for the run. If that fails, a line says why, and the tests are skipped. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import * as path from 'node:path'
import type { TestProject } from 'vitest/node'
import { makeVirtualEnvironment } from './virtual-environment.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Its folder; `undefined` where it cannot be had. */
    readonly virtualEnvironment: string | undefined
  }
}

export default async function setup(project: TestProject): Promise<() => void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'turnlog-python-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  try {
    const made = await makeVirtualEnvironment(folder, process.env)
    if (made.status === 'missing') console.log(`Skipped: ${made.reason}`)
    project.provide('virtualEnvironment', made.status === 'ready' ? folder : undefined)
  } catch (error) {
    remove()
    throw error
  }
  return remove
}
