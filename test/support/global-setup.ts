/**
 * Provides one real PostgreSQL for the whole run, with one migrated template database that tests clone.
 *
 * `DATABASE_URL` names the server; without it the embedded one is started in a temporary folder.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensurePartitions, migrate, openDatabase } from '@turnlog/receiver/storage'
import type { TestProject } from 'vitest/node'
import { execute } from './execute.ts'
import { withDatabaseName } from './server-url.ts'
import { startPostgres, type TestServer } from './start-postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The server's address, with a database that no test uses. */
    readonly serverUrl: string
    readonly templateName: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await using opening = new AsyncDisposableStack()
  // A compile cache: hundreds of processes strip the types of the same modules.
  const cache = await mkdtemp(join(tmpdir(), 'turnlog-compiled-'))
  process.env.NODE_COMPILE_CACHE = cache
  // A program that was just killed may still be writing to it, so we retry.
  opening.defer(() => rm(cache, { recursive: true, force: true, maxRetries: 10 }))
  const server = opening.use(await openServer())
  const templateName = `turnlog_template_${randomBytes(4).toString('hex')}`
  await execute(server.url, `create database ${templateName} tablespace ${server.tablespace}`)
  opening.defer(() => execute(server.url, `drop database if exists ${templateName} with (force)`))
  const database = openDatabase(withDatabaseName(server.url, templateName))
  opening.defer(() => database.close())
  await migrate(database)
  await ensurePartitions(database, new Date())
  await database.close()
  project.provide('serverUrl', server.url)
  project.provide('templateName', templateName)
  const opened = opening.move()
  return () => opened.disposeAsync()
}

async function openServer(): Promise<TestServer> {
  const url = process.env.DATABASE_URL
  if (url === undefined || url === '') return startPostgres()
  return { url, tablespace: 'pg_default', [Symbol.asyncDispose]: async () => undefined }
}
