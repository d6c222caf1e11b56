/** Makes once for all files: the tarballs, and a new project outside the repository with the packages installed. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import * as path from 'node:path'
import type { TestProject } from 'vitest/node'
import { askRegistry, installProject } from './project.ts'
import { packPackages, type Tarballs } from './tarballs.ts'

declare module 'vitest' {
  interface ProvidedContext {
    readonly tarballs: Tarballs
    /** The project's folder; `undefined` if nothing can be installed. */
    readonly project: string | undefined
  }
}

export default async function setup(vitest: TestProject): Promise<() => void> {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'turnlog-packages-')))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  try {
    const tarballs = await packPackages(folder)
    vitest.provide('tarballs', tarballs)
    const registry = await askRegistry(process.env)
    if (registry.status === 'missing') {
      console.log(`Skipped: ${registry.reason} The packages are looked at, not installed.`)
      vitest.provide('project', undefined)
    } else {
      const project = path.join(folder, 'project')
      await installProject(project, tarballs)
      vitest.provide('project', project)
    }
  } catch (error) {
    remove()
    throw error
  }
  return remove
}
