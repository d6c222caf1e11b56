/** What the tool of `file-host.ts` does to `f.txt`: writes at the same time, writes that fail half way, atomic saves. */
import * as fs from 'node:fs'
import { createRequire } from 'node:module'
import * as path from 'node:path'
import { finished } from 'node:stream/promises'
import { promisify } from 'node:util'
import * as atomically from 'atomically'
import { Writer } from 'steno'

export type Action = (at: (name: string) => string) => unknown

const require = createRequire(import.meta.url)
const writeFileAtomic: {
  (file: string, data: string): Promise<void>
  sync(file: string, data: string): void
} = require('write-file-atomic')

/** The content that each of several writers puts in the place of its letter. */
const words = ['ONE', 'TWO', 'THREE']
/** Few lines, so that its diff takes no time. */
export const large = `${'large line of text '.repeat(100)}\n`.repeat(800)
export const saved = 'after\n'

/** Each reads the file, replaces its letter and writes the file, as edit tools do. */
/** An edit finds nothing in a file that the other one has just truncated. */
const editPromised = async (file: string, index: number): Promise<void> => {
  const text = await fs.promises.readFile(file, 'utf8')
  if (text !== '') await fs.promises.writeFile(file, replaced(text, index))
}
const editWithCallbacks = (file: string, index: number): Promise<void> =>
  new Promise((resolve, reject) =>
    fs.readFile(file, 'utf8', (_error, text) => {
      if (text === '') resolve()
      else fs.writeFile(file, replaced(text, index), (error) => (error ? reject(error) : resolve()))
    }),
  )
const replaced = (text: string, index: number): string =>
  text.replace('abc'[index] ?? '', words[index] ?? '')

const parallel: Readonly<Record<string, Action>> = {
  'two promises': (at) => Promise.all([0, 1].map((index) => editPromised(at('f.txt'), index))),
  'two callbacks': (at) =>
    Promise.all([0, 1].map((index) => editWithCallbacks(at('f.txt'), index))),
  'three promises': (at) => Promise.all([0, 1, 2].map((index) => editPromised(at('f.txt'), index))),
  'promises and callbacks': (at) =>
    Promise.all([editPromised(at('f.txt'), 0), editWithCallbacks(at('f.txt'), 1)]),
  'an edit during a write': async (at) => {
    const written = fs.promises.writeFile(at('f.txt'), large)
    await new Promise(setImmediate)
    fs.writeFileSync(at('f.txt'), 'sync\n')
    await written
  },
  'an append during a write': (at) =>
    Promise.all([
      fs.promises.writeFile(at('f.txt'), large),
      fs.promises.appendFile(at('f.txt'), 'more\n'),
    ]),
  'two large appends': (at) =>
    Promise.all(['1', '2'].map((end) => fs.promises.appendFile(at('f.txt'), `${large}${end}\n`))),
  'a copy during a write': (at) =>
    Promise.all([
      fs.promises.writeFile(at('f.txt'), large),
      fs.promises.copyFile(at('other.txt'), at('f.txt')),
    ]),
  'a rename during a write': (at) =>
    Promise.all([
      fs.promises.writeFile(at('f.txt'), large),
      fs.promises.rename(at('f.txt'), at('moved.txt')),
    ]),
  'a stream during a write': (at) =>
    Promise.all([
      finished(fs.createWriteStream(at('f.txt')).end('stream\n')),
      fs.promises.writeFile(at('f.txt'), 'write\n'),
    ]),
  'a delete during a write': (at) =>
    Promise.all([
      fs.promises.writeFile(at('f.txt'), large),
      fs.promises.rm(at('f.txt'), { force: true }),
    ]),
}

async function* halfOfIt(): AsyncGenerator<string> {
  yield 'half\n'
  throw new Error('no more')
}

const failing: Readonly<Record<string, Action>> = {
  /** The first part is written when the signal fires. */
  'an aborted writeFile': (at) => {
    const controller = new AbortController()
    const pieces = (async function* () {
      yield 'half\n'
      await new Promise(setImmediate)
      controller.abort()
      yield 'rest\n'
    })()
    return fs.promises.writeFile(at('f.txt'), pieces, { signal: controller.signal })
  },
  'an aborted large writeFile': async (at) => {
    const controller = new AbortController()
    const data = Buffer.alloc(20 * 1024 ** 2, 'y')
    const written = fs.promises.writeFile(at('f.txt'), data, { signal: controller.signal })
    while (fs.statSync(at('f.txt')).size === 'precious\n'.length) {
      await new Promise(setImmediate)
    }
    controller.abort()
    await written
  },
  'a writeFile of a generator that throws': (at) => fs.promises.writeFile(at('f.txt'), halfOfIt()),
  'an appendFile of a generator that throws': (at) =>
    // Its types do not have this form; at runtime it is that of writeFile.
    Reflect.apply(fs.promises.appendFile, fs.promises, [at('f.txt'), halfOfIt()]),
  'a FileHandle.writeFile of a generator that throws': async (at) => {
    const handle = await fs.promises.open(at('f.txt'), 'w')
    try {
      await Reflect.apply(handle.writeFile, handle, [halfOfIt()])
    } finally {
      await handle.close()
    }
  },
  'a stream that is destroyed with an error': async (at) => {
    const stream = fs.createWriteStream(at('f.txt'))
    await new Promise((resolve) => stream.write('half\n', resolve))
    stream.destroy(new Error('no more'))
    await finished(stream)
  },
  'a descriptor that is closed when the second write throws': (at) => {
    const fd = fs.openSync(at('f.txt'), 'w')
    try {
      fs.writeSync(fd, 'half\n')
      fs.writeSync(fd, Buffer.alloc(1), 0, 2)
    } finally {
      fs.closeSync(fd)
    }
  },
  'a writeFile that fills the disk': (at) => fs.promises.writeFile(at('f.txt'), large),
  'a writeFileSync that fills the disk': (at) => fs.writeFileSync(at('f.txt'), large),
  'a writeFile with a callback that fills the disk': (at) =>
    promisify(fs.writeFile)(at('f.txt'), large),
  'an appendFile that fills the disk': (at) => fs.promises.appendFile(at('f.txt'), large),
  'a copyFile that fills the disk': (at) =>
    fs.promises.copyFile(process.env.LARGE ?? '', at('f.txt')),
  'a copyFileSync that fills the disk': (at) =>
    fs.copyFileSync(process.env.LARGE ?? '', at('f.txt')),
  'a writeFile of a new file that fills the disk': (at) =>
    fs.promises.writeFile(at('new.txt'), large),
}

const unchanged: Readonly<Record<string, Action>> = {
  'a writeFile with a signal that has fired': (at) =>
    fs.promises.writeFile(at('f.txt'), 'x', { signal: AbortSignal.abort() }),
  'a writeFile with the flag wx': (at) => fs.promises.writeFile(at('f.txt'), 'x', { flag: 'wx' }),
  'a writeFile of what is no data': (at) => fs.writeFileSync(at('f.txt'), 7 as never),
  'a writeFile into a folder that does not exist': (at) =>
    fs.promises.writeFile(at('no/f.txt'), ''),
  'a rename into a folder that does not exist': (at) => fs.renameSync(at('f.txt'), at('no/f.txt')),
  'a copyFile of a file that does not exist': (at) =>
    fs.promises.copyFile(at('no.txt'), at('f.txt')),
  'an rm of a file that does not exist': (at) => fs.promises.rm(at('no.txt')),
}

const saves: Readonly<Record<string, Action>> = {
  'writeFileSync and renameSync': (at) => {
    fs.writeFileSync(at('f.txt.tmp'), saved)
    fs.renameSync(at('f.txt.tmp'), at('f.txt'))
  },
  'writeFile and rename with promises': async (at) => {
    await fs.promises.writeFile(at('.f.txt.swp'), saved)
    await fs.promises.rename(at('.f.txt.swp'), at('f.txt'))
  },
  'writeFile and rename with callbacks': async (at) => {
    await promisify(fs.writeFile)(at('f.txt~'), saved)
    await promisify(fs.rename)(at('f.txt~'), at('f.txt'))
  },
  'a descriptor and renameSync': (at) => {
    const fd = fs.openSync(at('f.txt.123'), 'wx')
    fs.writeSync(fd, saved)
    fs.fsyncSync(fd)
    fs.closeSync(fd)
    fs.renameSync(at('f.txt.123'), at('f.txt'))
  },
  'a FileHandle and rename': async (at) => {
    const handle = await fs.promises.open(at('f.txt.new'), 'w')
    await handle.writeFile(saved)
    await handle.close()
    await fs.promises.rename(at('f.txt.new'), at('f.txt'))
  },
  'a stream and rename': async (at) => {
    const stream = fs.createWriteStream(at('f.txt.part'))
    const closed = new Promise<void>((resolve) => stream.once('close', () => resolve()))
    stream.end(saved)
    await closed
    await fs.promises.rename(at('f.txt.part'), at('f.txt'))
  },
  'a temporary folder and rename': async (at) => {
    const folder = await fs.promises.mkdtemp(at('tmp-'))
    await fs.promises.writeFile(path.join(folder, 'f.txt'), saved)
    await fs.promises.rename(path.join(folder, 'f.txt'), at('f.txt'))
    await fs.promises.rmdir(folder)
  },
  'write-file-atomic': (at) => writeFileAtomic(at('f.txt'), saved),
  'write-file-atomic, sync': (at) => writeFileAtomic.sync(at('f.txt'), saved),
  atomically: (at) => atomically.writeFile(at('f.txt'), saved),
  'atomically, sync': (at) => atomically.writeFileSync(at('f.txt'), saved),
  steno: (at) => new Writer(at('f.txt')).write(saved),
}

/** A write that takes place while something else, which is not of the turn, saves the file. */
const meanwhile: Readonly<Record<string, Action>> = {
  'a writeFile of the app': (at) => fs.promises.writeFile(at('f.txt'), 'agent\n'),
  'a writeFileSync of the app': (at) => fs.writeFileSync(at('f.txt'), 'agent\n'),
}

export const namesOf = {
  parallel: Object.keys(parallel),
  failing: Object.keys(failing),
  unchanged: Object.keys(unchanged),
  saves: Object.keys(saves),
  meanwhile: Object.keys(meanwhile),
}
export const actions: Readonly<Record<string, Action>> = {
  ...parallel,
  ...failing,
  ...unchanged,
  ...saves,
  ...meanwhile,
}
