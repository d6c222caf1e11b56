/**
 * The file operations that the host makes through `node:fs`: for each call, the operation or the operations it is, what is
 * looked at before it, and what when it has returned.
 */
import { quietly } from '../health.ts'
import { contexts } from '../record/contexts.ts'
import { DescriptorOperations } from './descriptor-operations.ts'
import { type FileOperationOwner, ownerOfFiles } from './file-record.ts'
import { FolderOperations } from './folder-operations.ts'
import type { FileLocation } from './host-files.ts'
import {
  descriptorOf,
  type FileOperationsOptions,
  OperationTracker,
  type PendingOperation,
  type Place,
  pathOf,
  reasonToLeaveOut,
} from './operation-tracker.ts'
import type { Intent } from './writer.ts'

export class FileOperations {
  readonly descriptors: DescriptorOperations
  readonly #tracker: OperationTracker
  readonly #folders: FolderOperations

  constructor(options: FileOperationsOptions) {
    this.#tracker = new OperationTracker(options)
    this.descriptors = new DescriptorOperations(this.#tracker)
    this.#folders = new FolderOperations(this.#tracker, this.descriptors)
  }

  /** `given` is written, or created. A descriptor or `FileHandle` stands for its file. */
  write(given: unknown, intent?: Intent): PendingOperation | undefined {
    const descriptor = descriptorOf(given)
    if (descriptor !== undefined) return this.descriptors.write(descriptor)
    const place = this.#tracker.place(given)
    return place === undefined
      ? this.#tracker.notRecorded(given)
      : this.#tracker.track({ ...place, kind: 'write' }, intent)
  }

  /** The mode, the owner or the times of a file change, which is no operation. */
  stamp(given: unknown): PendingOperation | undefined {
    const descriptor = descriptorOf(given)
    const location =
      descriptor === undefined ? undefined : this.#tracker.open.get(descriptor)?.location
    const path = descriptor === undefined ? pathOf(given) : location?.absolute
    if (path === undefined) return undefined
    const pending = this.#tracker.unrecordedAt(path)
    const keepContent = this.#tracker.paths.keepsContent(path)
    if (pending === undefined && keepContent === undefined) return undefined
    const leave = (): void => {
      keepContent?.()
      pending?.succeed()
    }
    return { succeed: leave, fail: leave }
  }

  /** Revert begins to write a file. The returned function is called when it has. */
  beginRevert(absolute: string): (() => void) | undefined {
    const pending = quietly('see a revert', () => this.#tracker.unrecordedAt(absolute))
    return pending && (() => quietly('see the end of a revert', () => pending.succeed()))
  }

  /** A new name for a file. */
  link(given: unknown): PendingOperation | undefined {
    const place = this.#tracker.place(given, { isLink: true })
    if (place === undefined) return this.#tracker.notRecorded(given)
    return this.#tracker.track({ ...place, kind: 'write' })
  }

  remove(given: unknown): PendingOperation | undefined {
    const place = this.#tracker.place(given, { isLink: true })
    if (place === undefined) return this.#tracker.notRecorded(given)
    this.descriptors.completeAt(place.location.absolute)
    return this.#tracker.track({ ...place, kind: 'delete' }, { makes: 'nothing' })
  }

  /** `rm`. The asynchronous forms remove the files of a folder one by one, through calls that are observed. */
  removeAll(given: unknown, { isSync }: { isSync: boolean }): PendingOperation | undefined {
    const absolute = ownedPath(given)
    if (absolute === undefined || !this.#tracker.files.isFolder(absolute)) return this.remove(given)
    return isSync ? this.#folders.remove(absolute) : undefined
  }

  /** `cp`. A single file is copied through a call that is observed. */
  copyAll(from: unknown, to: unknown): PendingOperation | undefined {
    const [source, target] = [ownedPath(from), ownedPath(to)]
    if (source === undefined || target === undefined) return this.#tracker.notRecorded(to)
    return this.#tracker.files.isFolder(source) ? this.#folders.copy(source, target) : undefined
  }

  rename(from: unknown, to: unknown): PendingOperation | undefined {
    const active = contexts.active()
    const owner = ownerOfFiles(active)
    const [source, target] = [ownedPath(from), ownedPath(to)]
    if (owner === undefined || source === undefined || target === undefined) {
      return this.#tracker.notRecorded(from, to)
    }
    const { files } = this.#tracker
    const previous = files.locate(source, { isLink: true })
    const location = files.locate(target, { isLink: true })
    // A file renamed to its own name stays as it is.
    if (previous.absolute === location.absolute) return undefined
    if (files.isFolder(previous.absolute)) return this.#folders.rename(previous, location)
    const place = { location, owner, active }
    if (reasonToLeaveOut(place) !== undefined) return this.remove(from)
    if (reasonToLeaveOut({ ...place, location: previous }) !== undefined) return this.link(to)
    this.descriptors.completeAt(previous.absolute)
    this.descriptors.completeAt(location.absolute)
    return this.#isSave(previous, location, owner)
      ? this.#save(place, previous)
      : this.#renameFile(place, previous)
  }

  /** Begins a call inside one that records the `captured` paths itself. */
  within<Result>(captured: ReadonlySet<string>, begin: () => Result): Result {
    return this.#tracker.within(captured, begin)
  }

  /** Records what waits. Files that are named like temporary ones may wait on. */
  refresh(): void {
    this.#folders.finish()
    this.#tracker.young.recordAll({ mayWait: true })
  }

  /** The process ends: everything is recorded as it is now. */
  finish(): void {
    this.#folders.finish()
    this.descriptors.endAll()
    this.#tracker.paths.endEverything()
    this.#tracker.young.recordAll()
  }

  /** A file that the same owner has just created, or that it created before and now renames over another. */
  #isSave(from: FileLocation, to: FileLocation, owner: FileOperationOwner): boolean {
    this.#tracker.paths.settle(from.absolute)
    const isYoung = this.#tracker.young.isOf(from.absolute, owner)
    if (!this.#tracker.files.exists(to.absolute)) {
      return isYoung && this.#tracker.young.isTemporaryOf(from.absolute, to.absolute)
    }
    return (
      (isYoung || owner.createdFiles.has(from.absolute)) && this.#tracker.files.isFile(to.absolute)
    )
  }

  /** The renamed file's content is the new content of its target; the temporary name leaves no operation. */
  #save(place: Place, from: FileLocation): PendingOperation {
    const source = this.#tracker.block(from.absolute)
    const target = this.#tracker.track({ ...place, kind: 'write' })
    return {
      ...target,
      succeed: () => {
        source.leave()
        this.#tracker.young.drop(from.absolute, place.owner)
        place.owner.createdFiles.delete(from.absolute)
        this.#tracker.open.move(from.absolute, () => place.location)
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
    const record = this.#tracker.record({ ...place, kind: 'rename', previous })
    const { paths } = this.#tracker
    // The next read overwrites the bytes of this one.
    const before = paths.look(previous.absolute, { isLink: true })
    record.note('before', before)
    const source = this.#tracker.block(previous.absolute, before)
    const overwritten = paths.look(location.absolute, { isLink: true })
    if (overwritten.state !== 'absent') record.note('overwritten', overwritten)
    const target = this.#tracker.block(location.absolute, overwritten)
    const keepContent = paths.keepsContent(previous.absolute, location.absolute)
    const blocked = [source, target]
    return {
      goesOn: () => record.journalStart(),
      succeed: () => {
        for (const path of blocked) path.leave()
        keepContent?.()
        this.#tracker.young.record(previous.absolute)
        this.#tracker.young.record(location.absolute)
        if (owner.createdFiles.delete(previous.absolute)) owner.createdFiles.add(location.absolute)
        this.#tracker.open.move(location.absolute, undefined)
        this.#tracker.open.move(previous.absolute, () => location)
        record.end()
      },
      fail: () => {
        for (const path of blocked) path.leave()
        record.discard()
      },
    }
  }
}

/** The path argument of a call inside a turn or a request. */
function ownedPath(given: unknown): string | undefined {
  return ownerOfFiles(contexts.active()) === undefined ? undefined : pathOf(given)
}
