/** Ends in a turn, in the way that the argument names, while something is being written. */
import * as fs from 'node:fs'
import { turn } from '@turnlog/instrumentation'

const text = 'x'.repeat(8 * 1024 ** 2)

const ends: Record<string, () => Promise<void> | void> = {
  async 'kill in a write'() {
    const written = fs.promises.writeFile('a.txt', text)
    await new Promise(setImmediate)
    process.kill(process.pid, 'SIGKILL')
    await written
  },
  async 'kill after a new file'() {
    fs.writeFileSync('new.txt', 'new\n')
    await new Promise(setImmediate)
    process.kill(process.pid, 'SIGKILL')
    await new Promise(() => undefined)
  },
  async 'kill with an open descriptor'() {
    const descriptor = fs.openSync('a.txt', 'a')
    fs.writeSync(descriptor, 'more\n')
    await new Promise(setImmediate)
    process.kill(process.pid, 'SIGKILL')
    await new Promise(() => undefined)
  },
  'exit in a write'() {
    fs.writeFile('a.txt', text, () => undefined)
    process.exit(0)
  },
  'exit with an open descriptor'() {
    fs.writeSync(fs.openSync('a.txt', 'a'), 'more\n')
    process.exit(0)
  },
  'exit after a new file'() {
    fs.writeFileSync('new.txt', 'new\n')
    process.exit(0)
  },
}

await turn({ prompt: 'end' }, async () => {
  await ends[process.argv[2] ?? '']?.()
})
