/**
 * An app that runs sequences of steps, each in turns and a folder of its own. Writes to `TRUTH` what it did to the disk,
 * line by line, so that a killed run can be read, too: `[seed, items, faults]`, the sequence's last line counts.
 */
import { AsyncResource } from 'node:async_hooks'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { toolCall, turn } from '@turnlog/instrumentation'
import fastify from 'fastify'
import { changesRoutes } from '../../../src/changes/routes.ts'
import {
  hashOf,
  type Item,
  itemsOf,
  runStep,
  type Snapshot,
  type State,
  snapshotOf,
} from './run-step.ts'
import type { Step } from './steps.ts'

export interface Sequence {
  readonly seed: number
  readonly steps: readonly Step[]
}

/** Before the first turn: what runs in it is of no turn. */
const outsideOfTurns = new AsyncResource('outside')
// The app has no server that keeps it alive.
setInterval(() => undefined, 60_000)
const truth = fs.openSync(process.env.TRUTH ?? '', 'a')
const app = fastify()
await app.register(changesRoutes)

const initial = {
  'a.txt': 'a\n',
  'b.txt': 'b\n',
  'c.txt': 'c\n',
  'd.txt': '',
  'p/e.txt': 'e\n',
  'p/q/f.txt': 'f\n',
}

async function runSequence({ seed, steps }: Sequence): Promise<void> {
  const folder = path.join(process.cwd(), `s${seed}`)
  for (const [name, content] of Object.entries(initial)) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true })
    fs.writeFileSync(path.join(folder, name), content)
    // An empty file that has changed just now may be one that somebody is about to write.
    fs.utimesSync(path.join(folder, name), 1_000_000_000, 1_000_000_000)
  }
  const items: Item[] = []
  const faults: string[] = []
  /** Every content that a path ever had. */
  const had = new Map<string, Set<State>>()
  const note = (snapshot: Snapshot): void => {
    for (const [file, state] of snapshot) had.set(file, (had.get(file) ?? new Set()).add(state))
  }
  let before = snapshotOf(folder)
  note(before)
  /** Files that the sequence has made. A rename of one is a creation or an atomic save, which has its own step. */
  const made = new Set<string>()
  /** Files that somebody else has written last. */
  const others = new Set<string>()
  let left = [...steps]
  while (left.length > 0) {
    const end = left.findIndex((step) => step.do === 'revert')
    const inTurn = end === -1 ? left : left.slice(0, end)
    await turn({ prompt: `s${seed}` }, () =>
      toolCall({ name: 'work' }, async () => {
        for (const step of inTurn) {
          if (isOfMade(step, made)) continue
          if (step.do === 'kill') writeTruth(seed, [...items, ...killed(step, before)], faults)
          await runStep(step, folder, (work) => outsideOfTurns.runInAsyncScope(work)).catch(
            () => undefined,
          )
          const after = snapshotOf(folder)
          const emptied = [...before].filter(([file, state]) => state === empty && others.has(file))
          const moved = new Set<string>()
          const uncertain = new Set(emptied.map(([file]) => file))
          items.push(
            ...itemsOf(step, before, after).map((item) =>
              withUncertain(item, uncertain, step.do.endsWith('folder')),
            ),
          )
          if (step.do === 'rename' && others.has(step.from)) moved.add(step.path)
          for (const file of others) if (before.get(file) !== after.get(file)) others.delete(file)
          for (const file of moved) others.add(file)
          if (step.do === 'other') others.add(step.path)
          if (step.do === 'parallel')
            for (const content of step.contents) note(new Map([[step.path, hashOf(content)]]))
          for (const file of after.keys()) if (!before.has(file)) made.add(file)
          before = after
          note(before)
        }
      }),
    )
    const revert = left[inTurn.length]
    if (revert?.do === 'revert') {
      const fault = await runRevert(revert.which, folder, { before, had, seed })
      if (fault !== undefined) faults.push(fault)
      const after = snapshotOf(folder)
      for (const [file, state] of after) if (before.get(file) !== state) others.add(file)
      before = after
      note(before)
    }
    left = left.slice(inTurn.length + 1)
  }
  writeTruth(seed, items, faults)
}

function isOfMade(step: Step, made: ReadonlySet<string>): boolean {
  if (step.do === 'rename') return made.has(step.from)
  return step.do === 'rename folder' && [...made].some((file) => file.startsWith(`${step.from}/`))
}

const empty = hashOf('')

/**
 * Somebody else has emptied the file just now: it is not known whether that is all. The files of a folder are looked at for a
 * limited time, which a busy machine may need for the first; files that were not looked at in time are counted as not captured.
 */
function withUncertain(item: Item, uncertain: ReadonlySet<string>, isOfFolder: boolean): Item {
  if (item.kind !== 'operation') return item
  const isUncertain =
    isOfFolder || uncertain.has(item.path) || uncertain.has(item.previousPath ?? '')
  return isUncertain ? { ...item, isUncertain, isOptional: item.isOptional || isOfFolder } : item
}

/** The last write, during which the app is killed, may be recorded or not. */
function killed(step: Extract<Step, { do: 'kill' }>, before: Snapshot): readonly Item[] {
  const was = before.get(step.path) ?? 'absent'
  const after = hashOf(step.content)
  const type = was === 'absent' ? 'create' : was === after ? 'write' : 'edit'
  return [{ kind: 'operation', type, path: step.path, before: was, after, isOptional: true }]
}

/** Undoes one of the recorded operations. The disk then is as it was before the operation, or as it was. */
async function runRevert(
  which: number,
  folder: string,
  {
    before,
    had,
    seed,
  }: { before: Snapshot; had: ReadonlyMap<string, ReadonlySet<State>>; seed: number },
): Promise<string | undefined> {
  const headers = { host: 'localhost:8000' }
  const listed = await app.inject({ url: '/api/changes/recent?limit=500', headers })
  const changes: { opId: string; path: string; previousPath?: string; opType: string }[] = listed
    .json()
    .changes.filter((change: { path: string }) => change.path.startsWith(`s${seed}/`))
  const change = changes[which % changes.length]
  if (change === undefined) return undefined
  const url = `/api/changes/${change.opId}/revert`
  const { statusCode } = await app.inject({ method: 'POST', url, headers, payload: {} })
  const after = snapshotOf(folder)
  const told = `revert of ${change.opType} ${change.path}: ${statusCode}`
  const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
    (file) => before.get(file) !== after.get(file),
  )
  if (statusCode !== 200)
    return changed.length === 0 ? undefined : `${told}, but ${changed} changed`
  const own = [change.path, change.previousPath ?? ''].map((file) => file.slice(`s${seed}/`.length))
  const foreign = changed.filter((file) => !own.includes(file))
  if (foreign.length > 0) return `${told}, and ${foreign} changed`
  const invented = changed.filter(
    (file) => after.has(file) && had.get(file)?.has(after.get(file) ?? '') !== true,
  )
  return invented.length > 0
    ? `${told}, and ${invented} has a content that it never had`
    : undefined
}

function writeTruth(seed: number, items: readonly Item[], faults: readonly string[]): void {
  fs.writeSync(truth, `${JSON.stringify([seed, items, faults])}\n`)
}

const sequences: readonly Sequence[] = JSON.parse(
  fs.readFileSync(process.env.SEQUENCES ?? '', 'utf8'),
)
for (const sequence of sequences) await runSequence(sequence)
process.exit(0)
