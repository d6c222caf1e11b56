/** Carries out one step of a sequence, and says which operations must be recorded of it. */
import { execFile, execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { promisify } from 'node:util'
import { callIn } from '../../ways/call-in.ts'
import type { Command, Step, Writer } from './steps.ts'

/** `sha256:…`, as the local store names contents, or `absent`. */
export type State = string
/** The files of the sequence's folder. */
export type Snapshot = ReadonlyMap<string, State>

export type Item =
  | {
      readonly kind: 'operation'
      readonly type: 'create' | 'edit' | 'write' | 'delete' | 'rename'
      readonly path: string
      readonly previousPath?: string
      readonly before: State
      readonly after: State
      readonly overwritten?: State
      /** It may be missing: it changed nothing. */
      readonly isOptional?: boolean
      /** Of a child: the text by which its record is found. */
      readonly token?: string
      /** The states before may be unknown. */
      readonly isUncertain?: boolean
    }
  /** Writes at the same time: one to `countMax` operations, with these states or unknown ones. */
  | {
      readonly kind: 'group'
      readonly path: string
      readonly countMax: number
      readonly states: readonly State[]
      /** None of them may be recorded: the app was killed. */
      readonly isOptional?: boolean
    }

export function hashOf(content: string | Uint8Array): State {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`
}

export function snapshotOf(folder: string): Snapshot {
  const found = new Map<string, State>()
  for (const entry of fs.readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = path.join(entry.parentPath, entry.name)
    found.set(path.relative(folder, file), hashOf(fs.readFileSync(file)))
  }
  return found
}

const isIn = (folder: string, file: string): boolean => file.startsWith(`${folder}/`)

/** What must be recorded of a step, from the files before and after it. */
export function itemsOf(step: Step, before: Snapshot, after: Snapshot): readonly Item[] {
  const changed = (file: string): Item[] => {
    const [was, is] = [before.get(file) ?? 'absent', after.get(file) ?? 'absent']
    if (was === is) return []
    const type = was === 'absent' ? 'create' : is === 'absent' ? 'delete' : 'edit'
    return [{ kind: 'operation', type, path: file, before: was, after: is }]
  }
  const all = [...new Set([...before.keys(), ...after.keys()])].toSorted()
  switch (step.do) {
    case 'other':
    case 'revert':
    case 'kill':
    case 'stamp':
      return []
    case 'parallel': {
      const states = [before.get(step.path) ?? 'absent', ...step.contents.map(hashOf)]
      const is = after.get(step.path) ?? 'absent'
      if (is === 'absent') return []
      return [
        {
          kind: 'group',
          path: step.path,
          countMax: step.contents.length,
          states: [...states, is],
        },
      ]
    }
    case 'rename': {
      const content = before.get(step.from)
      if (content === undefined || step.from === step.path || after.has(step.from)) return []
      const overwritten = before.get(step.path)
      return [
        {
          kind: 'operation',
          type: 'rename',
          path: step.path,
          previousPath: step.from,
          before: content,
          after: content,
          ...(overwritten === undefined ? {} : { overwritten }),
        },
      ]
    }
    case 'rename folder': {
      const isDone = !all.some((file) => isIn(step.from, file) && after.has(file))
      if (!isDone) return []
      return all
        .filter((file) => isIn(step.from, file))
        .map((file) => {
          const content = before.get(file) ?? 'absent'
          const target = step.path + file.slice(step.from.length)
          return {
            kind: 'operation',
            type: 'rename',
            path: target,
            previousPath: file,
            before: content,
            after: content,
          }
        })
    }
    default: {
      const items = all.flatMap(changed)
      const same = sameWrites(step, before).filter(
        (item) => !items.some(({ path }) => path === item.path),
      )
      return [...items, ...same]
    }
  }
}

/**
 * What may be recorded of a step during which the app was killed: states that its files had before, were to have, or have
 * now.
 */
export function itemsOfKilled(step: Step, before: Snapshot, after: Snapshot): readonly Item[] {
  if (step.do === 'kill') return itemsOfKilled(step.step, before, after)
  if (step.do === 'other' || step.do === 'revert') return []
  const given = 'content' in step ? [step.content] : step.do === 'parallel' ? step.contents : []
  const states = [...given.map(hashOf), ...before.values(), ...after.values(), 'absent']
  const named = [
    ...('path' in step ? [step.path, `${step.path}.tmp`] : []),
    ...('from' in step ? [step.from] : []),
    ...('paths' in step ? step.paths : []),
  ]
  const isOfStep = (file: string): boolean =>
    named.some((name) => file === name || file.startsWith(`${name}/`))
  const paths = [...new Set([...named, ...before.keys(), ...after.keys()])].filter(isOfStep)
  return paths.map((path) => ({ kind: 'group', path, countMax: 3, states, isOptional: true }))
}

/**
 * A call that succeeded and left the same bytes is a `write`. Through a descriptor, a handle or a stream it may be none: what
 * it wrote may be nothing.
 */
function sameWrites(step: Step, before: Snapshot): readonly Item[] {
  const same = (file: string, isOptional: boolean): Item[] => {
    const content = before.get(file)
    if (content === undefined) return []
    const write = { kind: 'operation', type: 'write', path: file } as const
    return [{ ...write, before: content, after: content, isOptional }]
  }
  const isWhole = (by: Writer): boolean => /^(writeFile|appendFile)/.test(by)
  if (step.do === 'write') return same(step.path, !isWhole(step.by))
  if (step.do === 'spread') return step.paths.flatMap((file) => same(file, !isWhole(step.by)))
  if (step.do === 'atomic') return same(step.path, false)
  // A second failure leaves the same half.
  if (step.do === 'fail') return same(step.path, true)
  if (step.do === 'copy' && before.has(step.from)) return same(step.path, false)
  if (step.do === 'copy folder') {
    return [...before.keys()]
      .filter((file) => file.startsWith(`${step.path}/`))
      .flatMap((file) => same(file, true))
  }
  return []
}

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
