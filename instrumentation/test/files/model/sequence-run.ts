/**
 * One sequence of steps, in turns and a folder of its own, and what each step did to the disk. Its progress is plain data, so
 * that an app that was killed goes on with the next step.
 */

import { AsyncResource } from 'node:async_hooks'
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { toolCall, turn } from '@turnlog/instrumentation'
import type { FastifyInstance } from 'fastify'
import {
  hashOf,
  type Item,
  isNamedBy,
  itemsOf,
  itemsOfKilled,
  type Snapshot,
  type State,
  snapshotOf,
} from './items.ts'
import { holdFile, runStep, startChild } from './run-step.ts'
import type { Step } from './steps.ts'

export interface Sequence {
  readonly seed: number
  readonly steps: readonly Step[]
}

/** What is known of a sequence before the step `index`. */
export interface Progress {
  readonly seed: number
  readonly index: number
  readonly isDone: boolean
  readonly wasKilled: boolean
  readonly items: readonly Item[]
  readonly faults: readonly string[]
  readonly before: readonly (readonly [string, State])[]
  /** Every content that a path ever had. */
  readonly had: readonly (readonly [string, readonly State[]])[]
}

interface Background {
  readonly step: Extract<Step, { do: 'background' }>
  readonly token: string
  readonly until: number
  readonly finish: () => Promise<void>
}

/** Before the first turn: what runs in it is of no turn. */
const outsideOfTurns = new AsyncResource('outside')
const empty = hashOf('')
const initial = {
  'a.txt': 'a\n',
  'b.txt': 'b\n',
  'c.txt': 'c\n',
  'd.txt': '',
  'p/e.txt': 'e\n',
  'p/q/f.txt': 'f\n',
}

export class SequenceRun {
  readonly #sequence: Sequence
  readonly #app: FastifyInstance
  readonly #save: (progress: Progress) => void
  readonly #folder: string
  readonly #items: Item[] = []
  readonly #faults: string[] = []
  readonly #had = new Map<string, Set<State>>()
  /** Files that the sequence has made. A rename of one is a creation or an atomic save, which has its own step. */
  readonly #made = new Set<string>()
  /** Files that were last written outside of turns. */
  readonly #others = new Set<string>()
  #background: Background[] = []
  #held: (() => Promise<void>)[] = []
  #before: Snapshot = new Map()
  #index = 0
  #wasKilled: boolean = false
  /** Somebody is about to kill the app: progress is saved before each step. */
  #isDoomed: boolean = false

  constructor(sequence: Sequence, app: FastifyInstance, save: (progress: Progress) => void) {
    this.#sequence = sequence
    this.#app = app
    this.#save = save
    this.#folder = path.join(process.cwd(), `s${sequence.seed}`)
  }

  /** The files at its beginning. An empty file that has changed just now may be one that somebody is about to write. */
  begin(): void {
    for (const [name, content] of Object.entries(initial)) {
      const file = path.join(this.#folder, name)
      fs.mkdirSync(path.dirname(file), { recursive: true })
      fs.writeFileSync(file, content)
      fs.utimesSync(file, 1_000_000_000, 1_000_000_000)
    }
    this.#see(snapshotOf(this.#folder))
  }

  /** Goes on after the step during which the app was killed. */
  resume({ index, items, faults, before, had }: Progress): void {
    this.#wasKilled = true
    this.#items.push(...items)
    this.#faults.push(...faults)
    for (const [file, states] of had) this.#had.set(file, new Set(states))
    const after = snapshotOf(this.#folder)
    const step = this.#sequence.steps[index]
    const killed = step?.do === 'kill' ? step.step : step
    if (killed !== undefined) {
      this.#items.push(...itemsOfKilled(killed, new Map(before), after))
      if ('path' in killed && 'content' in killed) this.#note(killed.path, hashOf(killed.content))
    }
    for (const file of after.keys()) this.#made.add(file)
    this.#see(after)
    this.#index = index + 1
  }

  async run(): Promise<void> {
    const { seed, steps } = this.#sequence
    while (this.#index < steps.length) {
      const step = steps[this.#index]
      if (step?.do === 'revert') {
        this.#saveIfDoomed()
        await this.#finishBackground(this.#index)
        await this.#revert(step.which)
        this.#index += 1
      } else {
        await turn({ prompt: `s${seed}` }, () =>
          toolCall({ name: 'work' }, () => this.#stepsOfTurn()),
        )
      }
    }
    await this.#finishBackground(Number.POSITIVE_INFINITY)
    await this.#releaseHeld()
    this.#save(this.#progress({ isDone: true }))
    // The next sequence begins after the kill.
    if (this.#isDoomed) await new Promise(() => undefined)
  }

  async #stepsOfTurn(): Promise<void> {
    const { steps } = this.#sequence
    for (
      let step = steps[this.#index];
      step !== undefined && step.do !== 'revert';
      step = steps[this.#index]
    ) {
      await this.#finishBackground(this.#index)
      this.#saveIfDoomed()
      if (!this.#isOfMade(step)) await this.#step(step)
      this.#index += 1
    }
  }

  async #step(step: Step): Promise<void> {
    const token = `${this.#sequence.seed}:${this.#index}`
    if (step.do === 'background') {
      const finish = startChild(step, this.#folder, token)
      this.#background.push({ step, token, finish, until: this.#index + step.steps })
    } else if (step.do === 'other') {
      const work = (): Promise<void> => this.#outsideStep(step.step, token)
      await outsideOfTurns.runInAsyncScope(work).catch(() => undefined)
      this.#outside(step.step)
    } else if (step.do === 'kill') await this.#kill(step)
    else {
      await runStep(step, this.#folder, token).catch(() => undefined)
      this.#add(step, token)
    }
  }

  async #outsideStep(step: Step, token: string): Promise<void> {
    if (step.do === 'hold') this.#held.push(await holdFile(step, this.#folder))
    else await runStep(step, this.#folder, token)
  }

  async #releaseHeld(): Promise<void> {
    for (const release of this.#held) {
      await outsideOfTurns.runInAsyncScope(release).catch(() => undefined)
    }
    this.#held = []
    this.#outside()
  }

  async #kill({ step, after }: Extract<Step, { do: 'kill' }>): Promise<void> {
    this.#save(this.#progress())
    const running = runStep(step, this.#folder, '').catch(() => undefined)
    if (after === 'outside') {
      this.#isDoomed = true
      this.#wasKilled = true
      console.log('kill me')
      await running
      this.#add(step, '')
      return
    }
    for (let turns = 0; turns < after; turns += 1) await new Promise(setImmediate)
    process.kill(process.pid, 'SIGKILL')
  }

  /** The commands whose time has come, in the order of their start. */
  async #finishBackground(index: number): Promise<void> {
    const due = this.#background.filter(({ until }) => until <= index)
    this.#background = this.#background.filter(({ until }) => until > index)
    for (const { step, token, finish } of due) {
      // Its start waits until what the app has written so far is copied, which is the content before the command.
      execFileSync('true')
      await finish()
      this.#add(step, token)
    }
  }

  /** Adds what must be recorded of a step that is over. */
  #add(step: Step, token: string): void {
    const [before, after] = [this.#before, snapshotOf(this.#folder)]
    const isOfChild = step.do === 'child' || step.do === 'background'
    const isEmptied = (file: string | undefined): boolean =>
      file !== undefined && before.get(file) === empty && this.#others.has(file)
    this.#items.push(
      ...itemsOf(step, before, after).map((item): Item => {
        if (item.kind !== 'operation') return item
        // It has been emptied outside of turns just now: it is not known whether that is all.
        const isUncertain = isEmptied(item.path) || isEmptied(item.previousPath)
        return { ...item, isUncertain, ...(isOfChild ? { token } : {}) }
      }),
    )
    const isMoved = step.do === 'rename' && this.#others.has(step.from)
    for (const file of this.#others) {
      if (before.get(file) !== after.get(file)) this.#others.delete(file)
    }
    if (isMoved) this.#others.add(step.path)
    if (step.do === 'parallel') {
      for (const content of step.contents) this.#note(step.path, hashOf(content))
    }
    for (const file of after.keys()) if (!before.has(file)) this.#made.add(file)
    this.#see(after)
  }

  /** Files were changed outside of turns, or written with what they held. */
  #outside(step?: Step): void {
    const after = snapshotOf(this.#folder)
    for (const [file, state] of after) {
      const isNamed = step !== undefined && isNamedBy(step, file)
      if (isNamed || this.#before.get(file) !== state) this.#others.add(file)
    }
    this.#see(after)
  }

  #isOfMade(step: Step): boolean {
    if (step.do === 'kill') return this.#isOfMade(step.step)
    // A kill has left the temporary file, so it is not made for this step.
    if (step.do === 'atomic') return this.#before.has(`${step.path}.tmp`)
    if (step.do === 'rename') return this.#made.has(step.from)
    if (step.do !== 'rename folder') return false
    return [...this.#made].some((file) => file.startsWith(`${step.from}/`))
  }

  /** Undoes one of the recorded operations. The disk then is as it was before the operation, or as it was. */
  async #revert(which: number): Promise<void> {
    const name = `s${this.#sequence.seed}/`
    const headers = { host: 'localhost:8000' }
    const listed = await this.#app.inject({ url: '/api/changes/recent?limit=500', headers })
    const changes: { opId: string; path: string; previousPath?: string; opType: string }[] = listed
      .json()
      .changes.filter((change: { path: string }) => change.path.startsWith(name))
    const change = changes[which % changes.length]
    if (change === undefined) return
    const url = `/api/changes/${change.opId}/revert`
    const { statusCode } = await this.#app.inject({ method: 'POST', url, headers, payload: {} })
    const before = this.#before
    const after = snapshotOf(this.#folder)
    const own = [change.path, change.previousPath ?? ''].map((file) => file.slice(name.length))
    const fault = this.#faultOfRevert(statusCode === 200 ? own : [], before, after)
    if (fault !== undefined) {
      this.#faults.push(`revert of ${change.opType} ${change.path}: ${statusCode}, but ${fault}`)
    }
    this.#outside()
  }

  /** `own`: the files that may have changed. */
  #faultOfRevert(own: readonly string[], before: Snapshot, after: Snapshot): string | undefined {
    const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
      (file) => before.get(file) !== after.get(file),
    )
    const foreign = changed.filter((file) => !own.includes(file))
    if (foreign.length > 0) return `${foreign} changed`
    const invented = changed.filter((file) => {
      const state = after.get(file)
      return state !== undefined && this.#had.get(file)?.has(state) !== true
    })
    return invented.length > 0 ? `${invented} has a content that it never had` : undefined
  }

  #see(snapshot: Snapshot): void {
    this.#before = snapshot
    for (const [file, state] of snapshot) this.#note(file, state)
  }

  #note(file: string, state: State): void {
    this.#had.set(file, (this.#had.get(file) ?? new Set()).add(state))
  }

  #saveIfDoomed(): void {
    if (this.#isDoomed) this.#save(this.#progress())
  }

  #progress({ isDone = false } = {}): Progress {
    return {
      seed: this.#sequence.seed,
      index: this.#index,
      isDone,
      wasKilled: this.#wasKilled,
      items: this.#items,
      faults: this.#faults,
      before: [...this.#before],
      had: [...this.#had].map(([file, states]) => [file, [...states]]),
    }
  }
}
