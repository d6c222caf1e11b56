/** Waits for what the workspace thread of an observed app does. */
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect } from 'vitest'

const withinMs = 15_000

/** Resolves when each of these contents has a private copy. */
export async function copied(spool: string, contents: readonly (string | Buffer)[]): Promise<void> {
  const wanted = contents.map((content) => createHash('sha256').update(content).digest('hex'))
  await expect
    .poll(() => wanted.filter((name) => !copiesIn(spool).includes(name)), { timeout: withinMs })
    .toEqual([])
}

/** The names of all copies. */
export function copiesIn(spool: string): string[] {
  return filesIn(spool)
    .filter((file) => path.basename(path.dirname(file)) === 'workspace')
    .map((file) => path.basename(file))
}

/** Resolves when the app has recorded the end of `count` child processes. */
export async function processesEnded(spool: string, count: number): Promise<void> {
  await expect
    .poll(() => mentions(spool, 'turnlog.process.ended'), { timeout: withinMs })
    .toBeGreaterThanOrEqual(count)
}

/** Resolves when the app has recorded `count` file operations. */
export async function operationsRecorded(spool: string, count: number): Promise<void> {
  await expect
    .poll(() => mentions(spool, 'turnlog.file_operation.source'), { timeout: withinMs })
    .toBeGreaterThanOrEqual(count)
}

/** How often the records on disk, sealed or not, mention the event. */
function mentions(spool: string, event: string): number {
  const texts = filesIn(spool).map((file) => {
    try {
      if (file.endsWith('.journal')) return fs.readFileSync(file, 'latin1')
      if (file.endsWith('.json.gz')) return gunzipSync(fs.readFileSync(file)).toString()
    } catch {
      // Sealed or sent meanwhile.
    }
    return ''
  })
  return texts.join('\n').split(`"${event}"`).length - 1
}

function filesIn(folder: string): string[] {
  if (!fs.existsSync(folder)) return []
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
}
