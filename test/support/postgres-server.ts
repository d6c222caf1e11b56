/**
 * Runs a PostgreSQL for one test run. Prints its address, and a tablespace in memory if possible, as JSON. It ends with
 * the run.
 *
 * It is a separate process, since a killed run must leave no server behind: its standard input closes with the run.
 */
import { chown, mkdtemp, realpath, rm, stat, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedPostgres } from '@turnlog/embedded-postgres'
import { execute } from './execute.ts'
import { removeDataFolder } from './remove-data-folder.ts'

/** Several times the size of all databases that exist at the same time in a run. */
const memoryBytesMin = 4 * 1024 ** 3

const dataDirectory = await realpath(await mkdtemp(join(tmpdir(), 'turnlog-test-')))
const runEnded = new Promise((resolve) => process.stdin.resume().on('close', resolve))
// A terminal's Ctrl-C reaches this process too, but it must end only after the run.
process.on('SIGINT', () => undefined)
// Keeps this process alive until everything is closed.
const alive = setInterval(() => undefined, 60_000)
const folder = await folderInMemory()
try {
  const postgres = await openEmbeddedPostgres({ dataDirectory })
  // The data need not survive a power cut, and without syncs cloning is several times faster.
  for (const setting of ['fsync', 'full_page_writes', 'synchronous_commit']) {
    await execute(postgres.url, `alter system set ${setting} = off`)
  }
  await execute(postgres.url, 'select pg_reload_conf()')
  if (folder !== undefined) {
    const { uid, gid } = await stat(join(dataDirectory, 'postgres'))
    await chown(folder, uid, gid)
    await execute(postgres.url, `create tablespace memory location '${folder}'`)
  }
  const tablespace = folder === undefined ? 'pg_default' : 'memory'
  console.log(JSON.stringify({ url: postgres.url, tablespace }))
  await runEnded
  await postgres.close({ withinMs: 10_000 })
} finally {
  await removeDataFolder(dataDirectory)
  if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  clearInterval(alive)
}

/**
 * A run creates and drops hundreds of databases with a thousand files each. On ext4 most of that time is spent searching
 * for inodes that were not deleted recently.
 */
async function folderInMemory(): Promise<string | undefined> {
  try {
    const { bavail, bsize } = await statfs('/dev/shm')
    return bavail * bsize < memoryBytesMin ? undefined : await mkdtemp('/dev/shm/turnlog-test-')
  } catch {
    return undefined
  }
}
