/**
 * One real PostgreSQL for the whole run, and in it one migrated template database that tests clone.
 *
 * `DATABASE_URL` names the server to use; without it the embedded one is started in a folder of its own.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { ensurePartitions, migrate, openDatabase } from '@turnlog/receiver/storage'
import type { TestProject } from 'vitest/node'
import { execute } from './execute.ts'
import { withDatabaseName } from './server-url.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The server, through a database nobody tests in. */
    readonly serverUrl: string
    readonly templateName: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Hundreds of processes strip the types of the same modules.
  const cache = await mkdtemp(join(tmpdir(), 'turnlog-compiled-'))
  process.env.NODE_COMPILE_CACHE = cache
  const server = await openServer()
  const templateName = `turnlog_template_${randomBytes(4).toString('hex')}`
  try {
    await execute(server.url, `create database ${templateName}`)
    const database = openDatabase(withDatabaseName(server.url, templateName))
    await migrate(database)
    await ensurePartitions(database, new Date())
    await database.close()
  } catch (error) {
    await server.close()
    throw error
  }
  project.provide('serverUrl', server.url)
  project.provide('templateName', templateName)
  return async () => {
    await execute(server.url, `drop database if exists ${templateName} with (force)`)
    await server.close()
    await rm(cache, { recursive: true, force: true })
  }
}

async function openServer(): Promise<{ url: string; close(): Promise<void> }> {
  const url = process.env.DATABASE_URL
  if (url !== undefined && url !== '') return { url, close: async () => undefined }
  const program = fileURLToPath(new URL('./postgres-server.ts', import.meta.url))
  const server = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(server, 'exit')
  const lines = createInterface({ input: server.stdout })
  const [line] = await Promise.race([once(lines, 'line'), ended.then(() => [undefined])])
  if (typeof line !== 'string') throw new Error('The embedded PostgreSQL did not start.')
  return {
    url: line,
    async close() {
      server.stdin.end()
      await ended
    },
  }
}
