/** A process is a session once it has something to record, or listens as a web server. Else it leaves nothing on the disk. */
import { existsSync } from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { runProgram } from './support/observed-program.ts'
import { readRecorded } from './support/recorded.ts'
import { makeWorkspace } from './support/workspace.ts'

interface Case {
  readonly name: string
  readonly app: string
  readonly code?: number
}

async function run({ app, code = 0 }: Pick<Case, 'app' | 'code'>) {
  const workspace = makeWorkspace({ 'app.mjs': app })
  const outcome = await runProgram(path.join(workspace.folder, 'app.mjs'), {
    cwd: workspace.folder,
    spool: workspace.spool,
  })
  expect(outcome.code).toBe(code)
  const { logs } = readRecorded(workspace.spool)
  return {
    workspace,
    logs,
    events: logs.map(({ event }) => event),
    [Symbol.dispose]: () => workspace[Symbol.dispose](),
  }
}

const starters: readonly Case[] = [
  {
    name: 'that starts programs, as npm and npx do',
    app: `import { execFileSync, spawn } from 'node:child_process'
      execFileSync(process.execPath, ['-e', '0'])
      spawn('sh', ['-c', 'true'], { stdio: 'inherit' })`,
  },
  {
    name: 'that fails with an exit code, as tsc does',
    app: `import { writeFileSync } from 'node:fs'
      writeFileSync('out.js', '1')
      console.error('error TS1005')
      process.exit(2)`,
    code: 2,
  },
  {
    name: 'that listens on a pipe for its own child, as tsx does',
    app: `import { createServer } from 'node:net'
      const server = createServer().listen(process.cwd() + '/pipe', () => server.close())`,
  },
  {
    name: 'that has worker threads, as bundlers have',
    app: `import { Worker } from 'node:worker_threads'
      new Worker('require("fs").writeFileSync("out.js", "1")', { eval: true })`,
  },
]

test.for(starters)('a process $name leaves nothing in the spool', async (starter) => {
  using ran = await run(starter)
  expect(existsSync(ran.workspace.spool)).toBe(false)
})

const sessions: readonly (Case & { readonly events: readonly string[] })[] = [
  {
    name: 'whose web server has listened',
    app: `import { createServer } from 'node:http'
      const server = createServer().listen(0, () => server.close())`,
    events: ['session.start', 'session.end'],
  },
  {
    name: 'whose HTTP/2 server has listened',
    app: `import { createServer } from 'node:http2'
      const server = createServer(() => {}).listen(0, () => server.close())`,
    events: ['session.start', 'session.end'],
  },
  {
    name: 'that an exception ends before its server listens',
    app: `throw new TypeError('no settings')`,
    code: 1,
    events: ['session.start', 'exception', 'session.end'],
  },
]

test.for(sessions)('a process $name is a session', async ({ events, ...each }) => {
  using ran = await run(each)
  expect(ran.events).toEqual(events)
})

test('of a cluster each worker is a session, and the primary is none', async () => {
  using ran = await run({
    app: `import cluster from 'node:cluster'
      import { createServer } from 'node:http'
      if (cluster.isPrimary) for (const _ of [1, 2]) cluster.fork()
      else createServer().listen(0, () => process.disconnect())`,
  })
  expect(ran.events).toHaveLength(4)
  expect(ran.events.filter((event) => event === 'session.start')).toHaveLength(2)
  expect(new Set(ran.logs.map(({ pid }) => pid)).size).toBe(2)
})

const api = new URL('../src/index.ts', import.meta.url).href
const recordsInThread = `import { Worker } from 'node:worker_threads'
  const thread = \`import('${api}').then(({ decide }) => {
    decide({ operationId: '4bf92f3577b34da6a3ce929d0e0e4736', decision: 'accept' })
    setTimeout(() => undefined, 300)
  })\``

test('a session whose threads alone record begins and ends with its main thread', async () => {
  using ran = await run({
    app: `${recordsInThread}
      new Worker(thread, { eval: true }).on('exit', () => console.log('done'))`,
  })
  // Two recorders, each with its end.
  expect([...ran.events].sort()).toEqual([
    'session.end',
    'session.end',
    'session.start',
    'turnlog.change.decision',
  ])
})

test('a session starts when its process does, however late its first record is', async () => {
  using ran = await run({
    app: `import { decide } from '${api}'
      setTimeout(() => decide({ operationId: '4bf92f3577b34da6a3ce929d0e0e4736', decision: 'accept' }), 400)`,
  })
  const [start, decision] = ran.logs
  expect(start?.event).toBe('session.start')
  expect((decision?.timeMs ?? 0) - (start?.timeMs ?? 0)).toBeGreaterThan(350)
})
