/** Runs sequences in apps under the preload, and compares what is recorded with what the app did to the disk. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import type { RecordedChange } from '../../../src/changes/change.ts'
import { ChangeStore } from '../../../src/changes/store.ts'
import { type ProgramOptions, startProgram } from '../../support/observed-program.ts'
import { type RecordedSpan, readRecorded } from '../../support/recorded.ts'
import { makeWorkspace } from '../../support/workspace.ts'
import type { Item } from './items.ts'
import type { Progress, Sequence } from './sequence-run.ts'

/** A kill that is asked for comes within this time, at random. */
const killWithinMs = 20

/** By seed; no entry for a sequence that is right. */
export type Faults = ReadonlyMap<number, readonly string[]>

export interface CheckOptions {
  /** How long the app waits for a comparison. */
  readonly waitMsMax: number
}

/** Long enough for a busy machine: nothing is unknown because a look came late. */
export const patient: CheckOptions = { waitMsMax: 10_000 }

/** One app for all sequences, which is started again when a sequence has killed it. */
export async function checkSequences(
  sequences: readonly Sequence[],
  options: CheckOptions = patient,
): Promise<Faults> {
  using workspace = makeWorkspace()
  const [truth, given] = ['truth', 'sequences'].map((name) => path.join(workspace.root, name))
  if (truth === undefined || given === undefined) throw new Error('No files')
  fs.writeFileSync(truth, '')
  fs.writeFileSync(given, JSON.stringify(sequences))
  const env = {
    TRUTH: truth,
    SEQUENCES: given,
    TELEMETRY_PROCESS_WAIT_MS_MAX: String(options.waitMsMax),
  }
  const killsMax = sequences.length
  let stderr = ''
  for (let kills = 0; kills <= killsMax; kills += 1) {
    const ended = await runApp({ cwd: workspace.folder, spool: workspace.spool, env })
    stderr = ended.stderr
    if (ended.signal !== 'SIGKILL') break
  }
  const done = new Map<number, Progress>()
  for (const line of fs.readFileSync(truth, 'utf8').split('\n').filter(Boolean)) {
    const progress: Progress = JSON.parse(line)
    if (progress.isDone) done.set(progress.seed, progress)
  }
  const recorded = readAll(workspace.spool)
  const faults = new Map<number, readonly string[]>()
  for (const [index, { seed }] of sequences.entries()) {
    const progress = done.get(seed)
    const next = done.get(sequences[index + 1]?.seed ?? seed)
    const wasKilled = progress?.wasKilled === true || next?.wasKilled === true
    const found =
      progress === undefined
        ? [`The app ended before: ${stderr}`]
        : [
            ...progress.faults,
            ...faultsOf({ ...progress, wasKilled }, recorded, {
              mayDeclare: options.waitMsMax < patient.waitMsMax,
            }),
          ]
    if (found.length > 0) faults.set(seed, found)
  }
  return faults
}

/** Runs the app to its end, or kills it a moment after it asked for that. */
async function runApp(options: ProgramOptions) {
  await using program = startProgram('../files/model/model-host.ts', options)
  program.child.stdout.on('data', (text: string) => {
    if (text.includes('kill me')) {
      setTimeout(() => program.child.kill('SIGKILL'), killWithinMs * Math.random())
    }
  })
  return await program.ended()
}

interface AllRecorded {
  /** By the sequence's folder. */
  readonly changes: ReadonlyMap<string, readonly RecordedChange[]>
  readonly spans: ReadonlyMap<string, readonly RecordedSpan[]>
  /** Children whose end is recorded. */
  readonly ended: readonly EndedChild[]
}

interface EndedChild {
  readonly command: string
  /** Its record says that changes may be missing, or may be recorded together with others. */
  readonly isDeclared: boolean
}

function faultsOf(
  { seed, items, wasKilled, had }: Progress,
  { changes, spans, ended }: AllRecorded,
  { mayDeclare }: { readonly mayDeclare: boolean },
): readonly string[] {
  const folder = `s${seed}`
  const recorded = changes.get(folder) ?? []
  // After a kill nothing is known of a child whose end was not recorded; that it ran is recorded.
  const endOf = (token: string) => ended.find(({ command }) => command.endsWith(` ${token}`))
  const wanted = items.map((item) =>
    item.kind === 'operation' && item.token !== undefined && wasKilled && !endOf(item.token)
      ? { ...item, isOptional: true }
      : item,
  )
  const declared = new Set(
    items.flatMap((item) =>
      item.kind === 'operation' &&
      item.token !== undefined &&
      endOf(item.token)?.isDeclared &&
      mayDeclare
        ? item.path
        : [],
    ),
  )
  return [
    ...compare(
      wanted.map((item) => (declared.has(item.path) ? leniently(item, had) : item)),
      recorded,
    ),
    ...compareSent(recorded, spans.get(folder) ?? []),
  ]
}

/** What a child did to a file may be missing, or be recorded together with other changes: with states that the file had. */
function leniently(item: Item, had: Progress['had']): Item {
  if (item.kind !== 'operation' || item.token === undefined) return item
  const states = had.find(([file]) => file === item.path)?.[1] ?? []
  return {
    kind: 'group',
    path: item.path,
    countMax: 1,
    states: ['absent', ...states],
    isOptional: true,
  }
}

/** What is sent is what the local store has, once each. */
function compareSent(
  recorded: readonly RecordedChange[],
  spans: readonly RecordedSpan[],
): readonly string[] {
  const op = 'turnlog.file_operation'
  const ofStore = recorded.map(({ opId, opType, path: file }) => `${opId} ${opType} ${file}`)
  const sent = spans.map(({ attributes }) => {
    const file = String(attributes['file.path']).split('/').slice(1).join('/')
    return `${attributes[`${op}.id`]} ${attributes[`${op}.type`]} ${file}`
  })
  const [stored, others] = [ofStore.toSorted(), sent.toSorted()].map((list) => list.join('\n'))
  return stored === others ? [] : [`the store has\n${stored}\nand what is sent\n${others}`]
}

function readAll(spool: string): AllRecorded {
  const store = new ChangeStore({ directory: path.join(spool, 'changes') })
  const { spans, logs } = readRecorded(spool, store)
  const ofFiles = spans.filter(({ name }) => name.startsWith('file.'))
  return {
    changes: changesOf(store, spans),
    spans: Map.groupBy(
      ofFiles,
      ({ attributes }) => String(attributes['file.path']).split('/')[0] ?? '',
    ),
    ended: logs
      .filter(({ event }) => event === 'turnlog.process.ended')
      .map(({ attributes }) => ({
        command: String(attributes['turnlog.process.command']),
        isDeclared:
          attributes['turnlog.process.not_compared_reason'] !== undefined ||
          attributes['turnlog.process.partial'] === true ||
          attributes['turnlog.process.look_age'] !== 0,
      })),
  }
}

/** By the sequence's folder, in the order of their starts. Paths are relative to the folder. */
function changesOf(
  store: ChangeStore,
  spans: readonly RecordedSpan[],
): ReadonlyMap<string, readonly RecordedChange[]> {
  const starts = new Map(
    spans.map(({ spanId, startMs }, index) => [spanId, [startMs, index] as const]),
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
    const isOne = change !== undefined && isOperation(item, change)
    if (isOne && isMatch(others, rest)) return true
    return item.isOptional === true && isMatch(others, got)
  }
  for (
    let count = item.isOptional === true ? 0 : 1;
    count <= Math.min(item.countMax, got.length);
    count += 1
  ) {
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
