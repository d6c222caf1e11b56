/**
 * Child processes that the host starts in a turn or a tool call: the workspace is compared before and after each, since a
 * shell command changes files where `node:fs` shows nothing. `node-children.ts` and `pseudo-terminals.ts` see them start and end.
 *
 * A child is compared when its output has been closed; before, if it has exited and a child of its own holds the output open;
 * and when its turn ends while it lives on.
 *
 *     state    meaning                                             next
 *     open     it runs, or its output is open                      ended, at `close`, when a synchronous call returns, or when
 *                                                                  it has exited and its turn has ended; given up, when it
 *                                                                  lives `backgroundMsMax` longer than its turn
 *     ended    its last comparison has been asked for              recorded, when that has come; or lost, with the thread
 */
import * as path from 'node:path'
import { isMainThread } from 'node:worker_threads'
import { ROOT_CONTEXT } from '@opentelemetry/api'
import { quietly } from '../health.ts'
import type { Candidate } from '../record/candidate.ts'
import { reportsOf } from '../record/child-report.ts'
import { contexts, runIn } from '../record/contexts.ts'
import type { After } from '../record/delayed-ends.ts'
import type { Recorder } from '../record/recorder.ts'
import type { UnseenWork } from '../record/unseen-work.ts'
import type { WindowFacts } from '../workspace/child-window.ts'
import type { ComparedChild, ComparisonReport } from '../workspace/protocol.ts'
import type { WorkspaceFindings, WorkspaceThread } from '../workspace/workspace-thread.ts'
import { AppChanges } from './app-changes.ts'
import {
  AskedChildren,
  type ChildOutcome,
  type OpenChild,
  type StartedChildren,
} from './asked-children.ts'
import { type Command, commandLine } from './child-command.ts'
import { ownerMark } from './child-environment.ts'
import { type ChildOwner, ownerOfChild } from './child-owner.ts'
import { EndedChildren } from './ended-children.ts'
import { turnOfOperation } from './file-record.ts'
import type { FileContent, HostFiles } from './host-files.ts'
import type { OwnChanges } from './path-states.ts'
import {
  type ChangeWindow,
  type Child,
  type NotComparedReason,
  ProcessRecords,
} from './process-records.ts'

/** Children that are compared at one time. */
const childrenMax = 200
/** How long after the exit of a child its output is usually closed, at most. */
const closesWithinMs = 50
/** How long a child is followed that lives on when its turn has ended. */
const backgroundMsMax = 10 * 60_000
/** Looks at the beginning of turns: not more often, and for at most a twentieth of the time. */
const looksApartMs = 1_000
const looksApartTimes = 20

export interface ChildProcessesOptions {
  readonly recorder: Recorder
  readonly files: HostFiles
  readonly openWorkspace: (findings: WorkspaceFindings) => WorkspaceThread
  readonly spoolDirectory: string
  /** Command lines are content. */
  readonly capturesContent: boolean
  readonly unseen: UnseenWork
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Milliseconds, monotonic. */
  readonly clock: () => number
  /** Calls back later, or never when the process exits before. */
  readonly after: After
}

interface NativeWindowFacts {
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly facts: WindowFacts
  /** The same, as it was opened first. */
  readonly replaces: NativeWindow | undefined
}

/** A time in which native code of the app may change files. */
export interface NativeWindow {
  readonly id: number
  /** Compares the workspace: for the last time, if the end is given. */
  compare(endedAt?: number): void
}

export class ChildProcesses implements OwnChanges {
  readonly #options: ChildProcessesOptions
  readonly #workspace: WorkspaceThread
  readonly #records: ProcessRecords
  readonly #children = new Map<number, OpenChild>()
  readonly #native = new Map<number, ChangeWindow>()
  readonly #appChanges: AppChanges
  /** For those who see children start and end. */
  readonly opened: StartedChildren = {
    begin: (command) => this.#begin(command),
    forks: (isForking) => this.#workspace.forks(isForking),
    started: (child, pid) => {
      if (pid !== undefined) child.pid = pid
      this.#records.started(child)
    },
    abandon: (child) => this.#abandon(child),
    isAsked: (child) => this.#isAsked(child),
    exited: (child, outcome) => {
      describeExit(child, outcome)
      child.hasExited = true
      if (child.isTurnOver) this.#end(child)
      else this.#exited(child)
    },
    end: (child, outcome) => {
      if (outcome !== undefined) {
        describeExit(child, outcome)
        child.hasExited = true
      }
      this.#end(child)
    },
  }
  readonly asked = new AskedChildren(this.opened)
  readonly #ended = new EndedChildren()
  #started = 0
  #isObserving: boolean = false
  #nextLookAt = 0

  constructor(options: ChildProcessesOptions) {
    this.#options = options
    this.#records = new ProcessRecords({
      ...options,
      windowOf: (id) => this.#children.get(id) ?? this.#native.get(id),
      onRecorded: ({ id }) => this.#children.delete(id),
    })
    this.#workspace = options.openWorkspace({
      onChanges: (json) => this.#records.add(json),
      onCompared: (compared, report) => {
        for (const child of compared) this.#compared(child, report)
      },
      onLost: () => {
        this.#native.clear()
        for (const child of this.#children.values()) {
          this.#records.notCompared(child, 'comparison_failed')
        }
      },
    })
    this.#appChanges = new AppChanges({ ...options, workspace: this.#workspace })
  }

  /** Begins; the returned function ends it. `isStarted`: the thread starts at once, and looks when it is needed. */
  observe({ isStarted }: { readonly isStarted: boolean }): () => void {
    this.#isObserving = true
    if (isStarted) this.#workspace.start()
    return () => this.#workspace.close()
  }

  get isPrepared(): boolean {
    return this.#nextLookAt > 0
  }

  get isWatching(): boolean {
    return this.#children.size > 0 || this.#native.size > 0
  }

  /** Native code may change files since `startedAt`. `undefined` if the workspace is not observed. */
  openNative(
    owner: ChildOwner,
    { startedAt, facts, replaces }: NativeWindowFacts,
  ): NativeWindow | undefined {
    if (!this.#isObserving) return undefined
    if (replaces === undefined) this.#started += 1
    const id = replaces?.id ?? this.#started
    this.#native.set(id, { id, owner, isNative: true, filesChanged: 0 })
    const workspace = this.#workspace
    runIn(ROOT_CONTEXT, () => {
      workspace.start()
      this.#appChanges.report()
      workspace.openNative(id, startedAt, facts)
    })
    return { id, compare: (endedAt) => workspace.compareNative(id, endedAt) }
  }

  leftByChild(stampedAt: number): boolean {
    return this.#ended.livedAt(stampedAt)
  }

  /** The app itself writes the file. */
  writing(path: string, before?: FileContent): void {
    this.#appChanges.writing(path, before, { isWatching: this.isWatching })
  }

  /** The app itself has changed the file, and left it as it is now. */
  changed(path: string): void {
    this.#appChanges.changed(path, { isWatching: this.isWatching })
    if (this.#appChanges.isFull) this.prepare()
    this.#appChanges.limit()
  }

  /** A turn has begun, or turns may come soon: looks at the workspace, so that less is unknown when a child starts. */
  prepare(): void {
    if (!this.#isObserving || this.#options.clock() < this.#nextLookAt) return
    const apart = Math.max(looksApartMs, looksApartTimes * this.#workspace.lookMs)
    this.#nextLookAt = this.#options.clock() + apart
    runIn(ROOT_CONTEXT, () => {
      this.#workspace.start()
      this.#workspace.look()
    })
  }

  /** At the exit of the process: records what is known, after a bounded wait for comparisons that have begun. */
  finish(): void {
    for (const child of this.#children.values()) {
      this.#workspace.compare(child.id, undefined, { livesOn: true })
    }
    for (const id of this.#native.keys()) this.#workspace.compareNative(id, this.#options.now())
    if (this.isWatching) this.#workspace.drain()
    this.#records.finish()
    for (const child of this.#children.values()) {
      const { lastReport } = child
      if (lastReport === undefined) this.#records.notCompared(child, 'process_exit')
      else this.#records.recordEnd(child, lastReport)
    }
    this.#children.clear()
  }

  /** What the child has done so far was for the call that started it; from now on, it works for those that ask it. */
  #isAsked(child: OpenChild): void {
    if (child.isServer) return
    child.isServer = true
    this.#workspace.serves(child.id)
    this.#workspace.compare(child.id, undefined, { livesOn: true })
  }

  #begin(command: Command): OpenChild | undefined {
    const { file, args, texts } = command
    const active = contexts.active()
    const line = commandLine(args)
    const owner = ownerOfChild(active, texts ?? [line, args.join(' '), ...args])
    if (owner === undefined) return undefined
    this.#started += 1
    const child: OpenChild = {
      id: this.#started,
      owner,
      isNative: false,
      program: path.basename(file),
      command: this.#options.capturesContent ? [file, ...args].join(' ') : undefined,
      startedAt: this.#options.now(),
      pid: undefined,
      endedAt: undefined,
      exitCode: undefined,
      signal: undefined,
      filesChanged: 0,
      filesNotRecorded: 0,
      changedByOthers: 0,
      isPartial: false,
      lookAgeMs: undefined,
      lastReport: undefined,
      hasExited: false,
      isTurnOver: false,
      isServer: false,
      isWritten: false,
      hasLeft: false,
      turn: turnOfOperation(owner),
      // A request is no process of its own.
      mark: texts === undefined ? ownerMark(active) : undefined,
    }
    const reason = this.#notComparedReason()
    if (reason !== undefined) {
      this.#records.started(child)
      this.#records.notCompared(child, reason)
      return undefined
    }
    this.#children.set(child.id, child)
    runIn(ROOT_CONTEXT, () => {
      this.#workspace.start()
      this.#appChanges.report()
      const isKnown = this.#workspace.open(child.id, child.startedAt, this.#reportsOf(owner))
      if (!isKnown) this.#appChanges.reportNamed(command)
    })
    const { turn } = child
    const turnEnded = (): void => void quietly('compare', () => this.#turnEnded(child))
    turn?.whenEnded(turnEnded)
    if (turn?.span === undefined) turn?.whenTurn(() => undefined, turnEnded)
    return child
  }

  /** Only the main thread has an index of the workspace, and knows what the other children do. */
  #notComparedReason(): NotComparedReason | undefined {
    if (!isMainThread) return 'worker_thread'
    return this.#children.size >= childrenMax ? 'children_limit' : undefined
  }

  /** Children with the preload record themselves, and report it there. */
  #reportsOf(owner: ChildOwner): string | undefined {
    const traceId = owner.parent?.spanContext().traceId
    return traceId && reportsOf(this.#options.spoolDirectory, traceId)
  }

  /** The turn waits for a person. */
  turnPaused(turn: Candidate): void {
    for (const child of this.#children.values()) {
      if (child.turn === turn) this.#turnEnded(child)
    }
  }

  /** Its turn has ended. What the child does from now on is hardly that turn's doing. */
  #turnEnded(child: OpenChild): void {
    if (!this.#children.has(child.id)) return
    child.isTurnOver = true
    if (child.endedAt !== undefined) {
      if (child.hasLeft) this.#outlivesTurn(child)
    } else if (child.hasExited) this.#end(child)
    else {
      if (child.isWritten) this.#isAsked(child)
      this.#outlivesTurn(child)
    }
  }

  #outlivesTurn(child: OpenChild): void {
    this.#options.after(backgroundMsMax, () => this.#giveUp(child))
    this.#workspace.compare(child.id, undefined, { livesOn: true })
    this.#workspace.weaken(child.id, { isTurnOver: true })
  }

  /** Its output is usually closed at once; the workspace is not looked at twice for that. */
  #exited(child: OpenChild): void {
    const compare = (): void => {
      if (child.endedAt !== undefined || !this.#children.has(child.id)) return
      this.#workspace.compare(child.id, undefined)
      this.#workspace.weaken(child.id, { hasExited: true })
    }
    this.#options.after(closesWithinMs, compare)
  }

  /** A server that an agent has started may live for days. */
  #giveUp(child: OpenChild): void {
    if (!this.#children.has(child.id)) return
    this.#workspace.forget(child.id)
    this.#records.notCompared(child, 'outlived_turn')
  }

  /** Nothing ran. */
  #abandon(child: OpenChild): void {
    this.#children.delete(child.id)
    this.#workspace.forget(child.id)
  }

  #end(child: OpenChild): void {
    if (child.endedAt !== undefined || !this.#children.has(child.id)) return
    child.endedAt = this.#options.now()
    this.#ended.add({ startedAt: child.startedAt, endedAt: child.endedAt })
    const { mark, pid } = child
    if (this.#workspace.isRunning) this.#workspace.compare(child.id, child.endedAt, { mark, pid })
    else this.#records.notCompared(child, 'comparison_failed')
  }

  #compared({ id, hasEnded, lookAgeMs }: ComparedChild, report: ComparisonReport): void {
    if (hasEnded && this.#native.has(id)) {
      this.#records.afterChanges(() => this.#native.delete(id))
    }
    const child = this.#children.get(id)
    if (child === undefined) return
    child.lastReport = report
    child.filesNotRecorded += report.filesNotRecorded
    child.changedByOthers += report.changedByOthers
    child.isPartial ||= report.isPartial || lookAgeMs === undefined
    child.lookAgeMs = lookAgeMs
    if (hasEnded) this.#records.compared(child, report)
    else if (child.endedAt !== undefined && !child.hasLeft) {
      child.hasLeft = true
      if (child.isTurnOver) this.#outlivesTurn(child)
    }
  }
}

function describeExit(child: Child, { code, signal }: ChildOutcome): void {
  if (typeof code === 'number') child.exitCode = code
  if (typeof signal === 'string') child.signal = signal
}
