/** A tool call of which a command runs while the app itself changes files. The argument names what the app does then. */
import { AsyncResource } from 'node:async_hooks'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { toolCall, turn } from '@turnlog/instrumentation'

/** Before any turn: what runs in it is of no turn. */
const outside = new AsyncResource('outside')

interface Part {
  /** Runs when `go` is called, and lives on. */
  readonly command: string
  /** Before the turn. What it returns is done in the first tool call, and the command ends in the second; `go` returns when the command has done its part. */
  readonly begin: () => (go: () => Promise<void>) => Promise<void>
}

const parts: Record<string, Part> = {
  'renames another file to it': {
    command: 'echo child > a.txt',
    begin: () => async (go) => {
      await go()
      fs.renameSync('b.txt', 'a.txt')
    },
  },
  'writes through a descriptor of the removed file': {
    command: 'rm a.txt; echo child > a.txt',
    begin() {
      const descriptor = fs.openSync('a.txt', 'r+')
      const write = () => outside.runInAsyncScope(() => fs.writeSync(descriptor, 'app'))
      return async (go) => {
        write()
        await go()
        write()
      }
    },
  },
  'creates it anew': {
    command: 'rm a.txt',
    begin: () => async (go) => {
      await go()
      fs.writeFileSync('a.txt', 'app\n')
    },
  },
  'copies a folder, and the next call begins at once': {
    command: 'true',
    begin: () => async (go) => {
      await go()
      fs.cpSync('from', 'to', { recursive: true })
    },
  },
}

const part = parts[process.argv[2] ?? '']
if (part === undefined) throw new Error('No such part')
const change = part.begin()
await turn({ prompt: 'go' }, async () => {
  const child = await toolCall({ name: 'first' }, async () => {
    const child = spawn('sh', ['-c', `read go; ${part.command}; echo done; read end`])
    await change(async () => {
      child.stdin.write('go\n')
      await once(child.stdout, 'data')
    })
    return child
  })
  await toolCall({ name: 'second' }, async () => {
    child.stdin.end()
    await once(child, 'close')
  })
})
