/** The `.sql` files of a folder. */

import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { errorMessage } from '@turnlog/conventions/plain'
import pg from 'pg'
import { TurnlogError } from '../errors.ts'
import type { Client } from './database.ts'

export interface SqlFile {
  readonly name: string
  readonly text: string
}

/** In the order of their names; empty when there is no such folder. */
export async function readSqlFiles(directory: URL): Promise<readonly SqlFile[]> {
  const entries = await readdir(fileURLToPath(directory)).catch(emptyIfMissing)
  const names = entries.filter((name) => name.endsWith('.sql')).sort()
  return Promise.all(
    names.map(async (name) => ({ name, text: await readFile(new URL(name, directory), 'utf8') })),
  )
}

function emptyIfMissing(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return []
  throw error
}

/** Throws `TL_MIGRATION_FAILED` with the file's name; the cause is the error of PostgreSQL. */
export async function runSqlFile(client: Client, { name, text }: SqlFile): Promise<void> {
  try {
    await client.query(text)
  } catch (cause) {
    const message = `Migration ${name} failed: ${detailedReasonOf(cause)}`
    throw new TurnlogError('TL_MIGRATION_FAILED', message, { cause })
  }
}

/** With the detail, which names the objects that depend on one that cannot be dropped. */
function detailedReasonOf(cause: unknown): string {
  const detail = cause instanceof pg.DatabaseError ? (cause.detail?.split('\n') ?? []) : []
  return [errorMessage(cause), ...detail].join('; ')
}
