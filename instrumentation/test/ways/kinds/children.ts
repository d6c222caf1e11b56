/** Child processes and worker threads: their changes belong to the tool call. */
import * as childProcess from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { createRequire } from 'node:module'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { $, execa, execaSync } from 'execa'
import { creates, edits, old, tree } from '../common-files.ts'
import { create, edit, type Here, remove, rename, requireInNode, type Way } from '../way.ts'

interface CrossSpawn {
  (command: string, args: readonly string[], options?: object): childProcess.ChildProcess
  sync(command: string, args: readonly string[], options?: object): unknown
}
const crossSpawn: CrossSpawn = createRequire(import.meta.url)('cross-spawn')
const program = (name: string): string =>
  fileURLToPath(new URL(`../programs/${name}`, import.meta.url))
const exec = promisify(childProcess.exec)
const execFile = promisify(childProcess.execFile)

const sed = "sed -i 's/two/2/' a.txt"
const after = 'one\n2\nthree\n'
const edited = edits(after)
const made = creates('new\n')

/** A shell command in the way’s folder. */
function shell(
  id: string,
  by: string,
  command: string,
  facts: Pick<Way, 'files' | 'expected' | 'orElse' | 'excluded'>,
): Way {
  return {
    id: `sh_${id}`,
    by,
    source: 'process',
    ...facts,
    run: (here) => exec(command, { cwd: here.folder }).catch(ignoreStatus),
  }
}

/** A command that ends with a status other than 0 has changed files all the same. */
function ignoreStatus(error: { readonly code?: unknown }): void {
  if (typeof error.code !== 'number') throw error
}

const patch = `--- a/a.txt
+++ b/a.txt
@@ -1,3 +1,3 @@
 one
-two
+2
 three
`
const git = 'git -c user.name=n -c user.email=e@x -c init.defaultBranch=main'

const shells: readonly Way[] = [
  shell('redirect', 'a shell’s redirection', 'echo new > a.txt', made),
  shell('redirect_over', 'a shell’s redirection over a file', 'echo new > a.txt', {
    ...edits('new\n'),
  }),
  shell('append', 'a shell’s redirection with >>', 'echo four >> a.txt', {
    ...edits(`${old}four\n`),
  }),
  shell('heredoc', 'a shell’s here-document', "cat > a.txt <<'X'\nnew\nX", made),
  shell('sed', 'sed -i', sed, edited),
  shell('same_size', 'an edit that keeps the size', "sed -i 's/two/TWO/' a.txt", {
    ...edits('one\nTWO\nthree\n'),
  }),
  shell(
    'same_time',
    'an edit that keeps size and modification time',
    "touch -r a.txt t; printf 'one\\nTWO\\nthree\\n' > a.txt; touch -r t a.txt; rm t",
    { files: { 'a.txt': old }, expected: [edit('a.txt', old, 'one\nTWO\nthree\n')] },
  ),
  shell('tee', 'tee', 'echo new | tee a.txt', {
    ...edits('new\n'),
  }),
  shell('git_apply', 'git apply', 'git apply p.patch', {
    files: { 'a.txt': old, 'p.patch': patch },
    expected: [edit('a.txt', old, after)],
  }),
  shell('patch', 'git apply to a new and a deleted file', 'git apply p.patch', {
    files: {
      'a.txt': 'a\n',
      'p.patch':
        '--- a/a.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n--- /dev/null\n+++ b/b.txt\n@@ -0,0 +1 @@\n+b\n',
    },
    expected: [remove('a.txt', 'a\n'), create('b.txt', 'b\n')],
  }),
  shell(
    'git_checkout',
    'git checkout of a file',
    `${git} init -q . && ${git} add a.txt && ${git} commit -qm 1 && echo x > a.txt && ${git} commit -qam 2 && ${git} checkout -q HEAD~1 -- a.txt && ${git} rm -qf a.txt`,
    {
      files: { 'a.txt': old },
      expected: [remove('a.txt', old)],
    },
  ),
  shell('cp', 'cp -r', 'cp -r p z', {
    files: tree,
    expected: [create('z/a.txt', 'a\n'), create('z/q/b.txt', 'b\n')],
  }),
  shell('mv', 'mv', 'mv a.txt b.txt', {
    files: { 'a.txt': old },
    expected: [rename('b.txt', 'a.txt', old)],
    orElse: [[remove('a.txt', old), create('b.txt', old)]],
  }),
  shell('rm', 'rm', 'rm a.txt', { files: { 'a.txt': old }, expected: [remove('a.txt', old)] }),
  shell('rm_recursive', 'rm -r', 'rm -r p', {
    files: tree,
    expected: [remove('p/a.txt', 'a\n'), remove('p/q/b.txt', 'b\n')],
  }),
  shell('fails', 'a shell command that changes a file and then fails', `${sed}; exit 3`, edited),
  shell(
    'several',
    'a shell command that edits, creates and deletes',
    `${sed}; echo new > c.txt; rm b.txt`,
    {
      files: { 'a.txt': old, 'b.txt': 'b\n' },
      expected: [edit('a.txt', old, after), remove('b.txt', 'b\n'), create('c.txt', 'new\n')],
    },
  ),
  shell('nothing', 'a shell command that changes nothing', 'cat a.txt; touch a.txt', {
    files: { 'a.txt': old },
    expected: [],
  }),
  shell(
    'replaced',
    'a shell command that replaces a file by one of the same content',
    'cp a.txt t && mv t a.txt',
    { files: { 'a.txt': old }, expected: [] },
  ),
  shell('binary', 'a shell command that writes bytes', "printf '\\000\\377' > a.bin", {
    files: { 'a.bin': 'old' },
    expected: [edit('a.bin', 'old', new Uint8Array([0, 255]))],
  }),
  shell(
    'strange_name',
    'a shell command that writes a file with a strange name',
    `printf 'new\\n' > "a b'ä.txt"`,
    { expected: [create("a b'ä.txt", 'new\n')] },
  ),
  shell('gitignored', 'a shell command that writes what .gitignore names', 'echo new > out.log', {
    files: { '.gitignore': '*.log\n' },
    expected: [],
    excluded: '.gitignore names it',
  }),
]

const spawned: readonly Way[] = [
  {
    id: 'execSync',
    by: 'execSync',
    source: 'process',
    ...edited,
    run: (here) => childProcess.execSync(sed, { cwd: here.folder }),
  },
  {
    id: 'execFile',
    by: 'execFile',
    source: 'process',
    ...made,
    run: (here) => execFile('cp', ['b.txt', 'a.txt'], { cwd: here.folder }),
    files: { 'b.txt': 'new\n' },
  },
  {
    id: 'execFileSync',
    by: 'execFileSync',
    source: 'process',
    ...made,
    run: (here) => childProcess.execFileSync('cp', ['b.txt', 'a.txt'], { cwd: here.folder }),
    files: { 'b.txt': 'new\n' },
  },
  {
    id: 'spawnSync',
    by: 'spawnSync with a shell',
    source: 'process',
    ...edited,
    run: (here) => childProcess.spawnSync(sed, { cwd: here.folder, shell: true }),
  },
  {
    id: 'spawn_shell',
    by: 'spawn with a shell',
    source: 'process',
    ...edited,
    run: (here) =>
      once(childProcess.spawn(sed, { cwd: here.folder, shell: true, stdio: 'ignore' }), 'close'),
  },
  {
    id: 'spawn_pipe_stdin',
    by: 'spawn of a program that writes its input to a file',
    source: 'process',
    ...made,
    async run(here) {
      const child = childProcess.spawn('tee', ['a.txt'], {
        cwd: here.folder,
        stdio: ['pipe', 'ignore', 'ignore'],
      })
      child.stdin.end('new\n')
      await once(child, 'close')
    },
  },
  {
    id: 'spawn_stdout_fd',
    by: 'spawn with a file as standard output',
    source: 'either',
    ...made,
    // The host closes its descriptor before the child writes.
    orElse: [[create('a.txt', ''), edit('a.txt', '', 'new\n')]],
    async run(here) {
      const fd = fs.openSync(here.at('a.txt'), 'w')
      const child = childProcess.spawn('echo', ['new'], { stdio: ['ignore', fd, 'ignore'] })
      fs.closeSync(fd)
      await once(child, 'close')
    },
  },
  {
    id: 'spawn_output',
    by: 'spawn whose output the app writes to a file',
    ...made,
    async run(here) {
      const child = childProcess.spawn('echo', ['new'], { stdio: ['ignore', 'pipe', 'ignore'] })
      fs.writeFileSync(here.at('a.txt'), await text(child.stdout))
    },
  },
  {
    id: 'spawn_both',
    by: 'a shell command and the app that change the same file in turn',
    files: { 'a.txt': old },
    expected: [edit('a.txt', old, after), { ...edit('a.txt', after, 'app\n'), source: 'fs' }],
    async run(here) {
      await exec(sed, { cwd: here.folder })
      fs.writeFileSync(here.at('a.txt'), 'app\n')
    },
    source: 'process',
  },
  {
    id: 'spawn_at_once',
    by: 'two shell commands at the same time on different files',
    source: 'process',
    files: { 'a.txt': old, 'b.txt': old },
    expected: [edit('a.txt', old, after), edit('b.txt', old, after)],
    run: (here) =>
      Promise.all(
        ['a', 'b'].map((name) => exec(`sed -i 's/two/2/' ${name}.txt`, { cwd: here.folder })),
      ),
  },
  {
    id: 'spawn_killed',
    by: 'a shell command that is killed after it changed a file',
    source: 'process',
    ...edited,
    async run(here) {
      const child = childProcess.spawn('sh', ['-c', `${sed}; echo done; exec sleep 60`], {
        cwd: here.folder,
      })
      await once(child.stdout, 'data')
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  },
  {
    id: 'spawn_background',
    isLate: true,
    by: 'a process that ends after the turn',
    source: 'process',
    ...edited,
    run(here) {
      const child = childProcess.spawn('sh', ['-c', `read line; ${sed}`], {
        cwd: here.folder,
        stdio: ['pipe', 'ignore', 'ignore'],
        detached: true,
      })
      const ended = once(child, 'close')
      here.afterTurn(async () => {
        child.stdin.end('go\n')
        await ended
      })
    },
  },
  {
    id: 'execa',
    by: 'execa',
    source: 'process',
    ...edited,
    run: (here) => execa('sed', ['-i', 's/two/2/', 'a.txt'], { cwd: here.folder }),
  },
  {
    id: 'execa_sync',
    by: 'execa, sync',
    source: 'process',
    ...edited,
    run: (here) => execaSync('sed', ['-i', 's/two/2/', 'a.txt'], { cwd: here.folder }),
  },
  {
    id: 'execa_script',
    by: 'execa, $',
    source: 'process',
    ...edited,
    run: (here) => $({ cwd: here.folder })`sed -i s/two/2/ a.txt`,
  },
  {
    id: 'execa_file',
    by: 'execa with a file as standard output',

    ...made,
    run: (here) => execa('echo', ['new'], { cwd: here.folder, stdout: { file: here.at('a.txt') } }),
  },
  {
    id: 'cross_spawn',
    by: 'cross-spawn',
    source: 'process',
    ...edited,
    run: (here) =>
      once(crossSpawn('sed', ['-i', 's/two/2/', 'a.txt'], { cwd: here.folder }), 'close'),
  },
  {
    id: 'cross_spawn_sync',
    by: 'cross-spawn, sync',
    source: 'process',
    ...edited,
    run: (here) => crossSpawn.sync('sed', ['-i', 's/two/2/', 'a.txt'], { cwd: here.folder }),
  },
  {
    id: 'terminal',
    by: 'a program in a terminal of node-pty',
    source: 'process',
    ...edited,
    run: async (here) => {
      const { spawn } = await import('@lydell/node-pty')
      const program = spawn('sed', ['-i', 's/two/2/', 'a.txt'], { cwd: here.folder })
      await new Promise<unknown>((resolve) => program.onExit(resolve))
    },
  },
  {
    id: 'formatter',
    by: 'a formatter over a folder',
    source: 'process',
    files: { 'biome.json': '{ "root": true }', 'p/a.js': 'let  a=1', 'p/b.js': 'const b = 1;\n' },
    expected: [edit('p/a.js', 'let  a=1', 'let a = 1;\n')],
    run: (here) => execFile(biome(), ['format', '--write', 'p'], { cwd: here.folder }),
  },
]

function biome(): string {
  return fileURLToPath(new URL('../../../../node_modules/.bin/biome', import.meta.url))
}

const nodes: readonly Way[] = [
  {
    id: 'spawn_node',
    by: 'a Node program without the preload',
    source: 'process',
    ...made,
    run: (here) =>
      execFile(process.execPath, ['-e', "fs.writeFileSync('a.txt', 'new\\n')"], {
        cwd: here.folder,
      }),
  },
  {
    id: 'spawn_node_preload',
    by: 'a Node program with the preload in NODE_OPTIONS',
    ...made,
    run: (here) =>
      execFile(process.execPath, ['-e', "fs.writeFileSync('a.txt', 'new\\n')"], {
        cwd: here.folder,
        env: { ...process.env, NODE_OPTIONS: process.execArgv.join(' ') },
      }),
  },
  {
    id: 'fork_child',
    by: 'fork',
    ...made,
    run: (here) => once(childProcess.fork(program('writes.mjs'), [here.at('a.txt')]), 'exit'),
  },
  {
    id: 'fork_messages',
    by: 'fork of a program that writes when it is asked',
    ...made,
    async run(here) {
      const child = childProcess.fork(program('writes-when-asked.mjs'))
      child.send(here.at('a.txt'))
      await once(child, 'exit')
    },
  },
  {
    id: 'worker',
    by: 'a worker thread',
    ...made,
    run: (here) => once(new Worker(program('writes.mjs'), { argv: [here.at('a.txt')] }), 'exit'),
  },
  {
    id: 'worker_eval',
    by: 'a worker thread of a text, with a stream',
    ...made,
    run: (here) =>
      once(
        new Worker(
          "const { workerData } = require('worker_threads'); require('fs').createWriteStream(workerData).end('new\\n')",
          { eval: true, workerData: here.at('a.txt') },
        ),
        'exit',
      ),
  },
  ...['first', 'later'].map((turn) => ({
    id: `worker_pool_${turn}`,
    by: `a thread of a pool, in its ${turn} turn`,
    ...made,
    async run(here: Here) {
      const worker = poolWorker()
      worker.postMessage(here.at('a.txt'))
      await once(worker, 'message')
    },
  })),
  {
    id: 'sqlite',
    by: 'node:sqlite',
    source: 'process',
    expected: [{ ...create('a.db', { onDisk: true }) }],
    async run(here) {
      const { DatabaseSync } = await import('node:sqlite').catch(() => ({
        DatabaseSync: undefined,
      }))
      requireInNode(DatabaseSync !== undefined, 'node:sqlite')
      if (DatabaseSync === undefined) return
      const database = new DatabaseSync(here.at('a.db'))
      database.exec("create table t (a text); insert into t values ('x')")
      database.close()
    },
  },
]

let pool: Worker | undefined
function poolWorker(): Worker {
  if (pool === undefined) {
    pool = new Worker(program('writes-when-asked.mjs'))
    pool.unref()
  }
  return pool
}

export const children: readonly Way[] = [...shells, ...spawned, ...nodes]
