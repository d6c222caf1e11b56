/**
 * The local store of recent file operations: raw contents by hash, operations, decisions. Never uploaded.
 *
 *   ops/<startedAtMs, 13 digits>-<opId>.json   one operation, never changed      (operation-file.ts)
 *   decisions/<opId>.jsonl                     what was decided about it         (decision-log.ts)
 *   contents/<sha256, 64 hex digits>           raw bytes of a file, at most 16 MiB, or of a diff above 16 KiB
 *   tmp/                                       files being written; moved into place when complete
 *
 * Folders are 0700, files 0600. Any number of processes may use one folder at once: operations and contents
 * appear by rename and are never changed, decisions by one append each. A content is valid if and only if its bytes
 * hash to its name. What is not valid is skipped and counted.
 *
 * Writing an operation: contents first, then the operation, so that a crash leaves unreferenced contents
 * and never an operation without them. Nothing is synced: a kill loses nothing; a power cut may lose the
 * last seconds, which the hashes show. What leaves, and when: prune.ts.
 */

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { errorCode, errorName } from '@turnlog/conventions/plain'
import { type FileSystem, originalFs, replaceFile } from '../file-system.ts'
import {
  type ChangeDecision,
  isRawHash,
  parseRecordedChange,
  type RawHash,
  type RecordedChange,
  stands,
} from './change.ts'
import { appendDecision, decisionLogName, readDecisions } from './decision-log.ts'
import { fileBytesMax, hashOf } from './disk-state.ts'
import {
  decodeOperation,
  encodeOperation,
  operationName,
  parseOperationName,
  type StoredOperation,
} from './operation-file.ts'
import { type PruneLimits, type PruneResult, pruneStore } from './prune.ts'

export interface StoreOptions {
  readonly directory: string
  readonly fileSystem?: FileSystem | undefined
  /** Milliseconds since 1970; the seam for tests. */
  readonly now?: (() => number) | undefined
}

export interface Contents {
  readonly before?: Uint8Array | undefined
  readonly after?: Uint8Array | undefined
  readonly overwritten?: Uint8Array | undefined
}

/** `known`: it was there already, as after a crash; nothing was done. */
export type RecordResult =
  | { readonly status: 'recorded' | 'known' }
  | { readonly status: 'refused' | 'failed'; readonly reason: string }

export interface StoredChange extends StoredOperation {
  /** The last that stands; undefined while undecided. */
  readonly decision: ChangeDecision | undefined
  /** All of them, oldest first, those that could not be done included. */
  readonly decisions: readonly ChangeDecision[]
}

export type ChangeStore = ReturnType<typeof openChangeStore>

/** So that a list of 100, asked for every few seconds, costs the host a few milliseconds. */
export const diffInlineBytesMax = 16 * 1024

/** No verb throws. Opening does no I/O: the first write makes the folders, and a missing one reads as empty. */
export function openChangeStore({
  directory,
  fileSystem: fs = originalFs,
  now = Date.now,
}: StoreOptions) {
  const folders = storeFolders(directory)
  const damaged = new Set<string>()
  /** Operations never change, so whose they are is read once. */
  const workspaceByName = new Map<string, string>()
  /** Logs with a decision that stands: later ones replace it, none takes it back. */
  const decidedLogs = new Set<string>()

  function makeFolders(): void {
    for (const path of Object.values(folders)) fs.mkdirSync(path, { recursive: true, mode: 0o700 })
  }

  function write(path: string, bytes: Uint8Array): void {
    const temporary = join(folders.tmp, randomBytes(12).toString('hex'))
    replaceFile(fs, path, bytes, { temporary, isSynced: false })
  }

  /** A content that is there already is only touched, so that prune sees it in use. */
  function keepContent(bytes: Uint8Array, hash: RawHash): void {
    const path = join(folders.contents, contentName(hash))
    if (sizeOf(fs, path) !== bytes.byteLength) write(path, bytes)
    fs.utimesSync(path, now() / 1000, now() / 1000)
  }

  function names(path: string): readonly string[] {
    try {
      return fs.readdirSync(path)
    } catch {
      return []
    }
  }

  function readOperation(name: string): StoredOperation | undefined {
    try {
      const decoded = decodeOperation(name, fs.readFileSync(join(folders.ops, name)))
      if (decoded.status === 'operation') return decoded.operation
      if (decoded.status === 'damaged') damaged.add(name)
    } catch (error) {
      // Pruned by another process since the folder was listed: not damage.
      if (errorCode(error) !== 'ENOENT') damaged.add(name)
    }
    return undefined
  }

  function readLog(name: string): Pick<StoredChange, 'decision' | 'decisions'> {
    try {
      const { decisions, damagedCount } = readDecisions(fs, join(folders.decisions, name))
      if (damagedCount > 0) damaged.add(name)
      return { decision: decisions.findLast(stands), decisions }
    } catch {
      damaged.add(name)
      return { decision: undefined, decisions: [] }
    }
  }

  function withDecisions(operation: StoredOperation): StoredChange {
    return { ...operation, ...readLog(decisionLogName(operation.change.opId)) }
  }

  function isDecided(log: string): boolean {
    if (!decidedLogs.has(log) && readLog(log).decision !== undefined) decidedLogs.add(log)
    return decidedLogs.has(log)
  }

  function operationNames(): readonly string[] {
    const listed = names(folders.ops).filter((name) => parseOperationName(name) !== undefined)
    const knownMax = 2 * listed.length + 1000
    if (workspaceByName.size > knownMax) workspaceByName.clear()
    if (decidedLogs.size > knownMax) decidedLogs.clear()
    return listed
  }

  /** Reads the operation only where it may be of this workspace. */
  function readOfWorkspace(
    name: string,
    workspace: string | undefined,
  ): StoredOperation | undefined {
    const known = workspaceByName.get(name)
    if (workspace !== undefined && known !== undefined && known !== workspace) return undefined
    const operation = readOperation(name)
    if (operation === undefined) return undefined
    workspaceByName.set(name, operation.change.workspace)
    const isWanted = workspace === undefined || operation.change.workspace === workspace
    return isWanted ? operation : undefined
  }

  return {
    directory,

    /** Keeps an operation with the contents its states name. Idempotent; for the sealing worker. */
    record(change: RecordedChange, contents: Contents): RecordResult {
      const parsed = parseRecordedChange(change)
      if (parsed === undefined)
        return { status: 'refused', reason: 'A field is missing or malformed.' }
      const given = contentsOf(change, contents)
      const wrong = given.find(([bytes, hash]) => !isContentOf(bytes, hash))
      if (wrong !== undefined)
        return { status: 'refused', reason: 'A content is not what it is given for.' }
      try {
        const path = join(folders.ops, operationName(parsed))
        if (sizeOf(fs, path) !== undefined) return { status: 'known' }
        makeFolders()
        for (const [bytes, hash] of given) keepContent(bytes, hash)
        const diff = Buffer.from(parsed.diff ?? '')
        const diffHash = diff.byteLength > diffInlineBytesMax ? hashOf(diff) : undefined
        if (diffHash !== undefined) keepContent(diff, diffHash)
        const kept = diffHash === undefined ? parsed : { ...parsed, diff: undefined }
        write(path, encodeOperation({ change: kept, diffHash }))
        return { status: 'recorded' }
      } catch (error) {
        return { status: 'failed', reason: errorName(error) }
      }
    },

    /** Newest first. Reads about `limit` operations, after a first time that learns whose each one is. */
    recent(options: {
      readonly limit: number
      readonly workspace?: string | undefined
    }): readonly StoredChange[] {
      const decided = new Set(names(folders.decisions))
      const found: StoredChange[] = []
      for (const name of operationNames().toSorted().reverse()) {
        if (found.length >= options.limit) break
        const operation = readOfWorkspace(name, options.workspace)
        if (operation === undefined) continue
        const isDecided = decided.has(decisionLogName(operation.change.opId))
        found.push(
          isDecided
            ? withDecisions(operation)
            : { ...operation, decision: undefined, decisions: [] },
        )
      }
      return found
    },

    /** All operations of the workspace, and those without a decision. Files known from earlier calls are not read. */
    count(workspace: string): { readonly total: number; readonly undecided: number } {
      const logs = new Set(names(folders.decisions))
      const inWorkspace = operationNames().filter((name) => {
        if (!workspaceByName.has(name)) readOfWorkspace(name, workspace)
        return workspaceByName.get(name) === workspace
      })
      const undecided = inWorkspace.filter((name) => {
        const log = decisionLogName(parseOperationName(name)?.opId ?? '')
        return !logs.has(log) || !isDecided(log)
      })
      return { total: inWorkspace.length, undecided: undecided.length }
    },

    find(opId: string): StoredChange | undefined {
      const name = names(folders.ops).find((each) => parseOperationName(each)?.opId === opId)
      const operation = name === undefined ? undefined : readOperation(name)
      return operation && withDecisions(operation)
    },

    /** The bytes, verified; undefined when they were never kept, were pruned or are damaged (counted). */
    content(hash: string): Uint8Array | undefined {
      if (!isRawHash(hash)) return undefined
      try {
        const bytes = fs.readFileSync(join(folders.contents, contentName(hash)))
        if (hashOf(bytes) === hash) return bytes
        damaged.add(contentName(hash))
      } catch {
        // Not there.
      }
      return undefined
    },

    /** Appends; whether it stands is the decision's own matter. False when the disk refuses. */
    decide(opId: string, decision: ChangeDecision): boolean {
      try {
        makeFolders()
        const path = join(folders.decisions, decisionLogName(opId))
        appendDecision(fs, { path, tmp: folders.tmp, decision })
        return true
      } catch {
        return false
      }
    },

    /** Removes what is beyond the limits, the oldest first; for the sealing worker. */
    prune(limits?: Partial<PruneLimits>): PruneResult {
      return pruneStore({ fileSystem: fs, folders, now: now(), ...limits })
    },

    /** How many files of the store were found damaged so far. */
    damagedCount: (): number => damaged.size,
  }
}

export type StoreFolders = ReturnType<typeof storeFolders>

function storeFolders(directory: string) {
  return {
    ops: join(directory, 'ops'),
    decisions: join(directory, 'decisions'),
    contents: join(directory, 'contents'),
    tmp: join(directory, 'tmp'),
  }
}

function contentName(hash: RawHash): string {
  return hash.slice('sha256:'.length)
}

function contentsOf(change: RecordedChange, contents: Contents): [Uint8Array, RawHash][] {
  return (['before', 'after', 'overwritten'] as const).flatMap((key) => {
    const [bytes, state] = [contents[key], change[key]]
    return bytes !== undefined && isRawHash(state) ? [[bytes, state]] : []
  })
}

function isContentOf(bytes: Uint8Array, hash: RawHash): boolean {
  return bytes.byteLength <= fileBytesMax && hashOf(bytes) === hash
}

/** Undefined where there is nothing. */
function sizeOf(fs: FileSystem, path: string): number | undefined {
  try {
    return fs.lstatSync(path).size
  } catch {
    return undefined
  }
}
