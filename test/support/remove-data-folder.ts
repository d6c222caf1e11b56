import { readlink, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Deletes a data folder with its cluster, which for root is elsewhere, behind a link. */
export async function removeDataFolder(folder: string): Promise<void> {
  const cluster = await readlink(join(folder, 'postgres')).catch(() => undefined)
  if (cluster !== undefined) {
    await rm(cluster, { recursive: true, force: true })
    await rm(`${cluster}.lock`, { force: true })
  }
  await rm(folder, { recursive: true, force: true })
}
