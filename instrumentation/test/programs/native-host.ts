/**
 * A localhost agent app whose tools use native code, `node:sqlite`, which it loads when it is first used. Knows
 * nothing of telemetry.
 */
import * as fs from 'node:fs'
import { createRequire } from 'node:module'
import type { DatabaseSync } from 'node:sqlite'
import { serveTools } from './tool-app.ts'

const require = createRequire(import.meta.url)

interface ToolInput {
  readonly path: string
  readonly sql?: string
}

const databases = new Map<string, DatabaseSync>()

function openDatabase(path: string): DatabaseSync {
  const sqlite: typeof import('node:sqlite') = require('node:sqlite')
  const database = databases.get(path) ?? new sqlite.DatabaseSync(path)
  databases.set(path, database)
  return database
}

function close(path: string): void {
  databases.get(path)?.close()
  databases.delete(path)
}

const tools: Record<string, (input: ToolInput) => unknown> = {
  /** Opens, changes and closes. */
  query: ({ path, sql = '' }) => {
    openDatabase(path).exec(sql)
    close(path)
  },
  /** Leaves it open. */
  change: ({ path, sql = '' }) => openDatabase(path).exec(sql),
  close: ({ path }) => close(path),
  write: ({ path }) => fs.writeFileSync(path, 'by the app\n'),
}

serveTools({ tools })
