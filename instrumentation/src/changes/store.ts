/**
 * The local store of recent file operations: raw contents by hash, operations, decisions. Never uploaded.
 *
 *   ops/<startedAtMs, 13 digits>-<opId>.json   one operation, never changed      (change.ts)
 *   decisions/<opId>.jsonl                     the decisions about it            (decision-log.ts)
 *   contents/<sha256, 64 hex digits>           raw bytes of a file, at most 16 MiB, or of a diff above 16 KiB
 *   tmp/                                       files being written; moved into place when complete
 *
 * Folders are 0700, files 0600. Any number of processes may use one folder at once: operations and contents
 * appear by rename and are never changed, decisions by one append each. A content is valid if and only if its bytes
 * hash to its name. An invalid file is skipped and counted.
 *
 * Writing an operation: contents first, then the operation, so that a crash leaves unreferenced contents
 * and never an operation without them. Nothing is synced: a kill loses nothing; a power cut may lose the
 * last seconds, which the hashes show. prune.ts limits the store.
 */

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { errorCode, errorName } from '@turnlog/conventions/plain'
import {
  attempt,
  type FileSystem,
  makePrivateFolder,
  originalFs,
  replaceFile,
} from '../file-system.ts'
import { failed } from '../health.ts'
import {
  type ChangeDecision,
  counts,
  decodeOperation,
  encodeOperation,
  isRawHash,
  operationName,
  parseOperationName,
  parseRecordedChange,
  type RawHash,
  type RecordedChange,
  type StoredOperation,
} from './change.ts'
import { appendDecision, decisionLogName, readDecisions } from './decision-log.ts'
import { fileBytesMax, hashOf } from './disk-state.ts'
import { type PruneLimits, type PruneOptions, type PruneResult, pruneStore } from './prune.ts'

export interface StoreOptions {
  readonly directory: string
  readonly fileSystem?: FileSystem | undefined
  /** Milliseconds since 1970; the seam for tests. */
  readonly now?: (() => number) | undefined
}

export type Contents = {
  readonly [State in 'before' | 'after' | 'overwritten']?: Uint8Array | undefined
}

/** `known`: it was stored before, as after a crash; nothing was done. */
export type RecordResult =
  | { readonly status: 'recorded' | 'known' }
  | { readonly status: 'refused' | 'failed'; readonly reason: string }

export interface StoredChange extends StoredOperation {
  /** The last one that counts; undefined while undecided. */
  readonly decision: ChangeDecision | undefined
  /** All of them, oldest first, with those that could not be carried out. */
  readonly decisions: readonly ChangeDecision[]
}

/** So that a list of 100, asked for every few seconds, costs the host a few milliseconds. */
export const diffInlineBytesMax = 16 * 1024

/** No verb throws. A new store does no I/O: the first write makes the folders, and a missing one reads as empty. */
export class ChangeStore {
  readonly #fs: FileSystem
  readonly #now: () => number
  readonly #folders: PruneOptions['folders']
  /** Damaged files that were counted already. */
  readonly #damaged = new Set<string>()
  /** The workspace of each operation by its file's name. Operations never change, so each is read once for it. */
  readonly #workspaces = new Map<string, string>()
  /** Logs with a decision that counts. Later ones replace it, but none makes the operation undecided again. */
  readonly #decidedLogs = new Set<string>()

  constructor({ directory, fileSystem = originalFs, now = Date.now }: StoreOptions) {
    this.#fs = fileSystem
    this.#now = now
    this.#folders = {
      ops: join(directory, 'ops'),
      decisions: join(directory, 'decisions'),
      contents: join(directory, 'contents'),
      tmp: join(directory, 'tmp'),
    }
  }

  /** Stores an operation with the contents that its states name. Idempotent; for the sealing worker. */
  record(change: RecordedChange, contents: Contents): RecordResult {
    const parsed = parseRecordedChange(change)
    if (parsed === undefined) {
      return { status: 'refused', reason: 'A field is missing or malformed.' }
    }
    const given = contentsOf(change, contents)
    const isContent = (bytes: Uint8Array, hash: RawHash) =>
      bytes.byteLength <= fileBytesMax && hashOf(bytes) === hash
    if (!given.every(([bytes, hash]) => isContent(bytes, hash))) {
      return { status: 'refused', reason: 'A content does not have the hash of its state.' }
    }
    try {
      const path = join(this.#folders.ops, operationName(parsed))
      if (sizeOf(this.#fs, path) !== undefined) return { status: 'known' }
      this.#makeFolders()
      for (const [bytes, hash] of given) this.#writeContent(bytes, hash)
      const diff = Buffer.from(parsed.diff ?? '')
      const diffHash = diff.byteLength > diffInlineBytesMax ? hashOf(diff) : undefined
      if (diffHash !== undefined) this.#writeContent(diff, diffHash)
      const stored = diffHash === undefined ? parsed : { ...parsed, diff: undefined }
      this.#write(path, encodeOperation({ change: stored, diffHash }))
      return { status: 'recorded' }
    } catch (error) {
      return { status: 'failed', reason: errorName(error) }
    }
  }

  /** Newest first. Reads about `limit` operations, after a first call that reads the workspace of each. */
  recent({ limit, workspace }: { limit: number; workspace?: string }): readonly StoredChange[] {
    const logs = new Set(this.#names(this.#folders.decisions))
    const found: StoredChange[] = []
    for (const name of this.#operationNames().toSorted().reverse()) {
      if (found.length >= limit) break
      const operation = this.#readOfWorkspace(name, workspace)
      if (operation === undefined) continue
      const hasLog = logs.has(decisionLogName(operation.change.opId))
      found.push(hasLog ? this.#withDecisions(operation) : { ...operation, ...undecided })
    }
    // Names have milliseconds only.
    return found.sort((one, other) => (one.change.startedAt < other.change.startedAt ? 1 : -1))
  }

  /** All operations of the workspace, and those without a decision. Files known from earlier calls are not read. */
  count(workspace: string): { readonly total: number; readonly undecided: number } {
    const logs = new Set(this.#names(this.#folders.decisions))
    const inWorkspace = this.#operationNames().filter((name) => {
      if (!this.#workspaces.has(name)) this.#readOfWorkspace(name, workspace)
      return this.#workspaces.get(name) === workspace
    })
    const undecided = inWorkspace.filter((name) => {
      const log = decisionLogName(parseOperationName(name)?.opId ?? '')
      return !logs.has(log) || !this.#isDecided(log)
    })
    return { total: inWorkspace.length, undecided: undecided.length }
  }

  find(opId: string): StoredChange | undefined {
    const names = this.#names(this.#folders.ops)
    const name = names.find((each) => parseOperationName(each)?.opId === opId)
    const operation = name === undefined ? undefined : this.#readOperation(name)
    return operation && this.#withDecisions(operation)
  }

  /** The bytes, verified; undefined when they were never stored, were pruned or are damaged. */
  content(hash: string): Uint8Array | undefined {
    if (!isRawHash(hash)) return undefined
    const bytes = attempt(() => this.#fs.readFileSync(this.#contentPath(hash)))
    if (bytes === undefined || hashOf(bytes) === hash) return bytes
    this.#countDamage(contentName(hash))
    return undefined
  }

  /** Keeps the bytes of a file that is about to be replaced. Throws what the disk throws. */
  keep(bytes: Uint8Array): void {
    this.#makeFolders()
    this.#writeContent(bytes, hashOf(bytes))
  }

  /** Appends a decision to the operation's log. False when the disk refuses. */
  decide(opId: string, decision: ChangeDecision): boolean {
    const isAppended = attempt(() => {
      this.#makeFolders()
      const path = join(this.#folders.decisions, decisionLogName(opId))
      appendDecision(this.#fs, { path, tmp: this.#folders.tmp, decision })
      return true
    })
    return isAppended === true
  }

  /** Removes what is beyond the limits, the oldest first; for the sealing worker. */
  prune(limits?: Partial<PruneLimits>): PruneResult {
    const [fileSystem, folders] = [this.#fs, this.#folders]
    return pruneStore({ fileSystem, folders, now: this.#now(), ...limits })
  }

  #makeFolders(): void {
    for (const path of Object.values(this.#folders)) makePrivateFolder(this.#fs, path)
  }

  #write(path: string, bytes: Uint8Array): void {
    const temporary = join(this.#folders.tmp, randomBytes(12).toString('hex'))
    replaceFile(this.#fs, path, bytes, { temporary, isSynced: false })
  }

  #contentPath(hash: RawHash): string {
    return join(this.#folders.contents, contentName(hash))
  }

  /** An existing content is only touched, so that prune sees that it is in use. */
  #writeContent(bytes: Uint8Array, hash: RawHash): void {
    const path = this.#contentPath(hash)
    if (sizeOf(this.#fs, path) !== bytes.byteLength) this.#write(path, bytes)
    this.#fs.utimesSync(path, this.#now() / 1000, this.#now() / 1000)
  }

  #names(folder: string): readonly string[] {
    return attempt(() => this.#fs.readdirSync(folder)) ?? []
  }

  #operationNames(): readonly string[] {
    const listed = this.#names(this.#folders.ops).filter(
      (name) => parseOperationName(name) !== undefined,
    )
    const knownMax = 2 * listed.length + 1000
    if (this.#workspaces.size > knownMax) this.#workspaces.clear()
    if (this.#decidedLogs.size > knownMax) this.#decidedLogs.clear()
    return listed
  }

  #readOperation(name: string): StoredOperation | undefined {
    try {
      const decoded = decodeOperation(name, this.#fs.readFileSync(join(this.#folders.ops, name)))
      if (decoded.status === 'operation') return decoded.operation
      if (decoded.status === 'damaged') this.#countDamage(name)
    } catch (error) {
      // Missing: another process pruned it since the folder was listed.
      if (errorCode(error) !== 'ENOENT') this.#countDamage(name)
    }
    return undefined
  }

  /** Undefined for an operation of another workspace; one that is known to be of another is not read. */
  #readOfWorkspace(name: string, workspace: string | undefined): StoredOperation | undefined {
    const known = this.#workspaces.get(name)
    if (workspace !== undefined && known !== undefined && known !== workspace) return undefined
    const operation = this.#readOperation(name)
    if (operation === undefined) return undefined
    this.#workspaces.set(name, operation.change.workspace)
    const isWanted = workspace === undefined || operation.change.workspace === workspace
    return isWanted ? operation : undefined
  }

  #withDecisions(operation: StoredOperation): StoredChange {
    return { ...operation, ...this.#readLog(decisionLogName(operation.change.opId)) }
  }

  #isDecided(log: string): boolean {
    const isKnown = this.#decidedLogs.has(log)
    if (!isKnown && this.#readLog(log).decision !== undefined) this.#decidedLogs.add(log)
    return this.#decidedLogs.has(log)
  }

  #readLog(name: string): Pick<StoredChange, 'decision' | 'decisions'> {
    try {
      const path = join(this.#folders.decisions, name)
      const { decisions, damagedCount } = readDecisions(this.#fs, path)
      if (damagedCount > 0) this.#countDamage(name)
      return { decision: decisions.findLast(counts), decisions }
    } catch {
      this.#countDamage(name)
      return undecided
    }
  }

  #countDamage(name: string): void {
    if (this.#damaged.has(name)) return
    this.#damaged.add(name)
    failed(damagedFile, new Error(`${name} is damaged`))
  }
}

/** Counted once for each damaged file of a store. */
export const damagedFile = 'read a file of the Changes store'

const undecided = { decision: undefined, decisions: [] } as const

function contentName(hash: RawHash): string {
  return hash.slice('sha256:'.length)
}

function contentsOf(change: RecordedChange, contents: Contents): [Uint8Array, RawHash][] {
  return (['before', 'after', 'overwritten'] as const).flatMap((key) => {
    const [bytes, state] = [contents[key], change[key]]
    return bytes !== undefined && isRawHash(state) ? [[bytes, state]] : []
  })
}

/** Undefined when there is no such file. */
function sizeOf(fs: FileSystem, path: string): number | undefined {
  return attempt(() => fs.lstatSync(path).size)
}
