/** Waits for everything that the product does after the app has worked. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Resolves when the spool has nothing left to seal or send; at once without the preload, since there is no spool.
 *
 * @param {string} spool
 */
export async function untilSent(spool) {
  if (!fs.existsSync(spool)) return
  const until = Date.now() + 180_000
  for (let empty = 0; empty < 10; ) {
    const waiting = await waitingIn(spool)
    if (Date.now() > until)
      throw new Error(`After three minutes the spool has ${waiting.join(', ')}.`)
    // One journal file is always open.
    empty = waiting.length <= 1 ? empty + 1 : 0
    await sleep(200)
  }
}

/**
 * Files that wait to be sealed or sent. Copies of the workspace, which are many, are not looked at.
 *
 * @param {string} directory
 * @returns {Promise<string[]>}
 */
async function waitingIn(directory) {
  const entries = await fs.promises.readdir(directory, { withFileTypes: true })
  const found = entries.map(({ name }) => name).filter((name) => /\.(gz|tmp|journal)$/.test(name))
  for (const entry of entries) {
    if (!entry.isDirectory() || ['changes', 'workspace', 'children'].includes(entry.name)) continue
    found.push(...(await waitingIn(path.join(directory, entry.name)).catch(() => [])))
  }
  return found
}
