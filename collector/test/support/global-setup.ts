/** Finds the program for the tests in the cache, where `npm run test:collector` has put it. */
import type { TestProject } from 'vitest/node'
import { buildCollector } from '../../build.ts'
import { cacheDirectory } from '../../settings.ts'

declare module 'vitest' {
  interface ProvidedContext {
    readonly collectorProgram: string
  }
}

export default async function setup(project: TestProject): Promise<void> {
  const built = await buildCollector({
    cacheDirectory: cacheDirectory(process.env),
    environment: process.env,
    say: console.log,
    signal: new AbortController().signal,
  })
  if (built.status === 'failed') throw new Error(built.reason)
  project.provide('collectorProgram', built.program)
}
