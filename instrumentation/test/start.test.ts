/**
 * An app starts, prints and ends as without the preload, whatever the machine it starts on is like. Each of these would
 * make a call of the start wait for ever, or fail, if it were made without care. If nothing can be recorded, one line says so.
 */
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { startProgram } from './support/observed-program.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

/** Many times what the app needs: afterwards it counts as hung. */
const endsWithinMs = 12_000

interface Machine {
  readonly name: string
  readonly env?: (workspace: Workspace) => Readonly<Record<string, string>>
  readonly prepare?: (workspace: Workspace) => void
  /** Nothing can be recorded. */
  readonly isUnusable?: boolean
}

const makePipe = (file: string): void => void execFileSync('mkfifo', [file])
const noSpool = { TELEMETRY_SPOOL_DIRECTORY: '' }
const spoolAt = (spool: string) => ({ TELEMETRY_SPOOL_DIRECTORY: spool })

const machines: readonly Machine[] = [
  {
    name: 'a home folder in procfs',
    env: () => ({ ...noSpool, HOME: '/proc/nobody' }),
    isUnusable: true,
  },
  {
    name: 'a state folder in procfs',
    env: () => ({ ...noSpool, XDG_STATE_HOME: '/proc/nobody/state' }),
    isUnusable: true,
  },
  { name: 'an empty HOME, and no state folder', env: () => ({ ...noSpool, HOME: '' }) },
  { name: 'a spool in procfs', env: () => spoolAt('/proc/self/nothing/spool'), isUnusable: true },
  { name: 'a spool in sysfs', env: () => spoolAt('/sys/nothing/spool'), isUnusable: true },
  { name: 'a spool below a device', env: () => spoolAt('/dev/null/spool'), isUnusable: true },
  {
    name: 'a spool below a file',
    env: ({ spool }) => spoolAt(path.join(spool, 'deep/er')),
    prepare: ({ spool }) => fs.writeFileSync(spool, ''),
    isUnusable: true,
  },
  {
    name: 'a spool below a named pipe',
    env: ({ spool }) => spoolAt(path.join(spool, 'deep/er')),
    prepare: ({ spool }) => makePipe(spool),
    isUnusable: true,
  },
  {
    name: 'a named pipe as the spool',
    prepare: ({ spool }) => makePipe(spool),
    isUnusable: true,
  },
  {
    name: 'a spool that may not be written',
    env: ({ spool }) => spoolAt(path.join(spool, 'deep/er')),
    prepare: ({ spool }) => fs.mkdirSync(spool, { mode: 0o500 }),
    // For root there is no such folder.
    isUnusable: process.getuid?.() !== 0,
  },
  {
    name: 'a spool behind a loop of links',
    prepare: ({ spool }) => fs.symlinkSync(spool, spool),
    isUnusable: true,
  },
  {
    name: 'a name too long for a folder',
    env: ({ root }) => spoolAt(path.join(root, 'x'.repeat(300))),
    isUnusable: true,
  },
  { name: 'a workspace in procfs', env: () => ({ TELEMETRY_WORKSPACE: '/proc/nobody/work' }) },
  { name: 'a named pipe as .git', prepare: ({ folder }) => makePipe(path.join(folder, '.git')) },
  {
    name: 'named pipes in .git',
    prepare: ({ folder }) => {
      const git = path.join(folder, '.git')
      fs.mkdirSync(git)
      for (const name of ['HEAD', 'packed-refs', 'commondir']) makePipe(path.join(git, name))
    },
  },
  {
    name: 'named pipes as refs',
    prepare: ({ folder }) => {
      const git = path.join(folder, '.git')
      fs.mkdirSync(path.join(git, 'refs/heads'), { recursive: true })
      fs.writeFileSync(path.join(git, 'HEAD'), 'ref: refs/heads/main\n')
      for (const name of ['refs/heads/main', 'packed-refs']) makePipe(path.join(git, name))
    },
  },
  {
    name: 'a gitdir that leads to a device',
    prepare: ({ folder }) => {
      fs.writeFileSync(path.join(folder, '.git'), 'gitdir: .\n')
      fs.symlinkSync('/dev/zero', path.join(folder, 'HEAD'))
    },
  },
  {
    name: 'a named pipe as package.json',
    prepare: ({ folder }) => makePipe(path.join(folder, 'package.json')),
  },
  {
    name: 'a receiver whose name has no address',
    env: () => ({ TELEMETRY_ENDPOINT: 'http://nowhere.invalid:4320' }),
  },
]

/** A web server, so that there is something to record. */
const app = `console.log('up')
  process.exitCode = 7
  const server = require('node:http').createServer().listen(0, () => server.close())`

test.skipIf(process.platform !== 'linux').for(machines)(
  '$name: the app prints and ends',
  async ({ env, prepare, isUnusable = false }) => {
    using workspace = makeWorkspace({ 'app.cjs': app })
    prepare?.(workspace)
    await using program = startProgram(path.join(workspace.folder, 'app.cjs'), {
      cwd: workspace.folder,
      spool: workspace.spool,
      env: env?.(workspace) ?? {},
    })
    const hung = setTimeout(() => program.child.kill('SIGKILL'), endsWithinMs)
    const outcome = await program.ended()
    clearTimeout(hung)
    const stderr = isUnusable
      ? expect.stringMatching(
          /^turnlog: Nothing is recorded: '.*' cannot be written \(E[A-Z]+\)\. .*\n$/,
        )
      : ''
    expect(outcome).toEqual({ stdout: 'up\n', stderr, code: 7, signal: null })
  },
)
