/**
 * A PostgreSQL of its own for one test run: prints its address, and ends with whoever started it.
 *
 * A process of its own, since a run that is killed must leave no server behind: its standard input ends with the run.
 */
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedPostgres } from '@turnlog/receiver/embedded-postgres'
import { execute } from './execute.ts'

const dataDirectory = await realpath(await mkdtemp(join(tmpdir(), 'turnlog-test-')))
const runEnded = new Promise((resolve) => process.stdin.resume().on('close', resolve))
// A terminal's Ctrl-C reaches this process too; the run's end is what counts.
process.on('SIGINT', () => undefined)
// Keeps this process until all is closed.
const alive = setInterval(() => undefined, 60_000)
try {
  const postgres = await openEmbeddedPostgres({ dataDirectory })
  // Nobody needs this data after a power cut; a clone is then made several times faster.
  for (const setting of ['fsync', 'full_page_writes', 'synchronous_commit']) {
    await execute(postgres.url, `alter system set ${setting} = off`)
  }
  await execute(postgres.url, 'select pg_reload_conf()')
  console.log(postgres.url)
  await runEnded
  await postgres.close({ withinMs: 10_000 })
} finally {
  // As root the cluster lies elsewhere, behind a link.
  const cluster = await realpath(join(dataDirectory, 'postgres')).catch(() => dataDirectory)
  await rm(cluster, { recursive: true, force: true })
  await rm(`${cluster}.lock`, { force: true })
  await rm(dataDirectory, { recursive: true, force: true })
  clearInterval(alive)
}
