/**
 * What the threads and child processes of a turn have recorded themselves, so that a comparison of the workspace does not
 * count a change twice. A turn that starts a child process has a folder in the spool's `children/`:
 *
 *     <trace id>/report.jsonl   a line for each file operation that has ended: the path, and size, mtime and inode of the
 *                               file after it, or none of them where no file is left
 *     <trace id>/recorder-<pid> empty; this process records itself, and may not have reported all of it before its end
 *     <trace id>/<span id>      empty; the tool call or turn of that span is open: without it a child has no owner any more
 *
 * The process of the turn makes and removes the folder; reporters append to a report that exists. A line is one write
 * to the end of the file, so lines do not mix. Folders 0700, files 0600; a report above `reportBytesMax` takes no more.
 */
import { constants } from 'node:fs'
import * as path from 'node:path'
import { parseObject } from '@turnlog/conventions/plain'
import { attempt, type FileSystem, makePrivateFolder, namesIn, originalFs } from '../file-system.ts'

const reportName = 'report.jsonl'
const reportBytesMax = 16 * 1024 ** 2
/** Folders of one process; above it the oldest is removed. */
const foldersMax = 200
/** Folders that a killed process has left are removed after a day, a few at a time. */
const staleAfterMs = 86_400_000
const staleMax = 100

/** The file after the operation, as `lstat` gives it with `bigint`. */
export interface RecordedState {
  readonly size: bigint
  readonly mtimeNs: bigint
  readonly ino: bigint
}

/** The reports of this process's turns. Nothing here throws. */
export class ChildReports {
  readonly #directory: string
  readonly #fileSystem: FileSystem
  readonly #now: () => number
  /** The spans that are open, by trace id. */
  readonly #turns = new Map<string, Set<string>>()
  #isPrepared: boolean = false

  constructor(
    spoolDirectory: string,
    {
      fileSystem = originalFs,
      now = Date.now,
    }: { fileSystem?: FileSystem; now?: () => number } = {},
  ) {
    this.#directory = path.join(spoolDirectory, 'children')
    this.#fileSystem = fileSystem
    this.#now = now
  }

  /** A child of this tool call or turn may report from now on. Returns the folder; `undefined` if it cannot be made. */
  open(traceId: string, spanId: string): string | undefined {
    const folder = this.#folderOf(traceId)
    if (this.#turns.get(traceId)?.has(spanId) === true) return folder
    return attempt(() => {
      this.prepare()
      const oldest = this.#turns.size >= foldersMax ? this.#turns.keys().next().value : undefined
      if (oldest !== undefined && !this.#turns.has(traceId)) this.remove(oldest)
      makePrivateFolder(this.#fileSystem, folder)
      for (const name of [reportName, spanId]) {
        this.#fileSystem.closeSync(this.#fileSystem.openSync(path.join(folder, name), 'a', 0o600))
      }
      this.#turns.set(traceId, (this.#turns.get(traceId) ?? new Set()).add(spanId))
      return folder
    })
  }

  /** The tool call or turn has ended: its children have no owner any more. */
  ended(traceId: string, spanId: string, { isTurn = false } = {}): void {
    const isOfThread = !this.#turns.has(traceId)
    this.#turns.get(traceId)?.delete(spanId)
    const folder = this.#folderOf(traceId)
    // Most have started no child. A call that fails costs many times as much as this one.
    if (!this.#fileSystem.existsSync(folder)) return
    // If another thread has started the turn's children, nothing is compared in this one.
    if (isTurn && isOfThread) this.#removeFolder(folder)
    else attempt(() => this.#fileSystem.unlinkSync(path.join(folder, spanId)))
  }

  /** The last comparison of the turn is done. */
  remove(traceId: string): void {
    this.#turns.delete(traceId)
    this.#removeFolder(this.#folderOf(traceId))
  }

  close(): void {
    for (const traceId of [...this.#turns.keys()]) this.remove(traceId)
  }

  /** Makes the folder of all turns, and removes what killed processes have left. Called again, does nothing. */
  prepare(): void {
    if (this.#isPrepared) return
    this.#isPrepared = true
    attempt(() => makePrivateFolder(this.#fileSystem, this.#directory))
    for (const name of namesIn(this.#fileSystem, this.#directory).slice(0, staleMax)) {
      const folder = path.join(this.#directory, name)
      const changedAt = attempt(() => Number(this.#fileSystem.statSync(folder).mtimeMs))
      const isStale = changedAt !== undefined && this.#now() - changedAt > staleAfterMs
      if (isStale) this.#removeFolder(folder)
    }
  }

  #folderOf(traceId: string): string {
    return path.join(this.#directory, traceId)
  }

  #removeFolder(folder: string): void {
    const fileSystem = this.#fileSystem
    attempt(() => {
      for (const name of namesIn(fileSystem, folder)) fileSystem.unlinkSync(path.join(folder, name))
      fileSystem.rmdirSync(folder)
    })
  }
}

/** The folder of a turn, also for the other threads of its process. */
export function reportsOf(spoolDirectory: string, traceId: string): string {
  return path.join(spoolDirectory, 'children', traceId)
}

export function isOwnerOpen(reports: string, spanId: string, fileSystem = originalFs): boolean {
  return fileSystem.existsSync(path.join(reports, spanId))
}

/** This process records for the turn, and will report what it has recorded. Never throws. */
export function announceRecorder(reports: string, fileSystem: FileSystem = originalFs): void {
  const file = path.join(reports, `recorder-${process.pid}`)
  attempt(() => fileSystem.closeSync(fileSystem.openSync(file, 'a', 0o600)))
}

/** Whether a process that records itself may have more to report. */
export function hasRecorders(reports: string, fileSystem: FileSystem = originalFs): boolean {
  const names = attempt(() => namesIn(fileSystem, reports)) ?? []
  return names.some((name) => name.startsWith('recorder-'))
}

/** An operation has ended: reports the state of these files, where the turn has a report. Never throws. */
export function reportFiles(
  reports: string,
  files: readonly string[],
  fileSystem: FileSystem = originalFs,
): void {
  attempt(() => {
    const flags = constants.O_WRONLY | constants.O_APPEND
    const descriptor = fileSystem.openSync(path.join(reports, reportName), flags)
    try {
      if (Number(fileSystem.fstatSync(descriptor).size) > reportBytesMax) return
      const lines = files.map((file) => `${JSON.stringify(stateOf(file, fileSystem))}\n`)
      fileSystem.writeSync(descriptor, lines.join(''))
    } finally {
      fileSystem.closeSync(descriptor)
    }
  })
}

function stateOf(file: string, { lstatSync }: FileSystem): Readonly<Record<string, string>> {
  const stat = lstatSync(file, { bigint: true, throwIfNoEntry: false })
  return {
    path: file,
    ...(stat && { size: `${stat.size}`, mtimeNs: `${stat.mtimeNs}`, ino: `${stat.ino}` }),
  }
}

/**
 * The files whose operations were recorded by the threads and children of the turn, by absolute path, each after its last
 * operation; `undefined` is a file that is gone. Empty where nothing was reported.
 */
export function recordedByChildren(
  reports: string,
  fileSystem: FileSystem = originalFs,
): ReadonlyMap<string, RecordedState | undefined> {
  const file = path.join(reports, reportName)
  const text = attempt(() => fileSystem.readFileSync(file, 'utf8')) ?? ''
  const found = new Map<string, RecordedState | undefined>()
  for (const line of text.split('\n')) {
    const { path: name, size, mtimeNs, ino } = parseObject(line) ?? {}
    if (typeof name !== 'string') continue
    found.set(
      name,
      typeof size === 'string' && typeof mtimeNs === 'string' && typeof ino === 'string'
        ? { size: BigInt(size), mtimeNs: BigInt(mtimeNs), ino: BigInt(ino) }
        : undefined,
    )
  }
  return found
}
