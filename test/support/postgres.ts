/** A database for one test: a clone of the run's migrated template, dropped after use. */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Database, openDatabase } from '@turnlog/receiver/storage'
import { afterAll, inject, onTestFinished, TestRunner } from 'vitest'
import { execute } from './execute.ts'
import { withDatabaseName } from './server-url.ts'

export { execute } from './execute.ts'

export interface TestDatabase extends Database, AsyncDisposable {
  readonly url: string
}

/** `await using database = await cloneDatabase()`. It is dropped even if clients are still connected. */
export async function cloneDatabase(): Promise<TestDatabase> {
  return openClone(inject('templateName'))
}

/** As `cloneDatabase`; dropped after the test, or, when called at the top of a file, after the file's last test. */
export async function withDatabase(): Promise<TestDatabase> {
  const database = await cloneDatabase()
  afterTestOrFile(() => database[Symbol.asyncDispose]())
  return database
}

/**
 * Called in a test, `close` runs after it; called at the top of a file, after the file's last test. Throws in a concurrent
 * test: vitest does not know which of them is calling.
 */
export function afterTestOrFile(close: () => PromiseLike<void>): void {
  const current = TestRunner.getCurrentTest()
  if (current?.concurrent) throw new Error('Use `await using` in a concurrent test.')
  if (current === undefined) afterAll(close)
  else onTestFinished(close)
}

/** As `cloneDatabase`, without a schema. */
export async function emptyDatabase(): Promise<TestDatabase> {
  return openClone('template0')
}

async function openClone(templateName: string): Promise<TestDatabase> {
  const serverUrl = inject('serverUrl')
  const name = `turnlog_test_${randomBytes(6).toString('hex')}`
  await createFrom(serverUrl, { name, templateName })
  const url = withDatabaseName(serverUrl, name)
  const database = openDatabase(url)
  return {
    ...database,
    url,
    async [Symbol.asyncDispose]() {
      await database.close()
      await execute(serverUrl, `drop database if exists ${name} with (force)`)
    },
  }
}

/** A template cannot be copied while something is connected to it, and the reverse; so we wait a little. */
async function createFrom(
  serverUrl: string,
  { name, templateName }: { readonly name: string; readonly templateName: string },
): Promise<void> {
  const deadline = performance.now() + 20_000
  for (;;) {
    try {
      await execute(serverUrl, `create database ${name} template ${templateName}`)
      return
    } catch (error) {
      const isInUse = error instanceof Error && 'code' in error && error.code === '55006'
      if (!isInUse || performance.now() > deadline) throw error
      await sleep(50)
    }
  }
}
