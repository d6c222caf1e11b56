/** Runs sequences in apps under the preload, and compares what is recorded with what the app did to the disk. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import type { RecordedChange } from '../../../src/changes/change.ts'
import { ChangeStore } from '../../../src/changes/store.ts'
import { startProgram } from '../../support/observed-program.ts'
import { readRecorded } from '../../support/recorded.ts'
import { makeWorkspace } from '../../support/workspace.ts'
import type { Sequence } from './model-host.ts'
import type { Item } from './run-step.ts'

/** By seed; no entry for a sequence that is right. */
export type Faults = ReadonlyMap<number, readonly string[]>

/** One app for all sequences, of which the last may kill it. */
export async function checkSequences(sequences: readonly Sequence[]): Promise<Faults> {
  using workspace = makeWorkspace()
  const [truth, given] = ['truth', 'sequences'].map((name) => path.join(workspace.root, name))
  if (truth === undefined || given === undefined) throw new Error('No files')
  fs.writeFileSync(truth, '')
  fs.writeFileSync(given, JSON.stringify(sequences))
  await using program = startProgram('../files/model/model-host.ts', {
    cwd: workspace.folder,
    spool: workspace.spool,
    env: { TRUTH: truth, SEQUENCES: given },
  })
  const { stderr } = await program.ended()
  const done = new Map<number, readonly [readonly Item[], readonly string[]]>()
  for (const line of fs.readFileSync(truth, 'utf8').split('\n').filter(Boolean)) {
    const [seed, items, faults] = JSON.parse(line)
    done.set(seed, [items, faults])
  }
  const recorded = readChanges(workspace.spool)
  const faults = new Map<number, readonly string[]>()
  for (const { seed } of sequences) {
    const [items, reverts] = done.get(seed) ?? [undefined, []]
    const found =
      items === undefined
        ? [`The app ended before: ${stderr}`]
        : [...reverts, ...compare(items, recorded.get(`s${seed}`) ?? [])]
    if (found.length > 0) faults.set(seed, found)
  }
  return faults
}

/** By the sequence's folder, in the order of their starts. Paths are relative to the folder. */
function readChanges(spool: string): ReadonlyMap<string, readonly RecordedChange[]> {
  const store = new ChangeStore({ directory: path.join(spool, 'changes') })
  const starts = new Map(
    readRecorded(spool, store).spans.map(({ spanId, startMs }, index) => [
      spanId,
      [startMs, index] as const,
    ]),
  )
  const found = new Map<string, RecordedChange[]>()
  const [none, changes] = [
    [0, 0] as const,
    store.recent({ limit: 10_000 }).map(({ change }) => change),
  ]
  const inOrder = changes.toSorted((a, b) => {
    const [first, second] = [starts.get(a.spanId) ?? none, starts.get(b.spanId) ?? none]
    return first[0] - second[0] || first[1] - second[1]
  })
  for (const change of inOrder) {
    const [folder = '', ...rest] = change.path.split('/')
    const previousPath = change.previousPath?.slice(folder.length + 1)
    const own = { ...change, path: rest.join('/'), previousPath }
    found.set(folder, [...(found.get(folder) ?? []), own])
  }
  return found
}

/** Path by path: what must be recorded, in its order, once each and nothing else. */
export function compare(
  items: readonly Item[],
  recorded: readonly RecordedChange[],
): readonly string[] {
  const paths = [...new Set([...items, ...recorded].map(({ path }) => path))].toSorted()
  return paths.flatMap((file) => {
    const wanted = items.filter(({ path }) => path === file)
    const got = recorded.filter(({ path }) => path === file)
    if (isMatch(wanted, got)) return []
    return [
      `${file}: expected ${wanted.map(describeItem).join(', ') || 'nothing'}; recorded ${got.map(describe).join(', ') || 'nothing'}`,
    ]
  })
}

function isMatch(wanted: readonly Item[], got: readonly RecordedChange[]): boolean {
  const [item, ...others] = wanted
  if (item === undefined) return got.length === 0
  if (item.kind === 'operation') {
    const [change, ...rest] = got
    const isOne = change !== undefined && (isOperation(item, change) || isAbandoned(item, change))
    if (isOne && isMatch(others, rest)) return true
    return item.isOptional === true && isMatch(others, got)
  }
  for (let count = 1; count <= Math.min(item.countMax, got.length); count += 1) {
    if (isGroup(item, got.slice(0, count)) && isMatch(others, got.slice(count))) return true
  }
  return false
}

function isOperation(item: Extract<Item, { kind: 'operation' }>, change: RecordedChange): boolean {
  const isType =
    change.opType === item.type || (item.isUncertain === true && change.opType === 'write')
  return (
    isType &&
    change.previousPath === item.previousPath &&
    isState(item, item.before, change.before) &&
    (isState(item, item.after, change.after) ||
      (item.type === 'rename' && change.after === change.before)) &&
    isState(item, item.overwritten, change.overwritten)
  )
}

/** The app was killed during the operation, so its end is not known. */
function isAbandoned(item: Item, { before, after }: RecordedChange): boolean {
  const isKilled = item.kind === 'operation' && item.isOptional === true
  return isKilled && before === item.before && after === 'unknown'
}

function isState(
  { isUncertain }: Extract<Item, { kind: 'operation' }>,
  wanted: string | undefined,
  got: string | undefined,
): boolean {
  return got === wanted || (isUncertain === true && got === 'unknown')
}

function isGroup(
  item: Extract<Item, { kind: 'group' }>,
  changes: readonly RecordedChange[],
): boolean {
  const isPossible = (state: string): boolean => state === 'unknown' || item.states.includes(state)
  return changes.every(({ before, after }) => isPossible(before) && isPossible(after))
}

function describeItem(item: Item): string {
  if (item.kind === 'group') {
    return `${item.countMax} writes at once (${item.states.map(short).join(' ')})`
  }
  const { type, previousPath, before, after } = item
  return `${type}${previousPath === undefined ? '' : ` < ${previousPath}`} ${short(before)} → ${short(after)}`
}

function describe({ opType, previousPath, before, after }: RecordedChange): string {
  return `${opType}${previousPath === undefined ? '' : ` < ${previousPath}`} ${short(before)} → ${short(after)}`
}

function short(state: string): string {
  return state.replace(/^sha256:(.{6}).*/, '$1')
}
