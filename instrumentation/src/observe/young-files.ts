/**
 * Files that a tool call has created a moment ago. Careful programs write a temporary file and rename it over its target:
 * that is one operation of the target, and none of the temporary file. So the operations on a new file wait: a rename in the
 * same tool call drops them, anything else records them, at the latest after `waitMs`.
 */
import { basename, dirname } from 'node:path'
import type { After } from '../record/delayed-ends.ts'
import type { FileOperationOwner, FileRecord } from './file-record.ts'

const waitMs = 2_000
/** Beyond this number the oldest are recorded at once. */
const filesMax = 32
/** Parts of the names that programs give to temporary files, or to their folders. */
const temporaryName = /te?mp|\.swp|\.part|\.new|~$|[0-9a-f]{6,}|\.\d+$/i

interface YoungFile {
  readonly owner: FileOperationOwner | undefined
  readonly records: FileRecord[]
  readonly delay: { cancel(): void }
}

export class YoungFiles {
  readonly #delayedEnd: After
  readonly #files = new Map<string, YoungFile>()

  /** `delayedEnd` calls back after a time, or at the exit of the process. */
  constructor(delayedEnd: After) {
    this.#delayedEnd = delayedEnd
  }

  has(path: string): boolean {
    return this.#files.has(path)
  }

  /** Ends an operation on a young file, or on one that it makes young: it is recorded later, or dropped. */
  add(path: string, record: FileRecord): void {
    record.end({ isPostponed: true })
    const known = this.#files.get(path)
    if (known !== undefined) {
      known.records.push(record)
      return
    }
    const oldest = this.#files.size >= filesMax ? this.#files.keys().next() : undefined
    if (oldest?.value !== undefined) this.record(oldest.value)
    const delay = this.#delayedEnd(waitMs, () => this.record(path))
    this.#files.set(path, { owner: record.facts.owner, records: [record], delay })
  }

  /** Drops the operations on the file, which its owner renames; false when it is not young, or another's. */
  drop(path: string, owner: FileOperationOwner | undefined): boolean {
    const file = this.#files.get(path)
    if (file === undefined || file.owner !== owner) return false
    this.#files.delete(path)
    file.delay.cancel()
    for (const record of file.records) record.discard()
    return true
  }

  /** Whether `drop` would find it. */
  isOf(path: string, owner: FileOperationOwner | undefined): boolean {
    const file = this.#files.get(path)
    return file !== undefined && file.owner === owner
  }

  /** Whether the young file was only made to become the new file `target`: it was written once, and has a temporary name. */
  isTemporaryOf(path: string, target: string): boolean {
    const isFor = isNamedTemporary(path) || basename(path).includes(basename(target))
    return isFor && this.#files.get(path)?.records.length === 1
  }

  record(path: string): void {
    const file = this.#files.get(path)
    if (file === undefined) return
    this.#files.delete(path)
    file.delay.cancel()
    for (const record of file.records) record.recordNow()
  }

  /** Records the files of an owner, or all files. Files that are named like temporary ones may wait. */
  recordAll({
    owner,
    mayWait = false,
  }: {
    owner?: FileOperationOwner | undefined
    mayWait?: boolean
  } = {}): void {
    for (const [path, file] of [...this.#files]) {
      if (owner !== undefined && file.owner !== owner) continue
      if (mayWait && isNamedTemporary(path)) continue
      this.record(path)
    }
  }
}

function isNamedTemporary(path: string): boolean {
  return [path, dirname(path)].some((each) => temporaryName.test(basename(each)))
}
