/**
 * What this process keeps until a ledger confirms it: segments of its own recorder and of those it has adopted, which an
 * endpoint has taken and of which it is not known that they have landed.
 *
 * A segment that the disk does not let move into `sent/` stays in the queue, is known here, and is not sent again by
 * this process; by the next one it is, which changes nothing.
 *
 * Bounded in age, bytes and number over all of them: at a bound the oldest is given up *unconfirmed*, and noted by
 * name (unconfirmed.ts). Time is the monotonic clock's; of what another process kept, the age is told by the system's
 * clock, and is never negative.
 */
import * as path from 'node:path'
import { type FileSystem, removeFile } from '../file-system.ts'
import { failed, quietly } from '../health.ts'
import type { SequenceRange } from '../sequence-ranges.ts'
import { quarantineFolder, readIdentity } from './recorder-folder.ts'
import type { Signal } from './segment-name.ts'
import { parseSegmentName } from './segment-name.ts'
import {
  forgetSent,
  keepSent,
  listSent,
  lostFolder,
  nextNote,
  removeSent,
  requeueSent,
  type SentNote,
  sentFolder,
  setAside,
} from './sent-folder.ts'
import { noteUnconfirmed, type UnconfirmedReason } from './unconfirmed-log.ts'

export interface KeptSegment {
  readonly folder: string
  readonly name: string
  readonly recorder: string
  readonly signal: Signal
  readonly bytes: number
  readonly sequences: readonly SequenceRange[]
  readonly contents: readonly string[]
  /** Sequences that its records declare dropped. */
  readonly declares: number
  /** How often the endpoint has taken it. */
  readonly times: number
  /** When it did last, by the monotonic clock; before this process began, where another one sent it. */
  readonly takenAt: number
  /** Since when this process knows it. */
  readonly knownAt: number
  readonly isInQueue: boolean
}

export interface KeeperLimits {
  readonly ageMsMax: number
  readonly bytesMax: number
}

export interface KeeperOptions {
  readonly fileSystem: FileSystem
  /** The destination's folder. */
  readonly directory: string
  readonly limits: KeeperLimits
  readonly declareLost: DeclareLost
  /** A folder is kept on, and may have something in it. */
  readonly onAdded?: () => void
  /** Something of this recorder has not landed, or nobody will ever know. */
  readonly onLost?: (folder: string) => void
  /** Milliseconds since 1970. */
  readonly now?: () => number
  /** Milliseconds, monotonic. */
  readonly clock?: () => number
}

/**
 * Has these sequences of a recorder declared dropped: notes that they are missing, then sets their segment aside by
 * `setAside`, then declares. In this order, whatever a crash interrupts, none is accounted for twice. Throws where it
 * cannot note it; then they are kept on.
 */
export type DeclareLost = (
  folder: string,
  sequences: readonly SequenceRange[],
  setAside: () => void,
) => void

/** What of a segment is not in the ledger. */
export interface Missing {
  readonly sequences: readonly SequenceRange[]
  readonly contents: readonly string[]
}

/** Each is a file, a note and a place in memory. */
const keptSegmentsMax = 50_000

export type Keeper = ReturnType<typeof createKeeper>

export function createKeeper({
  fileSystem,
  directory,
  limits,
  declareLost,
  onAdded,
  onLost,
  now = Date.now,
  clock = performance.now.bind(performance),
}: KeeperOptions) {
  /** By their place in the queue. */
  const kept = new Map<string, KeptSegment>()
  const folders = new Map<string, { isListed: boolean }>()
  /** Declared and not yet set aside, because the disk did not let it. */
  const declared = new WeakSet<KeptSegment>()
  let bytes = 0

  function hold(
    place: Pick<KeptSegment, 'folder' | 'name' | 'bytes' | 'isInQueue'>,
    { note, ageMs }: { readonly note: SentNote; readonly ageMs: number },
  ): void {
    const recorder =
      quietly('read who recorded', () => readIdentity(fileSystem, place.folder))?.recorder ??
      path.basename(place.folder)
    const { signal = 'logs', declares = 0 } = parseSegmentName(place.name) ?? {}
    const { sequences, contents, times } = note
    const knownAt = clock()
    const takenAt = knownAt - ageMs
    const key = path.join(place.folder, place.name)
    release(key)
    bytes += place.bytes
    kept.set(key, {
      ...place,
      recorder,
      signal,
      declares,
      sequences,
      contents,
      times,
      takenAt,
      knownAt,
    })
  }

  function release(key: string): void {
    bytes -= kept.get(key)?.bytes ?? 0
    kept.delete(key)
  }

  function listFolders(): void {
    for (const [folder, state] of folders) {
      if (state.isListed) continue
      quietly('list what was sent', () => {
        for (const { name, bytes, note } of listSent(fileSystem, folder)) {
          // Taken before the first look: better known than by its note.
          if (kept.has(path.join(folder, name))) continue
          // A clock that went back makes it new, one that went on makes it old: either way it is asked about first.
          const ageMs = Math.max(0, now() - note.takenAt)
          hold({ folder, name, bytes, isInQueue: false }, { note, ageMs })
        }
        state.isListed = true
      })
    }
  }

  function pathOf({ folder, name, isInQueue }: KeptSegment): string {
    return path.join(isInQueue ? folder : sentFolder(folder), name)
  }

  /** False for one that was taken again or let go meanwhile, and for one that somebody else removed. */
  function isCurrent(segment: KeptSegment): boolean {
    if (kept.get(path.join(segment.folder, segment.name)) !== segment) return false
    if (fileSystem.existsSync(pathOf(segment))) return true
    remove(segment)
    return false
  }

  function moveAside(segment: KeptSegment, into: string, reason: string): void {
    onLost?.(segment.folder)
    setAside(fileSystem, { from: pathOf(segment), into, reason })
    forgetSent(fileSystem, segment.folder, segment.name)
    release(path.join(segment.folder, segment.name))
  }

  function remove(segment: KeptSegment): void {
    if (segment.isInQueue) removeFile(fileSystem, pathOf(segment))
    removeSent(fileSystem, segment.folder, segment.name)
    release(path.join(segment.folder, segment.name))
  }

  function giveUp(segment: KeptSegment, why: UnconfirmedReason): void {
    const { recorder, name, sequences } = segment
    const unconfirmed = { at: now(), recorder, segment: name, bytes: segment.bytes, sequences, why }
    noteUnconfirmed(fileSystem, directory, unconfirmed)
    onLost?.(segment.folder)
    remove(segment)
  }

  function boundReached(segment: KeptSegment): UnconfirmedReason | undefined {
    if (clock() - segment.takenAt > limits.ageMsMax) return 'kept_days_max'
    if (bytes > limits.bytesMax) return 'kept_bytes_max'
    return kept.size > keptSegmentsMax ? 'kept_segments_max' : undefined
  }

  function all(): KeptSegment[] {
    listFolders()
    return [...kept.values()].sort((a, b) => a.takenAt - b.takenAt)
  }

  return {
    /** What is in this recorder's `sent/` is kept on. */
    add(folder: string): void {
      if (folders.has(folder)) return
      folders.set(folder, { isListed: false })
      onAdded?.()
    },
    /** The folder is gone, or not ours. */
    remove(folder: string): void {
      folders.delete(folder)
      for (const [key, segment] of kept) if (segment.folder === folder) release(key)
    },
    /** The endpoint has taken it. Never throws. */
    keep(segment: {
      readonly folder: string
      readonly name: string
      readonly bytes: number
    }): void {
      const { folder, name, bytes } = segment
      try {
        const note = keepSent(fileSystem, segment, now())
        hold({ folder, name, bytes, isInQueue: false }, { note, ageMs: 0 })
      } catch (cause) {
        failed('move a segment that was sent', cause)
        const note = nextNote(fileSystem, segment, now())
        hold({ folder, name, bytes, isInQueue: true }, { note, ageMs: 0 })
      }
    },
    /** True for a file of the queue that was sent all the same. */
    isKeptInQueue: (file: string): boolean => kept.get(file)?.isInQueue === true,
    /** The receiver itself has it, or has refused it for good: nothing is left to learn. */
    forget({ folder, name }: { readonly folder: string; readonly name: string }): void {
      release(path.join(folder, name))
      quietly('forget a note', () => forgetSent(fileSystem, folder, name))
    },
    /** In the order in which they were taken. */
    all,
    /** All of it has landed, or was refused for good. */
    confirm(segment: KeptSegment): void {
      if (isCurrent(segment)) remove(segment)
    },
    /** Back into the queue. */
    sendAgain(segment: KeptSegment): void {
      if (!isCurrent(segment)) return
      if (!segment.isInQueue) requeueSent(fileSystem, segment.folder, segment.name)
      release(path.join(segment.folder, segment.name))
    },
    /** It is in the ledger as declared dropped, by whomever: set aside whole, so that nothing is deleted that has not landed. */
    setAside(segment: KeptSegment, reason: string): void {
      if (isCurrent(segment)) moveAside(segment, lostFolder(segment.folder), reason)
    },
    /**
     * It was lost on its way: what is missing of it is declared, and it is set aside whole. A lost declaration is not
     * declared in its turn, which might never end: it is quarantined, with all that it declares.
     */
    lose(segment: KeptSegment, missing: Missing): void {
      if (!isCurrent(segment)) return
      const { folder, declares, times } = segment
      const reason = `lost_in_transit: taken ${times} times, and not in the ledger: ${wordsOf(missing)}`
      if (declares > 0) {
        moveAside(segment, quarantineFolder(folder), reason)
        return
      }
      const aside = () => moveAside(segment, lostFolder(folder), reason)
      if (missing.sequences.length === 0 || declared.has(segment)) aside()
      else {
        declareLost(folder, missing.sequences, () => {
          declared.add(segment)
          aside()
        })
      }
    },
    /** Gives up what is beyond the bounds and may go, the oldest first; how many that were. */
    limit(mayGo: (segment: KeptSegment, why: UnconfirmedReason) => boolean): number {
      listFolders()
      if (![...kept.values()].some((segment) => boundReached(segment) !== undefined)) return 0
      let count = 0
      for (const segment of all()) {
        const why = boundReached(segment)
        if (why === undefined) break
        if (!mayGo(segment, why)) continue
        if (quietly('give up a kept segment', () => giveUp(segment, why) ?? true) === true)
          count += 1
      }
      return count
    },
  }
}

/** As many as a person reads. */
const namedMax = 20

function wordsOf({ sequences, contents }: Missing): string {
  const words = [
    ...sequences.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)),
    ...contents.map((content) => `content ${content}`),
  ]
  const further = words.length - namedMax
  return words.slice(0, namedMax).join(', ') + (further > 0 ? `, and ${further} more` : '')
}
