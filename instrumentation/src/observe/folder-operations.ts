/**
 * Calls on whole folders: each file of the folder is an operation. Before its call the host waits for at most `lookMs`. What
 * can be read after the call is read then, in slices.
 */
import * as path from 'node:path'
import { errorName } from '@turnlog/conventions/plain'
import { contexts } from '../record/contexts.ts'
import type { ToolCall } from '../record/tool-call.ts'
import type { DescriptorOperations } from './descriptor-operations.ts'
import { type FileRecord, type FileState, ownerOfFiles } from './file-record.ts'
import type { FileLocation, FileStamp } from './host-files.ts'
import {
  type OperationTracker,
  type PendingOperation,
  type Place,
  reasonToLeaveOut,
} from './operation-tracker.ts'
import { Slices } from './slices.ts'
import type { Writer } from './writer.ts'

/** Files of one call. */
const filesMax = 10_000
/** Time for looking at files before a call. After it, contents of further files are not recorded. */
const lookMs = 10
/** Files that are looked at even if the machine is so busy that they take longer: a millisecond or two otherwise. */
const filesMin = 32

const notInTime: FileState = { state: 'omitted', reason: 'time_limit' }

interface Walk extends Pick<Place, 'owner' | 'active'> {
  /** The tool calls that were open when the call began. */
  readonly openCalls: readonly ToolCall[]
  readonly folder: FileLocation
  /** The file's path, relative to the folder. */
  readonly files: readonly string[]
  readonly startedAt: number
  /** The time by `performance.now()` until which files are looked at. */
  readonly until: number
}

/** A target before a folder is copied; `record`: it exists, and its content is noted there. */
interface BeforeCopy {
  readonly stamp: FileStamp
  readonly record: FileRecord | undefined
}

/** The stamp of a path that holds nothing. */
const absent: BeforeCopy = { stamp: '', record: undefined }

interface Copy extends Walk {
  readonly location: FileLocation
  readonly before: BeforeCopy
  readonly copiedAt: number
  readonly error: string | undefined
}

export class FolderOperations {
  readonly #tracker: OperationTracker
  readonly #descriptors: DescriptorOperations
  readonly #slices = new Slices()

  constructor(tracker: OperationTracker, descriptors: DescriptorOperations) {
    this.#tracker = tracker
    this.#descriptors = descriptors
  }

  /** Looks at everything that waits. */
  finish(): void {
    this.#slices.runAll()
  }

  /** The folder and all in it are removed by one synchronous call. */
  remove(folder: string): PendingOperation | undefined {
    const walk = this.#walk(folder)
    if (walk === undefined) return undefined
    const { owner, active, openCalls, startedAt } = walk
    const begin = (relative: string, before: FileState): FileRecord => {
      const location = this.#tracker.files.locateIn(walk.folder, relative)
      const record = this.#tracker.record({
        kind: 'delete',
        location,
        owner,
        active,
        openCalls,
        startedAt,
      })
      record.note('before', before)
      return record
    }
    const seen: FileRecord[] = []
    for (const [index, relative] of walk.files.entries()) {
      if (!hasTime(walk, index)) break
      const { absolute } = this.#tracker.files.locateIn(walk.folder, relative)
      const before = this.#tracker.paths.look(absolute)
      seen.push(begin(relative, before))
      this.#tracker.changesInFolder(absolute, before)
    }
    const changedBelow = this.#tracker.changesBelow(walk.folder.absolute)
    const end = (record: FileRecord, error: string | undefined): void => {
      this.#tracker.changedInFolder(record.facts.location.absolute)
      if (this.#tracker.files.exists(record.facts.location.absolute)) record.discard()
      else {
        if (error !== undefined) record.fail(error)
        this.#tracker.end(record, false)
      }
    }
    const leave = (error?: string): void => {
      const unseen = walk.files.slice(seen.length)
      this.#slices.add([
        ...seen.map((record) => () => end(record, error)),
        ...unseen.map((relative) => () => end(begin(relative, notInTime), error)),
        changedBelow,
      ])
    }
    return { succeed: () => leave(), fail: (cause) => leave(errorName(cause)) }
  }

  rename(from: FileLocation, to: FileLocation): PendingOperation | undefined {
    const { files, open } = this.#tracker
    if (this.#isLeftOutside(to)) return this.remove(from.absolute)
    const isFromOutside = this.#isLeftOutside(from)
    const walk = this.#walk(from.absolute, { mayBeOutside: true })
    if (walk === undefined) return undefined
    const changedBelow = this.#tracker.changesBelow(from.absolute, to.absolute)
    return {
      succeed: () => {
        const renamedAt = this.#tracker.now()
        open.move(from.absolute, (rest) => files.locate(to.absolute + rest, { isLink: true }))
        const renamed = walk.files.map((relative) => () => {
          const location = files.locateIn(to, relative)
          const place = { ...walk, location, isFromOutside }
          this.#renamed(place, files.locateIn(from, relative), renamedAt)
        })
        this.#slices.add([...renamed, changedBelow])
      },
      fail: changedBelow,
    }
  }

  /** The content did not change with the folder's name, so it may be read later. */
  #renamed(
    place: Place & Walk & { readonly isFromOutside: boolean },
    previous: FileLocation,
    renamedAt: number,
  ): void {
    const { location, owner, active, openCalls, startedAt, isFromOutside } = place
    const { young, paths } = this.#tracker
    this.#tracker.renamedInFolder(previous.absolute, location.absolute)
    const isYoung = young.drop(previous.absolute, owner)
    if (!isYoung && owner.createdFiles.delete(previous.absolute)) {
      owner.createdFiles.add(location.absolute)
    }
    const isNew = isYoung || isFromOutside
    const begun = { location, owner, active, openCalls, startedAt }
    const record = this.#tracker.record(
      isNew ? { ...begun, kind: 'write' } : { ...begun, kind: 'rename', previous },
    )
    if (isNew) record.note('before', { state: 'absent' })
    paths.settleLater(location.absolute, {
      record,
      intent: undefined,
      isDone: true,
      quietSince: renamedAt,
      onSettled: () => (isYoung ? young.add(location.absolute, record) : record.end()),
    })
    paths.settle(location.absolute)
  }

  copy(from: string, to: string): PendingOperation | undefined {
    const { files } = this.#tracker
    const target = files.locate(to, { isLink: false })
    if (this.#isLeftOutside(target)) {
      this.#tracker.place(to)
      return undefined
    }
    const walk = this.#walk(from, { mayBeOutside: true })
    if (walk === undefined) return undefined
    const isNew = !files.exists(target.absolute)
    const copies = walk.files.map((relative, index) => {
      const location = files.locateIn(target, relative)
      const before = isNew ? absent : this.#beforeCopy(walk, location, hasTime(walk, index))
      return { location, before }
    })
    const changedBelow = this.#tracker.changesBelow(target.absolute)
    const leave = (error?: string): void => {
      const copiedAt = this.#tracker.now()
      const copied = copies.map((copy) => () => this.#copied({ ...walk, ...copy, copiedAt, error }))
      this.#slices.add([...copied, changedBelow])
    }
    return {
      captured: new Set(copies.map(({ location }) => location.absolute)),
      succeed: () => leave(),
      fail: (cause) => leave(errorName(cause)),
    }
  }

  #beforeCopy(walk: Walk, location: FileLocation, isInTime: boolean): BeforeCopy {
    const { files, paths } = this.#tracker
    const { absolute } = location
    if (!files.exists(absolute)) return absent
    const stamp = files.stamp(absolute)
    if (!isInTime) return { stamp, record: undefined }
    const { owner, active, openCalls, startedAt } = walk
    const record = this.#tracker.record({
      kind: 'write',
      location,
      owner,
      active,
      openCalls,
      startedAt,
    })
    const before = paths.look(absolute)
    record.note('before', before)
    this.#tracker.changesInFolder(absolute, before)
    return { stamp, record }
  }

  /** Records one file of a copied folder. If a filter has left the file out, it has not changed. */
  #copied({ location, before, copiedAt, error, ...walk }: Copy): void {
    const { files, paths } = this.#tracker
    const { absolute, isIgnored } = location
    if (isIgnored || files.stamp(absolute) === before.stamp) {
      before.record?.discard()
      this.#tracker.changedInFolder(absolute)
      return
    }
    const wasAbsent = before.stamp === absent.stamp
    const { owner, active, openCalls, startedAt } = walk
    const record =
      before.record ??
      this.#tracker.record({ kind: 'write', location, owner, active, openCalls, startedAt })
    if (before.record === undefined) {
      record.note('before', wasAbsent ? { state: 'absent' } : notInTime)
    }
    const writer: Writer = {
      record,
      intent: undefined,
      isDone: true,
      quietSince: copiedAt,
      error,
      onSettled: (isRecorded) => {
        if (isRecorded) this.#tracker.end(record, wasAbsent)
      },
    }
    paths.settleLater(absolute, writer)
    paths.settle(absolute)
  }

  /** Nothing is recorded there, as it is outside the workspace and no tool call has named it. */
  #isLeftOutside(location: FileLocation): boolean {
    const active = contexts.active()
    const owner = ownerOfFiles(active)
    if (owner === undefined) return false
    return reasonToLeaveOut({ location, owner, active }) === 'outside_unnamed'
  }

  /** The files of a folder that is about to be moved, copied or removed. */
  #walk(given: string, { mayBeOutside = false } = {}): Walk | undefined {
    const active = contexts.active()
    const owner = ownerOfFiles(active)
    if (owner === undefined) return undefined
    const { files, leftOut, open, paths, now } = this.#tracker
    const folder = files.locate(given, { isLink: true })
    const mayBe = mayBeOutside && !folder.isIgnored
    if (!mayBe && this.#tracker.leavesOut({ location: folder, owner, active })) return undefined
    for (const file of open.all()) this.#descriptors.complete(file)
    paths.settleBelow(folder.absolute + path.sep)
    const until = performance.now() + lookMs
    const found = files.walk(folder.absolute, { filesMin, filesMax, until })
    if (found.isPartial) leftOut.count(owner, folder, active, 'folder_limit')
    if (found.ignored > 0) leftOut.count(owner, folder, active, 'ignored', found.ignored)
    const openCalls = [...owner.openTools.values()]
    return { folder, owner, active, openCalls, files: found.files, startedAt: now(), until }
  }
}

function hasTime({ until }: Walk, filesSeen: number): boolean {
  return filesSeen < filesMin || performance.now() <= until
}
