/** Which operations must be recorded of a step, from the files before and after it. */
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import * as path from 'node:path'
import type { Step, Writer } from './steps.ts'

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

function namesOf(step: Step): readonly string[] {
  return [
    ...('path' in step ? [step.path, `${step.path}.tmp`] : []),
    ...('from' in step ? [step.from] : []),
    ...('paths' in step ? step.paths : []),
  ]
}

/** Whether the step may change the file. */
export function isNamedBy(step: Step, file: string): boolean {
  return namesOf(step).some((name) => file === name || file.startsWith(`${name}/`))
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
  const named = namesOf(step)
  const paths = [...new Set([...named, ...before.keys(), ...after.keys()])].filter((file) =>
    isNamedBy(step, file),
  )
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
