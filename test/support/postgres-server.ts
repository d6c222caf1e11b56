/**
 * A PostgreSQL of its own for one test run: prints its address and a tablespace in memory, where there is one, as JSON;
 * ends with whoever started it.
 *
 * A process of its own, since a run that is killed must leave no server behind: its standard input ends with the run.
 */
import { chown, mkdtemp, realpath, rm, stat, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedPostgres } from '@turnlog/embedded-postgres'
import { execute } from './execute.ts'
import { removeDataFolder } from './remove-data-folder.ts'

/** What the databases of a run take at once, several times over. */
const memoryBytesMin = 4 * 1024 ** 3

const dataDirectory = await realpath(await mkdtemp(join(tmpdir(), 'turnlog-test-')))
const runEnded = new Promise((resolve) => process.stdin.resume().on('close', resolve))
// A terminal's Ctrl-C reaches this process too; the run's end is what counts.
process.on('SIGINT', () => undefined)
// Keeps this process until all is closed.
const alive = setInterval(() => undefined, 60_000)
const folder = await folderInMemory()
try {
  const postgres = await openEmbeddedPostgres({ dataDirectory })
  // Nobody needs this data after a power cut; a clone is then made several times faster.
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
 * Databases are made and dropped by the hundred, of a thousand files each: on ext4 most of that is a search for inodes
 * that were not deleted just now.
 */
async function folderInMemory(): Promise<string | undefined> {
  try {
    const { bavail, bsize } = await statfs('/dev/shm')
    return bavail * bsize < memoryBytesMin ? undefined : await mkdtemp('/dev/shm/turnlog-test-')
  } catch {
    return undefined
  }
}
