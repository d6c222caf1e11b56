/**
 * An app that changes files in a turn, in the way that `BENCH_CASE` names. When everything is recorded and sent, it prints
 * what that has cost. With the case `nothing` it only starts and ends.
 *
 * This is JavaScript, because the memory that Node needs to remove types would hide what recording needs.
 */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { untilSent } from './until-sent.js'

/** The built API, as apps import it. */
const { toolCall, turn } = await import(process.env.BENCH_API ?? '')

const folder = process.env.BENCH_FOLDER ?? ''
const spool = process.env.TELEMETRY_SPOOL_DIRECTORY ?? ''
/** @param {string} name */
const at = (name) => path.join(folder, name)
const shell = promisify(execFile)

/** @type {Readonly<Record<string, () => Promise<void>>>} */
const cases = {
  nothing: async () => undefined,
  async 'writes-small'() {
    for (let index = 0; index < 1000; index += 1) {
      await fs.promises.writeFile(
        at(`${index % 100}.txt`),
        `${index}\n`.padEnd(1024, 'text of a line\n'),
      )
    }
  },
  async 'writes-large'() {
    for (let index = 0; index < 20; index += 1) {
      // An edit of one line, as most are.
      const content = `${index}\n`.padEnd(1024 ** 2, 'text of a line\n')
      await fs.promises.writeFile(at(`${index % 4}.txt`), content)
    }
  },
  async stream() {
    const piece = Buffer.alloc(64 * 1024, 'text of a line\n')
    const stream = fs.createWriteStream(at('stream.txt'))
    for (let written = 0; written < 100 * 1024 ** 2; written += piece.length) {
      if (!stream.write(piece)) await once(stream, 'drain')
    }
    const closed = once(stream, 'close')
    stream.end()
    await closed
  },
  async shell() {
    for (let index = 0; index < 5; index += 1) await run('sh', '-c', `echo ${index} > 0/0.txt`)
  },
  /** There and back. */
  async checkout() {
    for (const branch of ['other', 'main']) await run('git', 'checkout', '--quiet', branch)
  },
  /** Each file gets a line, as a formatter would write it. */
  formatter: () => run(process.execPath, '-e', `(${String(format)})()`),
  /** As `npm install` does. */
  packages: () => run(process.execPath, '-e', `(${String(install)})()`),
}

/** A tool call that runs a program in the workspace. */
const run = (/** @type {string} */ program, /** @type {readonly string[]} */ ...args) =>
  toolCall({ name: 'shell' }, async () => {
    await shell(program, args, { cwd: folder, env: { ...process.env, NODE_OPTIONS: '' } })
  })

function format() {
  const { appendFileSync, readdirSync } = process.getBuiltinModule('node:fs')
  for (const inside of readdirSync('.')) {
    for (const name of readdirSync(inside)) appendFileSync(`${inside}/${name}`, 'a line\n')
  }
}

function install() {
  const { mkdirSync, writeFileSync } = process.getBuiltinModule('node:fs')
  for (let index = 0; index < 200; index += 1) {
    mkdirSync(`node_modules/package-${index}`, { recursive: true })
    for (let file = 0; file < 100; file += 1) {
      writeFileSync(`node_modules/package-${index}/${file}.js`, `module.exports = ${file}\n`)
    }
  }
}

const work = cases[process.env.BENCH_CASE ?? '']
if (work === undefined) throw new Error('BENCH_CASE names no case.')
const delays = monitorEventLoopDelay({ resolution: 1 })
delays.enable()
await sleep(20)
delays.reset()
const started = performance.now()
await turn({ prompt: 'bench' }, () => toolCall({ name: 'work' }, work))
const wallMs = performance.now() - started
await untilSent(spool)
const { user, system } = process.threadCpuUsage()
const used = process.cpuUsage()
/** @type {import('../files.ts').FileFigures} */
const figures = {
  mainMs: (user + system) / 1000,
  processMs: (used.user + used.system) / 1000,
  wallMs,
  delayP99Ms: delays.percentile(99) / 1e6,
  delayMaxMs: delays.max / 1e6,
  memoryBytes: process.resourceUsage().maxRSS * 1024,
}
fs.writeSync(1, JSON.stringify(figures))
process.exit(0)
