/**
 * The states of the files that are being written, by path: no before or after is recorded that the file did not have between
 * writes.
 *
 * A look at the disk counts only while no call that may change the file is in flight. Calls on one path that overlap form a
 * group: its first before was read when the path was quiet, its last after is read when it is quiet again. The states in
 * between are taken from what the calls are known to write, if that leads to the last one. Else the calls are merged into
 * one operation.
 */
import { setBounded } from '../bounded-map.ts'
import type { FileState } from './file-record.ts'
import type { FileContent, FileStamp, HostFiles } from './host-files.ts'
import { mergeDone, settleChain, settleMerged } from './settle-writers.ts'
import { chainOf } from './write-chain.ts'
import { discard, end, endInFlight, keepIntent, type Writer } from './writer.ts'

/** Writers of one group; beyond it, finished ones are merged. */
const writersMax = 256
/** Paths whose last state is remembered. */
const knownMax = 1_000

interface Group {
  inFlight: number
  /** The state when the first writer began. */
  readonly before: FileContent
  writers: Writer[]
}

/** Learns which files the app itself changes, so that they are not taken for a child process's. Absolute paths. */
export interface OwnChanges {
  /** Child processes may start. */
  readonly isPrepared: boolean
  /** A child process runs that is compared. */
  readonly isWatching: boolean
  /** A child process has ended that lived when a file was stamped: milliseconds since 1970. */
  leftByChild(stampedAt: number): boolean
  /** `before`: the file as it is now, if that was read; its bytes are valid during the call. */
  writing(path: string, before?: FileContent): void
  /** Nothing of the app's is in flight on it any more, and no descriptor that wrote it is open. */
  changed(path: string): void
}

const notLookedAt: FileContent = { state: 'omitted', reason: 'unreadable' }

export class PathStates {
  readonly #files: HostFiles
  readonly #changes: OwnChanges
  readonly #groups = new Map<string, Group>()
  /** Stamps of states that were complete, the newest last. */
  readonly #known = new Map<string, FileStamp>()

  constructor(files: HostFiles, changes: OwnChanges) {
    this.#files = files
    this.#changes = changes
  }

  /** What the path holds now, unless a call that may change it is in flight. */
  look(path: string, { isLink = false } = {}): FileContent {
    this.settle(path)
    if (this.#groups.get(path)?.inFlight) return { state: 'omitted', reason: 'being_written' }
    return this.#read(path, isLink)
  }

  /** A call of `writer` begins. Its first call notes the state before it. `found`: that state, for a writer that is not recorded. */
  enter(
    path: string,
    writer: Writer,
    { isLink = false, found }: { isLink?: boolean; found?: FileContent | undefined } = {},
  ): void {
    let group = this.#groups.get(path)
    let known = found
    const isOwn = group?.writers.length === 1 && group.writers[0] === writer
    if (group !== undefined && group.inFlight === 0 && !isOwn) {
      this.settle(path)
      group = this.#groups.get(path)
    }
    if (group === undefined) {
      const before = writer.record === undefined ? notLookedAt : this.#read(path, isLink)
      known ??= before
      writer.record?.note('before', before)
      // The bytes are valid until the next read.
      const kept: FileContent =
        before.state === 'content' ? { ...before, bytes: new Uint8Array(0) } : before
      group = { inFlight: 0, before: kept, writers: [] }
      this.#groups.set(path, group)
    }
    if (!group.writers.includes(writer)) group.writers.push(writer)
    group.inFlight += 1
    if (group.inFlight === 1) this.#changes.writing(path, known)
  }

  /** A recorded call that may change the path has not returned: what it leaves is reported when it has. */
  isInFlight(path: string): boolean {
    return (this.#groups.get(path)?.inFlight ?? 0) > 0
  }

  /**
   * The file is about to get another stamp, or another name, and keeps what is in it. The returned function is called when
   * that has happened.
   */
  keepsContent(path: string, newPath = path): (() => void) | undefined {
    const known = this.#known.get(path)
    if (known === undefined || known !== this.#files.stamp(path)) return undefined
    return () => {
      if (this.#known.get(path) === known) this.#known.delete(path)
      this.#know(newPath, this.#files.stamp(newPath))
    }
  }

  /** Whether `writer` is the first of its group, and the path held nothing before it. */
  creates(path: string, writer: Writer): boolean {
    const group = this.#groups.get(path)
    return group?.writers[0] === writer && group.before.state === 'absent'
  }

  /** The state that the path has now is noted for `writer` when it is settled. */
  settleLater(path: string, writer: Writer): void {
    this.settle(path)
    if (this.#groups.has(path)) end(writer)
    else this.#groups.set(path, { inFlight: 0, before: notLookedAt, writers: [writer] })
  }

  /** The call has returned. */
  leave(path: string, writer: Writer): void {
    const group = this.#groups.get(path)
    if (group === undefined) return
    group.inFlight -= 1
    if (group.inFlight > 0) {
      if (writer.isDone) keepIntent(writer)
      if (group.writers.length >= writersMax) mergeDone(group)
      return
    }
    // A run of writes goes on.
    if (group.writers.length === 1 && (!writer.isDone || writer.quietSince !== undefined)) return
    this.settle(path)
  }

  /** Ends a run of writes; `leave` does it while a call is in flight. */
  finish(path: string, writer: Writer): void {
    writer.isDone = true
    if (this.#groups.get(path)?.inFlight === 0) this.settle(path)
  }

  /** Notes the states of the writers of a path on which nothing is in flight. */
  settle(path: string): void {
    const group = this.#groups.get(path)
    if (group === undefined || group.inFlight > 0) return
    this.#groups.delete(path)
    this.#changes.changed(path)
    const { writers, before } = group
    const [only] = writers
    if (writers.length === 1 && only !== undefined) this.#settleOne(path, only, before)
    else this.#settleAll(path, writers, before)
  }

  /** Ends all groups below a folder, which is about to be moved or removed. */
  settleBelow(folder: string): void {
    for (const path of this.#groups.keys()) {
      if (path.startsWith(folder)) this.settle(path)
    }
  }

  /** The process ends: calls in flight may still change their files. */
  endEverything(): void {
    for (const [path, group] of [...this.#groups]) {
      if (group.inFlight === 0) this.settle(path)
      else for (const writer of group.writers) endInFlight(writer)
    }
    this.#groups.clear()
  }

  #settleOne(path: string, writer: Writer, before: FileContent): void {
    if (writer.record === undefined || this.#noteOne(path, writer, before)) end(writer)
    else discard(writer)
  }

  /** Notes the state after a single writer; false when it has changed nothing. */
  #noteOne(path: string, writer: Writer, before: FileContent): boolean {
    const { record, error } = writer
    if (record === undefined) return false
    if (error !== undefined && this.#isUnchanged(path, before)) return false
    if (record.facts.kind === 'delete') {
      this.#known.delete(path)
      // A link, a pipe or a device has no content to lose.
      const isFile = before.state !== 'omitted' || before.reason !== 'not_a_file'
      return error === undefined && before.state !== 'absent' && isFile
    }
    const after = this.#readAfter(path, writer)
    if (record.facts.kind === 'rename') {
      record.note('before', after)
      return true
    }
    // A device or a pipe has no content to show.
    if (after.state === 'omitted' && after.reason === 'not_a_file') return false
    if (after.state === 'absent' && before.state === 'absent') return false
    // A descriptor was opened, and nothing written.
    if (writer.isIdle === true && this.#isUnchanged(path, before)) return false
    record.note('after', after)
    return true
  }

  #settleAll(path: string, writers: readonly Writer[], before: FileContent): void {
    if (writers.every(({ error }) => error !== undefined) && this.#isUnchanged(path, before)) {
      for (const writer of writers) discard(writer)
      return
    }
    const now = this.#read(path, false, { isAfter: true })
    const last = now.state === 'content' ? { ...now, bytes: new Uint8Array(now.bytes) } : now
    const chain = chainOf(writers, before, last)
    if (chain === undefined) settleMerged(writers, last)
    else settleChain(writers, chain)
  }

  /** The state after a single writer. Another program may have begun to write since: then it is what the call wrote. */
  #readAfter(path: string, writer: Writer): FileState {
    const after = this.#read(path, false, { isAfter: true })
    if (writer.error !== undefined || after.state === 'absent') return after
    if (writer.quietSince !== undefined && changedAfter(after, writer.quietSince)) {
      return { state: 'omitted', reason: 'changed_since' }
    }
    const { intent } = writer
    if (intent?.makes !== 'content') return after
    if (after.state === 'content' && after.bytes.byteLength === intent.size()) return after
    if (after.state === 'omitted' && after.reason !== 'being_written') return after
    this.#known.delete(path)
    return { state: 'content', bytes: intent.bytes(), mode: after.mode }
  }

  #isUnchanged(path: string, before: FileContent): boolean {
    const stamp = 'stamp' in before ? before.stamp : ''
    return this.#files.stamp(path) === (stamp ?? '')
  }

  #read(path: string, isLink: boolean, { isAfter = false } = {}): FileContent {
    const lastKnown = isAfter ? undefined : (this.#known.get(path) ?? '')
    let read = this.#files.read(path, { isLink, lastKnown })
    // Nobody goes on writing it.
    if (isBeingWritten(read) && this.#changes.leftByChild(changedAt(read))) {
      read = this.#files.read(path, { isLink })
    }
    if ('stamp' in read && read.stamp !== undefined && read.state === 'content') {
      this.#know(path, read.stamp)
    }
    return read
  }

  #know(path: string, stamp: FileStamp): void {
    setBounded(this.#known, path, stamp, knownMax)
  }
}

/** Clocks of file systems have ticks of up to 4 ms. */
function changedAfter(content: FileContent, time: number): boolean {
  return changedAt(content) > time + 4
}

function changedAt(content: FileContent): number {
  return 'stamp' in content ? Number(content.stamp?.split(' ')[3]) : Number.NaN
}

function isBeingWritten(content: FileContent): boolean {
  return content.state === 'omitted' && content.reason === 'being_written'
}
