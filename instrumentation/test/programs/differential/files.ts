/** Every observed call of `node:fs` in each of its forms: prints results, whole errors, and the files at the end. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { writeFileSync as early } from 'node:fs'
import { rename as earlyRename, writeFile as earlyWrite } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { inTurn } from './in-turn.ts'

const names = ['writeFile', 'appendFile', 'copyFile', 'rename', 'unlink', 'rm'] as const
const required: typeof fs = createRequire(import.meta.url)('fs')
const storage = new AsyncLocalStorage<string>()

function print(what: string, outcome: unknown): void {
  if (outcome instanceof Error) {
    const { code, errno, syscall, path, dest, message, stack } =
      outcome as NodeJS.ErrnoException & {
        dest?: string
      }
    const isTracedHere = stack?.includes('files.ts')
    console.log(
      what,
      outcome.constructor.name,
      code,
      errno,
      syscall,
      path,
      dest,
      message,
      isTracedHere,
    )
  } else console.log(what, outcome)
}

async function each(what: string, name: (typeof names)[number], values: unknown[]): Promise<void> {
  const calls: Readonly<Record<string, () => unknown>> = {
    promise: () => Reflect.apply(fs.promises[name], fs.promises, values),
    callback: () =>
      new Promise((resolve) => {
        storage.run('mine', () => {
          const result = Reflect.apply(required[name], fs, [
            ...values,
            (...results: unknown[]) => {
              console.log('callback', results.length, storage.getStore())
              resolve(results[0])
            },
          ])
          console.log('returned', result)
        })
      }),
    promisified: () => Reflect.apply(promisify(required[name]), undefined, values),
  }
  for (const [form, call] of Object.entries(calls)) {
    try {
      print(`${name} ${form} ${what}`, await call())
    } catch (error) {
      print(`${name} ${form} ${what} failed`, error)
    }
  }
}

function sync(what: string, name: (typeof names)[number], values: unknown[]): void {
  const call = Reflect.get(fs, `${name}Sync`)
  try {
    print(`${name}Sync ${what}`, Reflect.apply(call, fs, values))
  } catch (error) {
    const { code, errno, syscall, path, message } = error as NodeJS.ErrnoException
    console.log(`${name}Sync ${what} failed`, code, errno, syscall, path, message)
  }
}

async function all(): Promise<void> {
  for (const name of names) {
    const forms = [Reflect.get(fs, `${name}Sync`), fs.promises[name], required[name]]
    console.log(forms.map((form) => `${form.name}/${form.length}/${Object.keys(form)}`).join(' '))
  }
  fs.mkdirSync('folder/deep', { recursive: true })
  fs.mkdirSync('node_modules/x', { recursive: true })
  const values: Readonly<Record<(typeof names)[number], Readonly<Record<string, unknown[]>>>> = {
    writeFile: {
      text: ['text.txt', 'é\n'],
      again: ['text.txt', 'é\n'],
      latin1: ['latin1.txt', 'é', 'latin1'],
      options: ['mode.txt', 'm', { mode: 0o600, flag: 'w', encoding: 'utf8' }],
      bytes: ['bytes.bin', Buffer.from([0, 1, 255])],
      view: ['view.bin', new Uint16Array([1, 2])],
      empty: ['empty.txt', ''],
      append: ['text.txt', 'more\n', { flag: 'a' }],
      exclusive: ['text.txt', 'no', { flag: 'wx' }],
      'in place': ['text.txt', 'X', { flag: 'r+' }],
      'in place of nothing': ['none.txt', 'X', { flag: 'r+' }],
      url: [pathToFileURL('url.txt'), 'u'],
      'path of bytes': [Buffer.from('buffer.txt'), 'b'],
      'no folder': ['nowhere/x.txt', 'x'],
      'a folder': ['folder', 'x'],
      'a file as folder': ['text.txt/x', 'x'],
      'no path': [undefined, 'x'],
      'no data': ['data.txt', undefined],
      'nul in path': ['a\0b', 'x'],
      'bad flag': ['flag.txt', 'x', { flag: 'q' }],
      outside: ['../outside.txt', 'o'],
      'a dependency': ['node_modules/x/index.js', '1'],
    },
    appendFile: { more: ['text.txt', 'end'], anew: ['anew.txt', 'end'], 'no folder': ['no/x', ''] },
    copyFile: {
      over: ['text.txt', 'copy.txt'],
      exclusive: ['text.txt', 'copy.txt', fs.constants.COPYFILE_EXCL],
      'of nothing': ['none', 'x'],
    },
    rename: {
      'of nothing': ['none', 'x'],
      'onto itself': ['copy.txt', 'copy.txt'],
      'onto a folder': ['copy.txt', 'folder'],
    },
    unlink: { nothing: ['none'], 'a folder': ['folder'] },
    rm: {
      nothing: ['none'],
      'nothing, forced': ['none', { force: true }],
      'a folder': ['folder'],
      'bad options': ['folder', { recursive: 'yes' }],
    },
  }
  for (const name of names) {
    for (const [what, given] of Object.entries(values[name])) {
      sync(what, name, given)
      await each(what, name, given)
    }
  }
  for (const name of names.filter((each) => each !== 'rm')) {
    try {
      Reflect.apply(required[name], fs, ['x.txt'])
    } catch (error) {
      console.log(name, (error as NodeJS.ErrnoException).code, (error as Error).message)
    }
  }
  early('early.txt', '1')
  await earlyWrite('early.txt', '2')
  await earlyRename('early.txt', 'renamed.txt')
  fs.symlinkSync('text.txt', 'link.txt')
  fs.writeFileSync('link.txt', 'through the link')
  fs.unlinkSync('link.txt')
  execFileSync('mkfifo', ['pipe'])
  const reading = fs.promises.readFile('pipe', 'utf8')
  await fs.promises.writeFile('pipe', 'through the pipe')
  console.log(await reading)
  fs.unlinkSync('pipe')
  const descriptor = fs.openSync('descriptor.txt', 'w')
  fs.writeFileSync(descriptor, 'by descriptor')
  fs.closeSync(descriptor)
  const handle = await fs.promises.open('handle.txt', 'w')
  await fs.promises.writeFile(handle, 'by handle')
  await handle.close()
  await Promise.all([
    fs.promises.writeFile('race.txt', 'a'.repeat(100_000)),
    fs.promises.writeFile('race.txt', 'b'.repeat(100_000)),
  ])
  fs.rmSync('race.txt')
  fs.writeFileSync('large.txt', 'x'.repeat(17 * 1024 ** 2))
  fs.rmSync('folder', { recursive: true })
  const controller = new AbortController()
  controller.abort()
  print(
    'aborted',
    await fs.promises
      .writeFile('aborted.txt', 'x', { signal: controller.signal })
      .catch((error: unknown) => (error as Error).name),
  )
  for (const name of fs.readdirSync('.', { recursive: true }).sort()) {
    const stat = fs.lstatSync(String(name))
    if (stat.isFile()) {
      console.log(
        name,
        stat.mode.toString(8),
        stat.size,
        fs.readFileSync(String(name), 'latin1').slice(0, 40),
      )
    }
  }
}

await all()
await inTurn(all)
process.on('exit', () => {
  fs.writeFileSync('at-exit.txt', 'at exit')
  console.log('exit')
})
