/**
 * Operations through descriptors, `FileHandle`s and streams: what is opened for writing inside a turn is followed from its
 * open to its close, also while only a child process has it open.
 */
import { errorName } from '@turnlog/conventions/plain'
import type { Candidate } from '../record/candidate.ts'
import { contexts } from '../record/contexts.ts'
import { type FileOperationOwner, ownerOfFiles, turnOfOperation } from './file-record.ts'
import { type OpenFile, writingFlags } from './open-files.ts'
import {
  descriptorOf,
  type OperationTracker,
  type PendingOperation,
  pathOf,
} from './operation-tracker.ts'
import type { Writer } from './writer.ts'

export class DescriptorOperations {
  readonly #tracker: OperationTracker
  /** Files that are closed in this process and open in a child process. */
  readonly #handed = new Set<OpenFile>()

  constructor(tracker: OperationTracker) {
    this.#tracker = tracker
    tracker.onTurnEnd((turn) => this.endAll(turn.turn))
  }

  /** The host calls `open`. A file that is opened for writing is followed. */
  open(given: unknown, flags: unknown): PendingOperation | undefined {
    const writing = writingFlags(flags)
    const absolute = writing === undefined ? undefined : pathOf(given)
    if (writing === undefined || absolute === undefined) return undefined
    const active = contexts.active()
    const location = this.#tracker.files.locate(absolute, { isLink: false })
    const owner = ownerOfFiles(active, location.names)
    if (
      owner === undefined
        ? location.isIgnored
        : this.#tracker.leavesOut({ location, owner, active })
    )
      return undefined
    const file: OpenFile = {
      location,
      owner,
      active,
      writer: undefined,
      isIncomplete: false,
      isSeen: false,
      children: 0,
    }
    const changes =
      writing.isTruncated || (writing.isCreated && !this.#tracker.files.exists(location.absolute))
    const writer = changes && owner !== undefined ? this.#writerOf(file, owner) : undefined
    if (writer !== undefined) {
      this.#tracker.paths.enter(location.absolute, writer)
      writer.record?.journalStart()
    }
    const unrecorded =
      changes && owner === undefined
        ? this.#tracker.countedOutside(
            this.#tracker.unrecorded(location.absolute),
            location.absolute,
          )
        : undefined
    return {
      succeed: (result) => {
        unrecorded?.succeed()
        const descriptor = descriptorOf(result)
        if (descriptor !== undefined) this.#follow(descriptor, file)
        file.isIncomplete = writer !== undefined && descriptor !== undefined && writing.isTruncated
        if (writer !== undefined && !file.isIncomplete)
          this.#tracker.paths.leave(location.absolute, writer)
      },
      fail: (cause) => {
        unrecorded?.fail(cause)
        if (writer === undefined) return
        Object.assign(writer, { isDone: true, error: errorName(cause) })
        this.#tracker.paths.leave(location.absolute, writer)
      },
    }
  }

  /** The file of a descriptor is written or truncated. */
  write(descriptor: number): PendingOperation | undefined {
    const file = this.#tracker.open.get(descriptor)
    if (file?.location === undefined) return undefined
    const active = contexts.active()
    const owner = ownerOfFiles(active) ?? file.owner
    const { absolute } = file.location
    if (file.owner === undefined) {
      if (owner !== undefined) {
        this.#tracker.leftOut.count(owner, file.location, active, 'opened_before')
      }
      const { isSeen } = file
      file.isSeen = true
      const pending = this.#tracker.unrecordedThrough(descriptor, absolute, { isSeen })
      return owner === undefined ? this.#tracker.countedOutside(pending, absolute) : pending
    }
    const isNew = file.writer === undefined
    const writer = file.writer ?? this.#writerOf(file, owner ?? file.owner)
    this.#tracker.paths.enter(absolute, writer)
    if (isNew) writer.record?.journalStart()
    return {
      succeed: () => this.#tracker.paths.leave(absolute, writer),
      fail: (cause) => {
        writer.error = errorName(cause)
        this.#tracker.paths.leave(absolute, writer)
      },
    }
  }

  /** A descriptor, or a `FileHandle`, is about to be closed. */
  close(given: unknown): void {
    const descriptor = descriptorOf(given)
    const file = descriptor === undefined ? undefined : this.#tracker.open.take(descriptor)
    if (file?.writer === undefined) return
    if (file.children > 0) this.#handed.add(file)
    else this.#finish(file, file.writer)
  }

  /** A child process gets a descriptor. The returned function is called when it has exited. */
  handOver(given: unknown): (() => void) | undefined {
    const descriptor = descriptorOf(given)
    const file = descriptor === undefined ? undefined : this.#tracker.open.get(descriptor)
    if (file?.location === undefined || file.owner === undefined) return undefined
    if (!file.isIncomplete) {
      this.#tracker.paths.enter(
        file.location.absolute,
        file.writer ?? this.#writerOf(file, file.owner),
      )
      file.isIncomplete = true
    }
    file.children += 1
    return () => {
      file.children -= 1
      if (file.children > 0 || file.writer === undefined) return
      if (this.#handed.delete(file)) this.#finish(file, file.writer)
    }
  }

  /** A run of writes through a descriptor begins. */
  #writerOf(file: OpenFile, owner: FileOperationOwner): Writer {
    const { location, active } = file
    if (location === undefined) throw new Error('The file has no name any more.')
    const wasAbsent = !this.#tracker.files.exists(location.absolute)
    const record = this.#tracker.record({ kind: 'write', location, owner, active })
    const writer: Writer = {
      record,
      intent: undefined,
      isDone: false,
      isIdle: true,
      onSettled: (isRecorded) => {
        if (file.writer === writer) file.writer = undefined
        if (isRecorded) this.#tracker.end(record, wasAbsent)
      },
    }
    file.writer = writer
    return writer
  }

  #follow(descriptor: number, file: OpenFile): void {
    this.#tracker.open.add(descriptor, file)
    this.#tracker.watch(file)
  }

  /** Records open files as they are now: those of a turn that ends, or all. */
  endAll(turn?: Candidate): void {
    for (const file of [...this.#tracker.open.all(), ...this.#handed]) {
      if (file.writer === undefined) continue
      if (turn !== undefined && turnOfOperation(file) !== turn) continue
      file.writer.record?.markOpen()
      this.#handed.delete(file)
      this.#finish(file, file.writer)
    }
  }

  #finish(file: OpenFile, writer: Writer): void {
    if (file.location === undefined) return
    writer.isDone = true
    this.complete(file)
    this.#tracker.paths.finish(file.location.absolute, writer)
  }

  /** The host has written what it wanted to write through the descriptor, up to now. */
  complete(file: OpenFile): void {
    if (!file.isIncomplete || file.location === undefined || file.writer === undefined) return
    file.isIncomplete = false
    this.#tracker.paths.leave(file.location.absolute, file.writer)
  }

  /** The name of a file changes, so its content is complete, even if it is still open. */
  completeAt(absolute: string): void {
    if (this.#tracker.open.size === 0) return
    for (const file of this.#tracker.open.at(absolute)) this.complete(file)
  }
}
