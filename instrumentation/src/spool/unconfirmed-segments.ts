/**
 * The segments that an endpoint took and the receiver has not confirmed: those of this process's recorder and of the
 * recorders that it has adopted.
 *
 * The life of a segment, where its file is, and what ends each state:
 *
 * | state       | file                          | ends when                                                                |
 * | ----------- | ----------------------------- | ------------------------------------------------------------------------ |
 * | queued      | the recorder's folder         | the receiver lands it: deleted. A Collector takes it: sent.              |
 * |             |                               | It is refused for good: quarantined                                      |
 * | sent        | `sent/`, with a note          | confirmed: deleted. `sendAgain`: queued; the note stays and counts on.   |
 * |             |                               | Beyond a limit: deleted, and a line in unconfirmed-log.ts                |
 * |             |                               | `lose`, `setAside`: lost                                                 |
 * | lost        | `quarantine/lost_in_transit/` | never; the missing sequences are declared dropped                        |
 * | quarantined | `quarantine/`                 | never                                                                    |
 *
 * If the disk does not let a sent segment move into `sent/`, its file stays in the queue. This process remembers that and
 * does not send it again; the next process does, which changes nothing.
 *
 * A verdict may be late: between the question and the answer the segment may have been sent again and taken again, or
 * another process may have removed it. Then the verdict is ignored.
 *
 * Age, bytes and number of all sent segments are limited; beyond a limit the oldest are given up. Ages are measured by the
 * monotonic clock. The age of a segment that another process sent comes from the system's clock, and is never negative.
 */
import * as path from 'node:path'
import { type FileSystem, removeFile } from '../file-system.ts'
import { quietly } from '../health.ts'
import type { SequenceRange } from '../sequence-ranges.ts'
import { quarantineFolder, readIdentity } from './recorder-folder.ts'
import type { SegmentContents } from './segment-contents.ts'
import { parseSegmentName, type Signal } from './segment-name.ts'
import {
  listSent,
  lostFolder,
  moveToSent,
  nextNote,
  removeNote,
  removeSent,
  requeueSent,
  type SentNote,
  sentFolder,
  setAside,
} from './sent-folder.ts'
import { logUnconfirmed, type UnconfirmedReason } from './unconfirmed-log.ts'

interface SegmentFile {
  readonly folder: string
  readonly name: string
  readonly bytes: number
}

export interface SentSegment extends SegmentFile, SegmentContents {
  readonly recorder: string
  readonly signal: Signal
  /** Sequences that its records declare dropped. */
  readonly declares: number
  /** How often the endpoint has taken it. */
  readonly times: number
  /** When the endpoint last took it, by the monotonic clock; negative when that was before this process began. */
  readonly takenAt: number
  /** Since when this process knows it. */
  readonly knownAt: number
  readonly isInQueue: boolean
}

export interface UnconfirmedOptions {
  readonly fileSystem: FileSystem
  /** The destination's folder. */
  readonly directory: string
  readonly limits: { readonly ageMsMax: number; readonly bytesMax: number }
  readonly declareLost: DeclareLost
  /** A folder was added; it may hold sent segments. */
  readonly onAdded?: () => void
  /** Something of this recorder has not landed, or nobody will ever know. */
  readonly onLost?: (folder: string) => void
  /** Milliseconds since 1970. */
  readonly now?: () => number
  /** Milliseconds, monotonic. */
  readonly clock?: () => number
}

/**
 * Has sequences of a recorder declared dropped: notes that they are missing, then calls `setAside` for their segment, then
 * declares them. In this order a crash at any step accounts for none of them twice. Throws when it cannot note them; then
 * the segment stays in `sent/`.
 */
export type DeclareLost = (
  folder: string,
  sequences: readonly SequenceRange[],
  setAside: () => void,
) => void

/** Each has a file, a note and an entry in memory. */
const segmentsMax = 50_000

export class UnconfirmedSegments {
  readonly #options: UnconfirmedOptions
  readonly #fileSystem: FileSystem
  /** Keyed by the path that the segment has in the queue. */
  readonly #segments = new Map<string, SentSegment>()
  readonly #folders = new Set<string>()
  /** Folders whose `sent/` was not read yet. */
  readonly #unlisted = new Set<string>()
  /** Segments whose sequences were declared, but which the disk did not let be set aside. */
  readonly #declared = new WeakSet<SentSegment>()
  #bytes = 0

  constructor(options: UnconfirmedOptions) {
    this.#options = options
    this.#fileSystem = options.fileSystem
  }

  /** Includes what a recorder's `sent/` holds. */
  addFolder(folder: string): void {
    if (this.#folders.has(folder)) return
    this.#folders.add(folder)
    this.#unlisted.add(folder)
    this.#options.onAdded?.()
  }

  /** The folder was removed, or belongs to somebody else. */
  removeFolder(folder: string): void {
    this.#folders.delete(folder)
    this.#unlisted.delete(folder)
    for (const [key, segment] of this.#segments) if (segment.folder === folder) this.#drop(key)
  }

  /** An endpoint took the segment, but has not confirmed it. Never throws. */
  add({ folder, name, bytes }: SegmentFile): void {
    const note = nextNote(this.#fileSystem, { folder, name }, this.#now())
    const isMoved = quietly('move a segment that was sent', () => {
      moveToSent(this.#fileSystem, { folder, name }, note)
      return true
    })
    this.#enter({ folder, name, bytes, isInQueue: isMoved !== true }, { note, ageMs: 0 })
  }

  /** True for a file of the queue that was sent, but could not be moved. */
  isSentInQueue(file: string): boolean {
    return this.#segments.get(file)?.isInQueue === true
  }

  /** The receiver has landed the segment, or refused it for good. */
  forget({ folder, name }: Pick<SegmentFile, 'folder' | 'name'>): void {
    this.#drop(path.join(folder, name))
    quietly('remove a note', () => removeNote(this.#fileSystem, folder, name))
  }

  /** In the order in which they were taken. */
  all(): SentSegment[] {
    this.#listFolders()
    return [...this.#segments.values()].sort((a, b) => a.takenAt - b.takenAt)
  }

  /** All of the segment has landed, or was refused for good. */
  confirm(segment: SentSegment): void {
    if (this.#isCurrent(segment)) this.#remove(segment)
  }

  /** Back into the queue. */
  sendAgain(segment: SentSegment): void {
    if (!this.#isCurrent(segment)) return
    const { folder, name } = segment
    if (!segment.isInQueue) requeueSent(this.#fileSystem, folder, name)
    this.#drop(path.join(folder, name))
  }

  /** The ledger says that its records were declared dropped: set aside whole, because they have not landed. */
  setAside(segment: SentSegment, reason: string): void {
    if (this.#isCurrent(segment)) this.#moveAside(segment, lostFolder(segment.folder), reason)
  }

  /**
   * The segment was lost on its way: declares what is missing, and sets the segment aside whole. A lost declaration is not
   * declared in its turn, which might never end; it is quarantined with all that it declares.
   */
  lose(segment: SentSegment, missing: SegmentContents): void {
    if (!this.#isCurrent(segment)) return
    const { folder, declares, times } = segment
    const reason = `lost_in_transit: taken ${times} times, and not in the ledger: ${listOf(missing)}`
    if (declares > 0) {
      this.#moveAside(segment, quarantineFolder(folder), reason)
      return
    }
    const aside = () => {
      this.#declared.add(segment)
      this.#moveAside(segment, lostFolder(folder), reason)
    }
    if (missing.sequences.length === 0 || this.#declared.has(segment)) aside()
    else this.#options.declareLost(folder, missing.sequences, aside)
  }

  /** Gives up the oldest segments beyond the limits for which `mayGiveUp` is true; returns their number. */
  limit(mayGiveUp: (segment: SentSegment, why: UnconfirmedReason) => boolean): number {
    this.#listFolders()
    const isBeyond = (segment: SentSegment) => this.#limitReached(segment) !== undefined
    if (![...this.#segments.values()].some(isBeyond)) return 0
    let count = 0
    for (const segment of this.all()) {
      const why = this.#limitReached(segment)
      if (why === undefined) break
      if (!mayGiveUp(segment, why)) continue
      quietly('give up a sent segment', () => {
        this.#giveUp(segment, why)
        count += 1
      })
    }
    return count
  }

  #now(): number {
    return (this.#options.now ?? Date.now)()
  }

  #clock(): number {
    return this.#options.clock?.() ?? performance.now()
  }

  #enter(
    file: SegmentFile & { readonly isInQueue: boolean },
    { note, ageMs }: { readonly note: SentNote; readonly ageMs: number },
  ): void {
    const { folder, name, bytes } = file
    const identity = quietly('read who recorded', () => readIdentity(this.#fileSystem, folder))
    const recorder = identity?.recorder ?? path.basename(folder)
    const { signal = 'logs', declares = 0 } = parseSegmentName(name) ?? {}
    const knownAt = this.#clock()
    const times = { knownAt, takenAt: knownAt - ageMs }
    const key = path.join(folder, name)
    this.#drop(key)
    this.#bytes += bytes
    this.#segments.set(key, { ...file, ...note, recorder, signal, declares, ...times })
  }

  #drop(key: string): void {
    this.#bytes -= this.#segments.get(key)?.bytes ?? 0
    this.#segments.delete(key)
  }

  #listFolders(): void {
    for (const folder of this.#unlisted) {
      quietly('list what was sent', () => {
        for (const { name, bytes, note } of listSent(this.#fileSystem, folder)) {
          // Taken before the first look: more is known of it than its note says.
          if (this.#segments.has(path.join(folder, name))) continue
          // If the clock was set back the segment is new, if it was set forward it is old; the ledger is asked first.
          const ageMs = Math.max(0, this.#now() - note.takenAt)
          this.#enter({ folder, name, bytes, isInQueue: false }, { note, ageMs })
        }
        this.#unlisted.delete(folder)
      })
    }
  }

  #pathOf({ folder, name, isInQueue }: SentSegment): string {
    return path.join(isInQueue ? folder : sentFolder(folder), name)
  }

  /** False for a segment that was taken again or forgotten meanwhile, and for one that somebody else removed. */
  #isCurrent(segment: SentSegment): boolean {
    if (this.#segments.get(path.join(segment.folder, segment.name)) !== segment) return false
    if (this.#fileSystem.existsSync(this.#pathOf(segment))) return true
    this.#remove(segment)
    return false
  }

  #moveAside(segment: SentSegment, into: string, reason: string): void {
    const { folder, name } = segment
    this.#options.onLost?.(folder)
    setAside(this.#fileSystem, { from: this.#pathOf(segment), into, reason })
    removeNote(this.#fileSystem, folder, name)
    this.#drop(path.join(folder, name))
  }

  #remove(segment: SentSegment): void {
    const { folder, name } = segment
    if (segment.isInQueue) removeFile(this.#fileSystem, this.#pathOf(segment))
    removeSent(this.#fileSystem, folder, name)
    this.#drop(path.join(folder, name))
  }

  #giveUp(segment: SentSegment, why: UnconfirmedReason): void {
    const { recorder, name, bytes, sequences, folder } = segment
    const entry = { at: this.#now(), recorder, segment: name, bytes, sequences, why }
    logUnconfirmed(this.#fileSystem, this.#options.directory, entry)
    this.#options.onLost?.(folder)
    this.#remove(segment)
  }

  #limitReached(segment: SentSegment): UnconfirmedReason | undefined {
    const { ageMsMax, bytesMax } = this.#options.limits
    if (this.#clock() - segment.takenAt > ageMsMax) return 'kept_days_max'
    if (this.#bytes > bytesMax) return 'kept_bytes_max'
    return this.#segments.size > segmentsMax ? 'kept_segments_max' : undefined
  }
}

/** As many as a person reads. */
const namedMax = 20

function listOf({ sequences, contents }: SegmentContents): string {
  const words = [
    ...sequences.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)),
    ...contents.map((content) => `content ${content}`),
  ]
  const further = words.length - namedMax
  return words.slice(0, namedMax).join(', ') + (further > 0 ? `, and ${further} more` : '')
}
