/**
 * The file operations that the host makes through `node:fs`: for each call, the operation or the operations it is, what is
 * looked at before it, and what when it has returned.
 */
import { isUtf8 } from 'node:buffer'
import * as path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Context } from '@opentelemetry/api'
import { errorName } from '@turnlog/conventions/plain'
import { candidateOf, contexts } from '../record/contexts.ts'
import type { After } from '../record/delayed-ends.ts'
import type { Recorder } from '../record/recorder.ts'
import type { Candidate } from '../record/turn.ts'
import {
  type FileOperationKind,
  type FileOperationOwner,
  FileRecord,
  type FileRecordOptions,
  ownerOfFiles,
} from './file-record.ts'
import type { FileLocation, HostFiles } from './host-files.ts'
import { LeftOut } from './left-out.ts'
import { type OpenFile, OpenFiles, writingFlags } from './open-files.ts'
import { type Intent, type OwnChanges, PathStates, type Writer } from './path-states.ts'
import { Slices } from './slices.ts'
import { YoungFiles } from './young-files.ts'

/** Files of one call that moves, copies or removes a folder. */
const folderFilesMax = 10_000
/** For looking at the files of a folder before a call; then contents are left out. */
const folderLookMs = 10

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
  readonly now: () => number
  /** Calls back later, or at the exit of the process. */
  readonly delayedEnd: After
  readonly changes: OwnChanges
}

interface Place {
  readonly location: FileLocation
  readonly owner: FileOperationOwner
  readonly active: Context
}

interface Begun extends Place {
  readonly kind: FileOperationKind
  readonly previous?: FileLocation | undefined
  readonly intent?: Intent | undefined
}

export class FileOperations {
  readonly #recordOptions: FileRecordOptions
  readonly #files: HostFiles
  readonly #paths: PathStates
  readonly #changes: OwnChanges
  readonly #young: YoungFiles
  readonly #open = new OpenFiles()
  /** Closed here, and open in a child process. */
  readonly #handed = new Set<OpenFile>()
  readonly #leftOut = new LeftOut()
  readonly #slices = new Slices()
  readonly #watchedTurns = new WeakSet<Candidate>()
  #captured: ReadonlySet<string> | undefined

  constructor({ recorder, files, now, delayedEnd, changes }: FileOperationsOptions) {
    this.#recordOptions = { recorder, files, now }
    this.#files = files
    this.#paths = new PathStates(files, changes)
    this.#changes = changes
    this.#young = new YoungFiles(delayedEnd)
  }

  /** `given` is written, or created. A descriptor or `FileHandle` stands for its file. */
  write(given: unknown, intent?: Intent): PendingOperation | undefined {
    const descriptor = descriptorOf(given)
    if (descriptor !== undefined) return this.#writeDescriptor(descriptor)
    const place = this.#place(given)
    if (place !== undefined) return this.#track({ ...place, kind: 'write', intent })
    const absolute = this.#changes.isWatching ? pathOf(given) : undefined
    if (absolute === undefined) return undefined
    return this.#unrecorded(this.#files.locate(absolute, { isLink: false }))
  }

  /** A new name for a file. */
  link(given: unknown): PendingOperation | undefined {
    const place = this.#place(given, { isLink: true })
    return place && this.#track({ ...place, kind: 'write' })
  }

  remove(given: unknown): PendingOperation | undefined {
    const place = this.#place(given, { isLink: true })
    if (place !== undefined) this.#completeAt(place.location.absolute)
    return place && this.#track({ ...place, kind: 'delete', intent: { makes: 'nothing' } })
  }

  /** `rm`. The asynchronous forms remove the files of a folder one by one, through calls that are observed. */
  removeAll(given: unknown, { isSync }: { isSync: boolean }): PendingOperation | undefined {
    const absolute = this.#outerPath(given)
    if (absolute === undefined || !this.#files.isFolder(absolute)) return this.remove(given)
    return isSync ? this.#removeFolder(absolute) : undefined
  }

  /** `cp`. A single file is copied through a call that is observed. */
  copyAll(from: unknown, to: unknown): PendingOperation | undefined {
    const source = this.#outerPath(from)
    const target = this.#outerPath(to)
    if (source === undefined || target === undefined || !this.#files.isFolder(source))
      return undefined
    return this.#copyFolder(source, target)
  }

  rename(from: unknown, to: unknown): PendingOperation | undefined {
    const owner = ownerOfFiles(contexts.active())
    const source = pathOf(from)
    const target = pathOf(to)
    if (owner === undefined || source === undefined || target === undefined) return undefined
    const previous = this.#files.locate(source, { isLink: true })
    const location = this.#files.locate(target, { isLink: true })
    // A file renamed to its own name stays as it is.
    if (previous.absolute === location.absolute) return undefined
    if (this.#files.isFolder(previous.absolute))
      return this.#renameFolder(previous, location, owner)
    if (location.isIgnored) return this.remove(from)
    if (previous.isIgnored) return this.link(to)
    const active = contexts.active()
    this.#completeAt(previous.absolute)
    this.#completeAt(location.absolute)
    return this.#isSave(previous, location, owner)
      ? this.#save({ location, owner, active }, previous)
      : this.#renameFile({ location, owner, active }, previous)
  }

  /** `open`; a file that is opened for writing is followed. */
  openFile(given: unknown, flags: unknown): PendingOperation | undefined {
    const writing = writingFlags(flags)
    const absolute = writing === undefined ? undefined : pathOf(given)
    if (writing === undefined || absolute === undefined) return undefined
    const active = contexts.active()
    const owner = ownerOfFiles(active)
    const location = this.#files.locate(absolute, { isLink: false })
    if (location.isIgnored) {
      if (owner !== undefined) this.#leftOut.count(owner, location, active, 'ignored')
      return undefined
    }
    const file: OpenFile = {
      location,
      owner,
      active,
      writer: undefined,
      isIncomplete: false,
      children: 0,
    }
    const changes =
      writing.isTruncated || (writing.isCreated && !this.#files.exists(location.absolute))
    const writer = changes && owner !== undefined ? this.#writerOf(file, owner) : undefined
    if (writer !== undefined) {
      this.#paths.enter(location.absolute, writer)
      writer.record?.journalStart()
    }
    return {
      succeed: (result) => {
        const descriptor = descriptorOf(result)
        if (descriptor !== undefined) this.#follow(descriptor, file)
        file.isIncomplete = writer !== undefined && descriptor !== undefined && writing.isTruncated
        if (writer !== undefined && !file.isIncomplete) this.#paths.leave(location.absolute, writer)
      },
      fail: (cause) => {
        if (writer === undefined) return
        Object.assign(writer, { isDone: true, error: errorName(cause) })
        this.#paths.leave(location.absolute, writer)
      },
    }
  }

  /** A descriptor, or a `FileHandle`, is about to be closed. */
  closeFile(given: unknown): void {
    const descriptor = descriptorOf(given)
    const file = descriptor === undefined ? undefined : this.#open.take(descriptor)
    if (file?.writer === undefined) return
    if (file.children > 0) this.#handed.add(file)
    else this.#finish(file, file.writer)
  }

  /** A child process gets a descriptor. The returned function is called when it has exited. */
  handOver(given: unknown): (() => void) | undefined {
    const descriptor = descriptorOf(given)
    const file = descriptor === undefined ? undefined : this.#open.get(descriptor)
    if (file?.location === undefined || file.owner === undefined) return undefined
    if (!file.isIncomplete) {
      this.#paths.enter(file.location.absolute, file.writer ?? this.#writerOf(file, file.owner))
      file.isIncomplete = true
    }
    file.children += 1
    return () => {
      file.children -= 1
      if (file.children > 0 || file.writer === undefined) return
      if (this.#handed.delete(file)) this.#finish(file, file.writer)
    }
  }

  /** Begins a call inside one that is responsible for the `captured` paths. */
  within<Result>(captured: ReadonlySet<string>, begin: () => Result): Result {
    this.#captured = captured
    try {
      return begin()
    } finally {
      this.#captured = undefined
    }
  }

  /** Records what waits. Files that are named like temporary ones may wait on. */
  refresh(): void {
    this.#slices.runAll()
    this.#young.recordAll({ mayWait: true })
  }

  /** The process ends: everything is recorded as it is now. */
  finish(): void {
    this.#slices.runAll()
    this.#endOpenFiles()
    this.#paths.endEverything()
    this.#young.recordAll()
  }

  /** The file of a descriptor is written or truncated. */
  #writeDescriptor(descriptor: number): PendingOperation | undefined {
    const file = this.#open.get(descriptor)
    if (file?.location === undefined) return undefined
    const active = contexts.active()
    const owner = ownerOfFiles(active) ?? file.owner
    if (owner === undefined) return this.#unrecorded(file.location)
    if (file.owner === undefined) {
      this.#leftOut.count(owner, file.location, active, 'opened_before')
      return this.#unrecorded(file.location)
    }
    const { absolute } = file.location
    const isNew = file.writer === undefined
    const writer = file.writer ?? this.#writerOf(file, owner)
    this.#paths.enter(absolute, writer)
    if (isNew) writer.record?.journalStart()
    return {
      succeed: () => this.#paths.leave(absolute, writer),
      fail: (cause) => {
        writer.error = errorName(cause)
        this.#paths.leave(absolute, writer)
      },
    }
  }

  /** The app's own change, which is not recorded, but is no child process's either. */
  #unrecorded({ absolute }: FileLocation): PendingOperation | undefined {
    const changes = this.#changes
    if (!changes.isWatching) return undefined
    changes.writing(absolute)
    const leave = (): void => changes.changed(absolute)
    return { succeed: leave, fail: leave }
  }

  #outerPath(given: unknown): string | undefined {
    return ownerOfFiles(contexts.active()) === undefined ? undefined : pathOf(given)
  }

  /** Where the operation is, and whose; `undefined` when it is not recorded. */
  #place(given: unknown, { isLink = false } = {}): Place | undefined {
    const active = contexts.active()
    const owner = ownerOfFiles(active)
    const absolute = owner === undefined ? undefined : pathOf(given)
    if (owner === undefined || absolute === undefined) return undefined
    const location = this.#files.locate(absolute, { isLink })
    if (this.#captured?.has(location.absolute) === true) return undefined
    if (location.isIgnored) {
      this.#leftOut.count(owner, location, active, 'ignored')
      return undefined
    }
    return { location, owner, active }
  }

  #record({ kind, location, previous, owner, active }: Begun): FileRecord {
    this.#watch(active)
    const facts = { kind, source: 'fs', location, previous, owner, active } as const
    return new FileRecord(facts, this.#recordOptions)
  }

  /** A call that changes one path. */
  #track(begun: Begun): PendingOperation {
    const { absolute } = begun.location
    const isLink = begun.kind === 'delete'
    const record = this.#record(begun)
    const writer: Writer = {
      record,
      intent: begun.intent,
      isDone: false,
      onSettled: (isRecorded) => {
        if (isRecorded) this.#end(record, wasAbsent)
      },
    }
    this.#paths.enter(absolute, writer, { isLink })
    const wasAbsent = this.#paths.creates(absolute, writer)
    return {
      goesOn: () => record.journalStart(),
      succeed: () => {
        writer.isDone = true
        this.#paths.leave(absolute, writer)
      },
      fail: (cause) => {
        Object.assign(writer, { isDone: true, error: errorName(cause) })
        this.#paths.leave(absolute, writer)
      },
    }
  }

  /** A new run of writes through a descriptor. */
  #writerOf(file: OpenFile, owner: FileOperationOwner): Writer {
    const { location, active } = file
    if (location === undefined) throw new Error('The file has no name any more.')
    const wasAbsent = !this.#files.exists(location.absolute)
    const record = this.#record({ kind: 'write', location, owner, active })
    const writer: Writer = {
      record,
      intent: undefined,
      isDone: false,
      isIdle: true,
      onSettled: (isRecorded) => {
        if (file.writer === writer) file.writer = undefined
        if (isRecorded) this.#end(record, wasAbsent)
      },
    }
    file.writer = writer
    return writer
  }

  /** An operation whose states are noted is over. */
  #end(record: FileRecord, wasAbsent: boolean): void {
    const { kind, owner, location } = record.facts
    const { absolute } = location
    if (kind === 'delete') {
      this.#young.record(absolute)
      owner?.createdFiles.delete(absolute)
      this.#open.move(absolute, undefined)
      record.end()
      return
    }
    if (wasAbsent) owner?.createdFiles.add(absolute)
    if (this.#young.has(absolute) && !this.#young.isOf(absolute, owner))
      this.#young.record(absolute)
    const isYoung = wasAbsent || this.#young.has(absolute)
    if (isYoung && !record.hasBorrowed) this.#young.add(absolute, record)
    else {
      this.#young.record(absolute)
      record.end()
    }
  }

  /** A file that the same owner has just created, or that it created before and now renames over another. */
  #isSave(from: FileLocation, to: FileLocation, owner: FileOperationOwner): boolean {
    this.#paths.settle(from.absolute)
    const isYoung = this.#young.isOf(from.absolute, owner)
    if (!this.#files.exists(to.absolute)) {
      return isYoung && this.#young.isTemporaryOf(from.absolute, to.absolute)
    }
    return (isYoung || owner.createdFiles.has(from.absolute)) && this.#files.isFile(to.absolute)
  }

  /** The renamed file's content is the new content of its target; the temporary name leaves no operation. */
  #save(place: Place, from: FileLocation): PendingOperation {
    const source = this.#block(from.absolute)
    const target = this.#track({ ...place, kind: 'write' })
    return {
      ...target,
      succeed: () => {
        source.leave()
        this.#young.drop(from.absolute, place.owner)
        place.owner.createdFiles.delete(from.absolute)
        this.#open.move(from.absolute, () => place.location)
        target.succeed()
      },
      fail: (cause) => {
        source.leave()
        target.fail(cause)
      },
    }
  }

  #renameFile(place: Place, previous: FileLocation): PendingOperation {
    const { location, owner } = place
    const record = this.#record({ ...place, kind: 'rename', previous })
    record.note('before', this.#paths.look(previous.absolute, { isLink: true }))
    const overwritten = this.#paths.look(location.absolute, { isLink: true })
    if (overwritten.state !== 'absent') record.note('overwritten', overwritten)
    const blocked = [this.#block(previous.absolute), this.#block(location.absolute)]
    return {
      goesOn: () => record.journalStart(),
      succeed: () => {
        for (const path of blocked) path.leave()
        this.#young.record(previous.absolute)
        this.#young.record(location.absolute)
        if (owner.createdFiles.delete(previous.absolute)) owner.createdFiles.add(location.absolute)
        this.#open.move(location.absolute, undefined)
        this.#open.move(previous.absolute, () => location)
        record.end()
      },
      fail: () => {
        for (const path of blocked) path.leave()
        record.discard()
      },
    }
  }

  /** While the call is in flight, no look at the path counts. */
  #block(absolute: string): { leave(): void } {
    const writer: Writer = {
      record: undefined,
      intent: undefined,
      isDone: false,
      onSettled: () => undefined,
    }
    this.#paths.enter(absolute, writer)
    return {
      leave: () => {
        writer.isDone = true
        this.#paths.leave(absolute, writer)
      },
    }
  }

  #removeFolder(folder: string): PendingOperation | undefined {
    const begun = this.#walk(folder)
    if (begun === undefined) return undefined
    const { owner, active, until } = begun
    const removed = begun.files.map((relative) => {
      const location = this.#files.locate(path.join(folder, relative), { isLink: true })
      const record = this.#record({ kind: 'delete', location, owner, active })
      const isInTime = performance.now() < until
      const before = isInTime ? this.#paths.look(location.absolute) : undefined
      record.note('before', before ?? { state: 'omitted', reason: 'time_limit' })
      return record
    })
    const end = (cause?: unknown): void => {
      for (const record of removed) {
        if (this.#files.exists(record.facts.location.absolute)) record.discard()
        else {
          if (cause !== undefined) record.fail(errorName(cause))
          this.#end(record, false)
        }
      }
    }
    return { succeed: () => end(), fail: end }
  }

  #renameFolder(
    from: FileLocation,
    to: FileLocation,
    owner: FileOperationOwner,
  ): PendingOperation | undefined {
    const begun = this.#walk(from.absolute)
    if (begun === undefined) return undefined
    const { active } = begun
    return {
      succeed: () => {
        const renamedAt = this.#recordOptions.now()
        this.#open.move(from.absolute, (rest) =>
          this.#files.locate(to.absolute + rest, { isLink: true }),
        )
        for (const relative of begun.files) {
          const previous = this.#files.locate(path.join(from.absolute, relative), { isLink: true })
          const location = this.#files.locate(path.join(to.absolute, relative), { isLink: true })
          const place = { location, owner, active }
          this.#renameInFolder(place, previous, renamedAt)
        }
      },
      fail: () => undefined,
    }
  }

  /** The content did not change with the folder's name, so it may be read later. */
  #renameInFolder(place: Place, previous: FileLocation, renamedAt: number): void {
    const { location, owner } = place
    const isYoung = this.#young.drop(previous.absolute, owner)
    if (!isYoung && owner.createdFiles.delete(previous.absolute)) {
      owner.createdFiles.add(location.absolute)
    }
    const record = this.#record(
      isYoung ? { ...place, kind: 'write' } : { ...place, kind: 'rename', previous },
    )
    if (isYoung) record.note('before', { state: 'absent' })
    const writer: Writer = {
      record,
      intent: undefined,
      isDone: true,
      quietSince: renamedAt,
      onSettled: () => (isYoung ? this.#young.add(location.absolute, record) : record.end()),
    }
    this.#paths.settleLater(location.absolute, writer)
    this.#slices.add(() => this.#paths.settle(location.absolute))
  }

  #copyFolder(from: string, to: string): PendingOperation | undefined {
    const begun = this.#walk(from)
    if (begun === undefined) return undefined
    const { owner, active } = begun
    const captured = new Set<string>()
    const copies = begun.files.flatMap((relative) => {
      const location = this.#files.locate(path.join(to, relative), { isLink: false })
      if (location.isIgnored) return []
      captured.add(location.absolute)
      return [this.#trackCopy({ location, owner, active })]
    })
    const end = (step: (copy: { leave(error?: string): void }) => void) => {
      for (const copy of copies) step(copy)
    }
    return {
      captured,
      succeed: () => end((copy) => copy.leave()),
      fail: (cause) => end((copy) => copy.leave(errorName(cause))),
    }
  }

  /** One file of a copied folder: the look at it waits, so that the host is not held up. */
  #trackCopy(place: Place): { leave(error?: string): void } {
    const { absolute } = place.location
    const record = this.#record({ ...place, kind: 'write' })
    const wasAbsent = !this.#files.exists(absolute)
    const writer: Writer = {
      record,
      intent: undefined,
      isDone: false,
      isIdle: true,
      onSettled: (isRecorded) => {
        if (isRecorded) this.#end(record, wasAbsent)
      },
    }
    this.#paths.enter(absolute, writer)
    return {
      leave: (error) => {
        Object.assign(writer, { isDone: true, error, quietSince: this.#recordOptions.now() })
        this.#paths.leave(absolute, writer)
        this.#slices.add(() => this.#paths.settle(absolute))
      },
    }
  }

  /** The files of a folder that is about to be moved, copied or removed. */
  #walk(folder: string) {
    const active = contexts.active()
    const owner = ownerOfFiles(active)
    if (owner === undefined) return undefined
    const location = this.#files.locate(folder, { isLink: true })
    if (location.isIgnored) {
      this.#leftOut.count(owner, location, active, 'ignored')
      return undefined
    }
    for (const file of this.#open.all()) this.#complete(file)
    this.#paths.settleBelow(location.absolute + path.sep)
    const until = performance.now() + folderLookMs
    const { files, isPartial, ignored } = this.#files.walk(location.absolute, {
      filesMax: folderFilesMax,
      until,
    })
    if (isPartial) this.#leftOut.count(owner, location, active, 'folder_limit')
    if (ignored > 0) this.#leftOut.count(owner, location, active, 'ignored', ignored)
    return { owner, active, files, until }
  }

  #follow(descriptor: number, file: OpenFile): void {
    this.#open.add(descriptor, file)
    this.#watch(file.active)
  }

  /** When the turn ends, its open files are recorded as they are. */
  #watch(active: Context): void {
    const turn = candidateOf(active)
    if (turn === undefined || this.#watchedTurns.has(turn)) return
    this.#watchedTurns.add(turn)
    turn.whenEnded(() => {
      this.#endOpenFiles(turn.turn)
      this.#young.recordAll({ owner: turn })
    })
  }

  #endOpenFiles(turn?: Candidate): void {
    for (const file of [...this.#open.all(), ...this.#handed]) {
      if (file.writer === undefined) continue
      if (turn !== undefined && candidateOf(file.active)?.turn !== turn) continue
      file.writer.record?.markOpen()
      this.#handed.delete(file)
      this.#finish(file, file.writer)
    }
  }

  #finish(file: OpenFile, writer: Writer): void {
    if (file.location === undefined) return
    writer.isDone = true
    this.#complete(file)
    this.#paths.finish(file.location.absolute, writer)
  }

  /** The host has written what it wanted to write through the descriptor, up to now. */
  #complete(file: OpenFile): void {
    if (!file.isIncomplete || file.location === undefined || file.writer === undefined) return
    file.isIncomplete = false
    this.#paths.leave(file.location.absolute, file.writer)
  }

  /** The name of a file changes, so what is in it counts, also while it is open. */
  #completeAt(absolute: string): void {
    if (this.#open.size === 0) return
    for (const file of this.#open.at(absolute)) this.#complete(file)
  }
}

/** Node's path arguments: a string, bytes, or a file URL. A name that is not UTF-8 is not followed. */
function pathOf(value: unknown): string | undefined {
  if (typeof value === 'string') return path.resolve(value)
  if (value instanceof URL) return fileURLToPath(value)
  if (!(value instanceof Uint8Array) || !isUtf8(value)) return undefined
  return path.resolve(Buffer.from(value).toString())
}

/** A descriptor, or that of a `FileHandle`. */
function descriptorOf(value: unknown): number | undefined {
  const given =
    typeof value === 'object' && value !== null && 'fd' in value && !(value instanceof Uint8Array)
      ? value.fd
      : value
  return typeof given === 'number' && given >= 0 ? given : undefined
}
