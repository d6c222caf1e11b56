/** Carries out one step of a sequence. */
import { execFile, execFileSync, spawn } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { promisify } from 'node:util'
import { callIn } from '../../ways/call-in.ts'
import type { Command, Step, Writer } from './steps.ts'

/** Errors are those that an app's call would have, such as that of a missing folder. `token`: goes into the command of a child. */
export async function runStep(step: Step, folder: string, token: string): Promise<void> {
  const at = (file: string): string => path.join(folder, file)
  switch (step.do) {
    case 'write':
      return writeBy(step.by, at(step.path), step.content)
    case 'copy':
      await callIn(step.form)('copyFile', at(step.from), at(step.path))
      return
    case 'delete':
      await callIn(step.form)(step.form === 'callback' ? 'rm' : 'unlink', at(step.path))
      return
    case 'rename':
      await callIn(step.form)('rename', at(step.from), at(step.path))
      return
    case 'atomic': {
      const call = callIn(step.form)
      await call('writeFile', at(`${step.path}.tmp`), step.content)
      await call('rename', at(`${step.path}.tmp`), at(step.path))
      return
    }
    case 'fail': {
      const call: (file: string, data: AsyncIterable<string>) => Promise<void> = Reflect.get(
        fs.promises,
        step.isAppend ? 'appendFile' : 'writeFile',
      )
      return call(at(step.path), halfOfIt())
    }
    case 'parallel': {
      const written = step.contents.map((content, index) =>
        writeBy(step.by[index] ?? 'writeFile promise', at(step.path), content),
      )
      await Promise.allSettled(written)
      return
    }
    case 'spread':
      await Promise.allSettled(step.paths.map((file) => writeBy(step.by, at(file), step.content)))
      return
    case 'copy folder':
      await callIn(step.form)('cp', at(step.from), at(step.path), { recursive: true })
      return
    case 'rename folder':
      await callIn(step.form)('rename', at(step.from), at(step.path))
      return
    case 'delete folder':
      await callIn(step.form)('rm', at(step.path), { recursive: true })
      return
    case 'child':
      return runChild(step, folder, token)
    case 'stamp':
      return stampBy(step.by, at(step.path))
    case 'background':
    case 'hold':
    case 'other':
    case 'kill':
    case 'revert':
      return
  }
}

async function* halfOfIt(): AsyncGenerator<string> {
  yield 'half\n'
  throw new Error('no more')
}

async function writeBy(by: Writer, file: string, content: string): Promise<void> {
  const [name, form] = by.split(' ')
  switch (name) {
    case 'writeFile':
    case 'appendFile':
      await callIn(form === 'sync' || form === 'callback' ? form : 'promise')(name, file, content)
      return
    case 'truncate':
      await callIn(form === 'sync' ? 'sync' : 'promise')('truncate', file, content.length % 7)
      return
    case 'descriptor': {
      const fd = fs.openSync(file, form === 'r+' ? 'r+' : 'w')
      try {
        fs.writeSync(fd, content)
      } finally {
        fs.closeSync(fd)
      }
      return
    }
    case 'FileHandle': {
      const handle = await fs.promises.open(file, form === 'a' ? 'a' : 'w')
      try {
        await handle.writeFile(content)
      } finally {
        await handle.close()
      }
      return
    }
    default:
      await new Promise<void>((resolve, reject) => {
        const stream = fs.createWriteStream(file, { flags: form === 'a' ? 'a' : 'w' })
        stream.on('error', reject).on('close', resolve)
        stream.end(content)
      })
  }
}

/** The returned function writes the rest, and closes the file. */
export async function holdFile(
  { path: file, content }: Extract<Step, { do: 'hold' }>,
  folder: string,
): Promise<() => Promise<void>> {
  const handle = await fs.promises.open(path.join(folder, file), 'w')
  await handle.write(content.slice(0, content.length / 2))
  return async () => {
    await handle.write(content.slice(content.length / 2))
    await handle.close()
  }
}

async function stampBy(by: Extract<Step, { do: 'stamp' }>['by'], file: string): Promise<void> {
  if (by === 'chmod') return fs.promises.chmod(file, 0o640)
  if (by === 'utimes') return fs.utimesSync(file, 1_100_000_000, 1_100_000_000)
  if (by === 'fchmod') {
    const fd = fs.openSync(file, 'r+')
    try {
      fs.fchmodSync(fd, 0o600)
    } finally {
      fs.closeSync(fd)
    }
    return
  }
  const handle = await fs.promises.open(file, 'r+')
  try {
    await handle.utimes(1_200_000_000, 1_200_000_000)
  } finally {
    await handle.close()
  }
}

const run = promisify(execFile)

const commandTexts = {
  write: 'printf %s "$1" > "$0"',
  append: 'printf %s "$1" >> "$0"',
  delete: 'rm "$0"',
  replace: 'printf %s "$1" > "$0.x" && mv "$0.x" "$0"',
} as const satisfies Record<Command, string>

type ChildStep = Extract<Step, { do: 'child' | 'background' }>

/** A shell's argument is at most 128 KiB. */
function shellValues(step: ChildStep, token: string, begin = ''): string[] {
  const { command, path: file, content } = step
  return ['-c', begin + commandTexts[command], file, content.slice(0, 50_000), token]
}

async function runChild(step: ChildStep, folder: string, token: string): Promise<void> {
  const values = shellValues(step, token)
  if (step.content.length % 2 === 0) await run('sh', values, { cwd: folder })
  else execFileSync('sh', values, { cwd: folder, stdio: 'ignore' })
}

/** The command runs when the returned function is called, which waits for its end. It does not run if the app is killed. */
export function startChild(step: ChildStep, folder: string, token: string): () => Promise<void> {
  const values = shellValues(step, token, 'read go && ')
  const child = spawn('sh', values, { cwd: folder, stdio: ['pipe', 'ignore', 'ignore'] })
  return () =>
    new Promise((resolve, reject) => {
      child.on('error', reject).on('close', () => resolve())
      child.stdin.end('go\n')
    })
}
