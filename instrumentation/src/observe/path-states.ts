/**
 * The states of the files that are being written, by path: no before or after is recorded that the file did not have between
 * writes.
 *
 * A look at the disk counts only while no call that may change the file is in flight. Calls on one path that overlap form a
 * group: its first before was read when the path was quiet, its last after is read when it is quiet again. The states in
 * between are taken from what the calls are known to write, if that leads to the last one. Else the calls are merged into
 * one operation.
 */
import type { FileRecord, FileState } from './file-record.ts'
import type { FileContent, FileStamp, HostFiles } from './host-files.ts'

/** Writers of one group; beyond it, finished ones are merged. */
const writersMax = 256
/** Paths whose last state is remembered. */
const knownMax = 1_000

/** What a call makes of a file. */
export type Intent =
  | {
      readonly makes: 'content' | 'appended'
      readonly size: () => number
      /** Fresh memory, or the host's own, which does not change before its call returns. */
      readonly bytes: () => Uint8Array
    }
  | { readonly makes: 'nothing' }

/** A call that writes a path, or a run of writes through one descriptor. */
export interface Writer {
  /** `undefined`: it changes the path, and its operation is recorded elsewhere. */
  readonly record: FileRecord | undefined
  /** `undefined`: not known before it is done. */
  intent: Intent | undefined
  /** No further call of it changes the file. */
  isDone: boolean
  /** It may turn out to have changed nothing. */
  readonly isIdle?: boolean
  /** The code of its error. */
  error?: string | undefined
  /** Since when nothing of it is in flight, if the look at its result waits: milliseconds since 1970. */
  quietSince?: number
  /** The states are noted, or the operation is discarded. */
  readonly onSettled: (isRecorded: boolean) => void
}

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

  /** A call of `writer` begins. Its first call notes the state before it. */
  enter(path: string, writer: Writer, { isLink = false } = {}): void {
    let group = this.#groups.get(path)
    let found: FileContent | undefined
    const isOwn = group?.writers.length === 1 && group.writers[0] === writer
    if (group !== undefined && group.inFlight === 0 && !isOwn) {
      this.settle(path)
      group = this.#groups.get(path)
    }
    if (group === undefined) {
      const before = writer.record === undefined ? notLookedAt : this.#read(path, isLink)
      found = before
      writer.record?.note('before', before)
      // The bytes are valid until the next read.
      const kept: FileContent =
        before.state === 'content' ? { ...before, bytes: new Uint8Array(0) } : before
      group = { inFlight: 0, before: kept, writers: [] }
      this.#groups.set(path, group)
    }
    if (!group.writers.includes(writer)) group.writers.push(writer)
    group.inFlight += 1
    if (group.inFlight === 1) this.#changes.writing(path, found)
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
    const read = this.#files.read(path, { isLink, lastKnown })
    if ('stamp' in read && read.stamp !== undefined && read.state === 'content') {
      this.#known.delete(path)
      this.#known.set(path, read.stamp)
      const oldest = this.#known.size > knownMax ? this.#known.keys().next() : undefined
      if (oldest?.value !== undefined) this.#known.delete(oldest.value)
    }
    return read
  }
}

function settleChain(writers: readonly Writer[], { writers: order, states }: Chain): void {
  const [first] = writers
  order.forEach((writer, index) => {
    const { record } = writer
    const previous = states[index - 1]
    if (previous !== undefined) record?.note('before', previous)
    else if (writer !== first && first?.record !== undefined) record?.noteBeforeOf(first.record)
    const state = states[index]
    if (record?.facts.kind === 'write' && state !== undefined) record.note('after', state)
    end(writer)
  })
  // The record of the first may hold the state before another, so it is discarded last.
  for (const writer of writers) if (!order.includes(writer)) discard(writer)
}

/** No order of the writers leads to the last state: they are one operation. */
function settleMerged(writers: readonly Writer[], last: FileState): void {
  const recorded = writers.filter(({ record }) => record !== undefined)
  const [first] = recorded
  // What exists in the end was not deleted.
  const writes = recorded.filter(({ record }) => record?.facts.kind === 'write')
  const kept = last.state === 'absent' ? first : (writes[0] ?? first)
  if (first?.record !== undefined && kept?.record !== undefined) {
    if (kept !== first) kept.record.noteBeforeOf(first.record)
    if (kept.record.facts.kind === 'write') kept.record.note('after', last)
    merge(
      kept,
      writers.filter((writer) => writer !== kept),
      () => end(kept),
    )
    return
  }
  for (const writer of writers) end(writer)
}

/** One writer for those whose states in between cannot be known: `kept`, with the number of the others. */
function merge(kept: Writer, others: readonly Writer[], endKept?: () => void): void {
  for (const { record } of others) if (record !== undefined) kept.record?.absorb(record)
  // The state before may be in the record of another, which is therefore discarded afterwards.
  endKept?.()
  for (const other of others) discard(other)
}

/** Those that are still at work stay. */
function mergeDone(group: Group): void {
  const [first, ...others] = group.writers
  if (first === undefined) return
  merge(
    first,
    others.filter(({ isDone }) => isDone),
  )
  group.writers = [first, ...others.filter(({ isDone }) => !isDone)]
}

/** Clocks of file systems have ticks of up to 4 ms. */
function changedAfter(content: FileContent, time: number): boolean {
  const changed = 'stamp' in content ? Number(content.stamp?.split(' ')[3]) : Number.NaN
  return changed > time + 4
}

function end({ record, error, onSettled }: Writer): void {
  if (error !== undefined) record?.fail(error)
  onSettled(true)
}

function endInFlight(writer: Writer): void {
  if (writer.record?.facts.kind === 'write') {
    writer.record.note('after', { state: 'omitted', reason: 'being_written' })
  }
  end(writer)
}

function discard({ record, onSettled }: Writer): void {
  record?.discard()
  onSettled(false)
}

/** The host may use its buffer again once its call has returned. */
function keepIntent(writer: Writer): void {
  const { intent } = writer
  if (intent === undefined || intent.makes === 'nothing') return
  const bytes = new Uint8Array(intent.bytes())
  writer.intent = { ...intent, bytes: () => bytes }
}

interface Chain {
  readonly writers: readonly Writer[]
  /** The state after each writer. */
  readonly states: readonly FileState[]
}

/**
 * An order of the writers that leads from the first state to the last one, and the states in between. A failed call counts
 * as one that changed nothing. `undefined`: what they write does not explain the last state.
 */
function chainOf(
  writers: readonly Writer[],
  before: FileContent,
  last: FileContent,
): Chain | undefined {
  const successful = writers.filter(({ error }) => error === undefined)
  if (successful.length === 0) return undefined
  const candidates = successful.map((writer) => [
    ...successful.filter((other) => other !== writer),
    writer,
  ])
  for (const order of candidates.reverse()) {
    const states = statesOf(order, before, last)
    if (states !== undefined) return { writers: order, states }
  }
  return undefined
}

function statesOf(
  order: readonly Writer[],
  before: FileContent,
  last: FileContent,
): FileState[] | undefined {
  const states: FileState[] = []
  let bytes = bytesBefore(order, before, last)
  for (const { intent } of order) {
    // A call that writes nothing among others has usually read what another one had just truncated: no state to go back to.
    if (states.length > 0 && bytes?.byteLength === 0 && states.at(-1)?.state === 'content') {
      return undefined
    }
    if (intent === undefined) return undefined
    if (intent.makes === 'nothing') {
      bytes = new Uint8Array(0)
      states.push({ state: 'absent' })
      continue
    }
    if (intent.makes === 'content') bytes = intent.bytes()
    else if (bytes === undefined) return undefined
    else bytes = Buffer.concat([bytes, intent.bytes()])
    states.push({ state: 'content', bytes, mode: last.state === 'content' ? last.mode : undefined })
  }
  if (states.at(-1)?.state === 'absent') return last.state === 'absent' ? states : undefined
  const isSame =
    last.state === 'content' && bytes !== undefined && Buffer.compare(bytes, last.bytes) === 0
  return isSame ? states : undefined
}

/** The bytes before the first writer are not in memory. Where all append to them, the last state begins with them. */
function bytesBefore(
  order: readonly Writer[],
  before: FileContent,
  last: FileContent,
): Uint8Array | undefined {
  if (before.state === 'absent') return new Uint8Array(0)
  if (before.state !== 'content' || last.state !== 'content') return undefined
  let left = last.bytes.byteLength
  for (const { intent } of order) {
    if (intent?.makes !== 'appended') return undefined
    left -= intent.size()
  }
  return left === before.size ? last.bytes.subarray(0, left) : undefined
}
