/**
 * An app that runs `claude --print`, a program in its folder, in each way of `node:child_process`, one after the other. Knows nothing of
 * telemetry.
 */
import { exec, execFile, execFileSync, execSync, spawn, spawnSync } from 'node:child_process'
import * as path from 'node:path'

const claude = path.resolve('bin/claude')

type Run = (done: () => void) => void

const ways: Readonly<Record<string, Run>> = {
  execFile: (done) => execFile(claude, ['-p', 'one'], done),
  exec: (done) => exec(`cd . && ${claude} -p 'two words' --model x`, done),
  // What the variable will be, only the shell knows.
  variable: (done) => exec(`${claude} -p "$HOME"`, done),
  input(done) {
    const child = spawn(claude, ['--print'], { stdio: ['pipe', 'pipe', 'inherit'] })
    child.stdout.resume()
    child.on('close', done)
    child.stdin.end('by input')
  },
  json: (done) => execFile(claude, ['-p', 'json', '--output-format', 'json'], done),
  execFileSync(done) {
    execFileSync(claude, ['-p', 'three'])
    done()
  },
  spawnSync(done) {
    spawnSync(claude, ['-p', 'four'], { encoding: 'utf8' })
    done()
  },
  execSync(done) {
    execSync(`${claude} -p five`)
    done()
  },
  fails: (done) => execFile(claude, ['-p', 'fail'], done),
  stopped(done) {
    const child = execFile(claude, ['-p', 'wait'], done)
    child.stdout?.once('data', () => child.kill('SIGTERM'))
  },
  version: (done) => execFile(claude, ['--version'], done),
}

const wanted: string[] = JSON.parse(process.env.WAYS ?? '[]')

/** In the callback of the one before, as apps without promises do. */
function runNext(): void {
  const run = ways[wanted.shift() ?? '']
  if (run !== undefined) run(() => setImmediate(runNext))
}
runNext()
