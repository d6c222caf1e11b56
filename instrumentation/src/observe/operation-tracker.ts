/**
 * What all file operations of this thread share: where they are and whose, the call that makes one, its record, and the
 * states of the paths. The calls themselves are in `file-operations.ts`, `descriptor-operations.ts` and `folder-operations.ts`.
 */
import { isUtf8 } from 'node:buffer'
import * as path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Context } from '@opentelemetry/api'
import { errorName } from '@turnlog/conventions/plain'
import type { Candidate } from '../record/candidate.ts'
import { contexts, hasOwnContext, isKnownByName } from '../record/contexts.ts'
import type { After } from '../record/delayed-ends.ts'
import type { Recorder } from '../record/recorder.ts'
import type { ToolCall } from '../record/tool-call.ts'
import type { UnseenWork } from '../record/unseen-work.ts'
import {
  type FileOperationKind,
  type FileOperationOwner,
  FileRecord,
  type FileSpanFacts,
  ownerOfFiles,
  turnOfOperation,
} from './file-record.ts'
import type { FileContent, FileLocation, HostFiles } from './host-files.ts'
import { LeftOut, type LeftOutReason } from './left-out.ts'
import { OpenFiles } from './open-files.ts'
import { type OwnChanges, PathStates } from './path-states.ts'
import { UnrecordedChanges } from './unrecorded-changes.ts'
import { UnseenChanges } from './unseen-changes.ts'
import type { Intent, Writer } from './writer.ts'
import { YoungFiles } from './young-files.ts'

/** Of a larger file that the app changes outside any turn, while a child process runs, the content before is not read. */
const unrecordedBytesMax = 1024 ** 2

/** A call that has not returned. */
export interface PendingOperation {
  /** `result` is what the call gave the host. */
  succeed(result?: unknown): void
  fail(cause: unknown): void
  /** The call goes on after the host's current JavaScript turn. */
  goesOn?(): void
  /** The paths that it records: calls inside it that change others are observed. `undefined`: none is. */
  readonly captured?: ReadonlySet<string> | undefined
}

export interface FileOperationsOptions {
  readonly recorder: Recorder
  readonly files: HostFiles
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Calls back later, or at the exit of the process. */
  readonly delayedEnd: After
  readonly changes: OwnChanges
  readonly unseen: UnseenWork
}

export interface Place {
  readonly location: FileLocation
  readonly owner: FileOperationOwner
  readonly active: Context
}

export interface Begun extends Place {
  readonly kind: FileOperationKind
  readonly previous?: FileLocation | undefined
  readonly startedAt?: number | undefined
  readonly openCalls?: readonly ToolCall[] | undefined
}

export class OperationTracker {
  readonly files: HostFiles
  readonly now: () => number
  readonly paths: PathStates
  readonly young: YoungFiles
  readonly open = new OpenFiles()
  readonly leftOut: LeftOut
  readonly #unseen: UnseenChanges
  readonly #recorder: Recorder
  readonly #changes: UnrecordedChanges
  readonly #watchedTurns = new WeakSet<Candidate>()
  /** Files of folders that are being changed while a child runs. */
  readonly #inFolders = new Set<string>()
  readonly #onTurnEnd: ((turn: Candidate) => void)[] = []
  #captured: ReadonlySet<string> | undefined

  constructor({ recorder, files, now, delayedEnd, changes, unseen }: FileOperationsOptions) {
    this.files = files
    this.#unseen = new UnseenChanges(unseen, files)
    this.leftOut = new LeftOut(this.#unseen)
    this.now = now
    this.#changes = new UnrecordedChanges(changes)
    this.paths = new PathStates(files, this.#changes)
    this.young = new YoungFiles(delayedEnd)
    this.#recorder = recorder
  }

  /** Begins a call inside one that records the `captured` paths itself. */
  within<Result>(captured: ReadonlySet<string>, begin: () => Result): Result {
    this.#captured = captured
    try {
      return begin()
    } finally {
      this.#captured = undefined
    }
  }

  /** Where an operation on a path is, and whose; `undefined` when it is not recorded. */
  place(given: unknown, { isLink = false } = {}): Place | undefined {
    const active = contexts.active()
    const owner = ownerOfFiles(active) ?? this.#ownerNaming(given, active)
    const absolute = owner === undefined ? undefined : pathOf(given)
    if (owner === undefined) return undefined
    if (absolute === undefined) {
      if (given instanceof Uint8Array) {
        this.leftOut.count(owner, { names: [], absolute: '' }, active, 'name_not_utf8')
      }
      return undefined
    }
    const location = this.files.locate(absolute, { isLink })
    if (this.#captured?.has(location.absolute) === true) return undefined
    const place = { location, owner, active }
    return this.leavesOut(place) ? undefined : place
  }

  /** Whether what happens there is not recorded; then it is counted. */
  leavesOut(place: Place): boolean {
    const reason = reasonToLeaveOut(place)
    if (reason !== undefined) this.leftOut.count(place.owner, place.location, place.active, reason)
    return reason !== undefined
  }

  /** Of the turns that the context's code may work for, the one that has named the path. */
  #ownerNaming(given: unknown, active: Context): FileOperationOwner | undefined {
    if (!isKnownByName(active)) return undefined
    const absolute = pathOf(given)
    if (absolute === undefined) return undefined
    return ownerOfFiles(active, this.files.locate(absolute, { isLink: true }).names)
  }

  /** The record of an operation that begins. */
  record(begun: Begun): FileRecord {
    this.watch(begun)
    return new FileRecord(
      { ...begun, source: 'fs' },
      { recorder: this.#recorder, files: this.files, now: this.now },
    )
  }

  /** A call that changes one path. */
  track(begun: Begun, intent?: Intent): PendingOperation {
    const { absolute } = begun.location
    const record = this.record(begun)
    const writer: Writer = {
      record,
      intent,
      isDone: false,
      onSettled: (isRecorded) => {
        if (isRecorded) this.end(record, wasAbsent)
      },
    }
    this.paths.enter(absolute, writer, { isLink: begun.kind === 'delete' })
    const wasAbsent = this.paths.creates(absolute, writer)
    const leave = (error?: string): void => {
      Object.assign(writer, { isDone: true, error })
      this.paths.leave(absolute, writer)
    }
    return {
      // A new file that a kill cuts off has lost nothing.
      goesOn: () => {
        if (!wasAbsent) record.journalStart()
      },
      succeed: () => leave(),
      fail: (cause) => leave(errorName(cause)),
    }
  }

  /**
   * The app's own change, which is not recorded, but is no child process's either. `isSeen`: of several changes it is not the
   * first, so nothing of a child's is hidden by it.
   */
  unrecorded(absolute: string, { isSeen = false } = {}): PendingOperation | undefined {
    const changes = this.#changes
    if (!changes.isPrepared || this.paths.isInFlight(absolute)) return undefined
    const isRead = changes.isWatching && !isSeen
    const leave = changes.begin(absolute, isRead ? this.#smallAt(absolute) : undefined)
    return { succeed: leave, fail: leave }
  }

  /** The same, through a descriptor. If its file is not at the path any more, what is there now is another's. */
  unrecordedThrough(
    descriptor: number,
    absolute: string,
    { isSeen }: { readonly isSeen: boolean },
  ): PendingOperation | undefined {
    const isElsewhere = this.#changes.isWatching && !this.files.isOpenAs(descriptor, absolute)
    return isElsewhere ? undefined : this.unrecorded(absolute, { isSeen })
  }

  /** The same, of path arguments. While no child runs, links are resolved when one starts. */
  unrecordedAt(...given: readonly unknown[]): PendingOperation | undefined {
    const changes = this.#changes
    if (!changes.isPrepared) return undefined
    const paths = given.flatMap((each) => pathOf(each) ?? [])
    const pending = paths.flatMap((each) => {
      const at = changes.isWatching ? this.files.locate(each, { isLink: false }).absolute : each
      return this.unrecorded(at) ?? []
    })
    const leave = (): void => {
      for (const each of pending) each.succeed()
    }
    return { succeed: leave, fail: leave }
  }

  /** A change of one of these paths, which is not recorded. Outside of any turn it is counted, if it succeeds. */
  notRecorded(...given: readonly unknown[]): PendingOperation | undefined {
    const pending = this.unrecordedAt(...given)
    if (!this.#unseen.areOutsideCounted || ownerOfFiles(contexts.active()) !== undefined)
      return pending
    const paths = given.flatMap((each) => pathOf(each) ?? [])
    return this.countedOutside(pending, ...paths)
  }

  /** The same operation; if it succeeds, it has changed these paths outside of any turn. */
  countedOutside(
    pending: PendingOperation | undefined,
    ...absolute: readonly string[]
  ): PendingOperation | undefined {
    if (!this.#unseen.areOutsideCounted) return pending
    return {
      succeed: (result) => {
        pending?.succeed(result)
        for (const each of absolute) this.#unseen.changed(each, 'outside_turn')
      },
      fail: (cause) => pending?.fail(cause),
    }
  }

  /** The app is about to change files below the folders. The returned function is called when it has. */
  changesBelow(...folders: readonly string[]): () => void {
    const changes = this.#changes
    for (const folder of folders) changes.writing(folder)
    return () => {
      for (const folder of folders) changes.changed(folder)
    }
  }

  /** A file of a folder: `before` is what it held before the app's call; nothing is there if the app has removed it. */
  changesInFolder(absolute: string, before?: FileContent): void {
    if (!this.#changes.isWatching) return
    this.#inFolders.add(absolute)
    this.#changes.writing(absolute, before)
  }

  /** The child may have ended meanwhile. */
  changedInFolder(absolute: string): void {
    const isBegun = this.#inFolders.delete(absolute)
    if (isBegun || this.#changes.isWatching) this.#changes.changed(absolute)
  }

  /** A file that was renamed with its folder still is as it was before, also if a child process had changed it. */
  renamedInFolder(from: string, to: string): void {
    if (!this.#changes.isWatching) return
    this.#changes.writing(from, this.#smallAt(to))
    this.#changes.changed(from)
  }

  /** What a child process may have left there. */
  #smallAt(absolute: string): FileContent {
    return this.files.read(absolute, { bytesMax: unrecordedBytesMax })
  }

  /** While the call is in flight, no look at the path counts. `before`: what the path held, if it was read; else it is read now. */
  block(absolute: string, before?: FileContent): { leave(): void } {
    const found = before ?? (this.#changes.isWatching ? this.#smallAt(absolute) : undefined)
    const writer: Writer = {
      record: undefined,
      intent: undefined,
      isDone: false,
      onSettled: () => undefined,
    }
    this.paths.enter(absolute, writer, { found })
    return {
      leave: () => {
        writer.isDone = true
        this.paths.leave(absolute, writer)
      },
    }
  }

  /** An operation whose states are noted is over. */
  end(record: FileRecord, wasAbsent: boolean): void {
    const { kind, owner, location } = record.facts
    const { absolute } = location
    const { young } = this
    if (kind === 'delete') {
      young.record(absolute)
      owner?.createdFiles.delete(absolute)
      this.open.move(absolute, undefined)
      record.end()
      return
    }
    if (wasAbsent) owner?.createdFiles.add(absolute)
    if (young.has(absolute) && !young.isOf(absolute, owner)) young.record(absolute)
    const isYoung = wasAbsent || young.has(absolute)
    if (isYoung && !record.hasBorrowed) young.add(absolute, record)
    else {
      young.record(absolute)
      record.end()
    }
  }

  /** Calls back when a turn ends that has file operations. */
  onTurnEnd(step: (turn: Candidate) => void): void {
    this.#onTurnEnd.push(step)
  }

  watch({ owner, active }: Pick<FileSpanFacts, 'owner' | 'active'>): void {
    const turn = turnOfOperation({ owner, active })
    if (turn === undefined || this.#watchedTurns.has(turn)) return
    this.#watchedTurns.add(turn)
    turn.whenEnded(() => {
      for (const step of this.#onTurnEnd) step(turn)
      this.young.recordAll({ owner: turn })
    })
  }
}

/** Node's path arguments: a string, bytes, or a file URL. A name that is not UTF-8 is not followed. */
export function pathOf(value: unknown): string | undefined {
  if (typeof value === 'string') return path.resolve(value)
  if (value instanceof URL) return fileURLToPath(value)
  if (!(value instanceof Uint8Array) || !isUtf8(value)) return undefined
  return path.resolve(Buffer.from(value).toString())
}

/** A descriptor, or that of a `FileHandle`. */
export function descriptorOf(value: unknown): number | undefined {
  const given =
    typeof value === 'object' && value !== null && 'fd' in value && !(value instanceof Uint8Array)
      ? value.fd
      : value
  return typeof given === 'number' && given >= 0 ? given : undefined
}

/** Without a request's context, what an agent keeps of itself outside the workspace is no work of its turn. */
export function reasonToLeaveOut({ location, owner, active }: Place): LeftOutReason | undefined {
  const { isIgnored, isOutside, names } = location
  if (isIgnored) return 'ignored'
  if (!isOutside || !('whenTurn' in owner) || hasOwnContext(active)) return undefined
  const isNamed = [...owner.openTools.values()].some((call) =>
    names.some((name) => call.arguments.names(name)),
  )
  return isNamed ? undefined : 'outside_unnamed'
}
