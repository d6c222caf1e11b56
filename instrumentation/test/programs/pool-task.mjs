/** A task of a pool: a package loads it in its worker threads. */
import { writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** @param {{ file: string, waitMs?: number }} job */
export default async function task({ file, waitMs = 0 }) {
  writeFileSync(file, 'begun')
  await sleep(waitMs)
  await writeFile(file, 'done')
}
