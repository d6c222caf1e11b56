/**
 * Sealing: closed journal files → segments, or an exporter. The files of one recorder are sealed in order. The records of
 * each are sealed, put in place and noted in `state.json` before the file is deleted. With an exporter, "in place" means that
 * the exporter has answered; until then the file stays.
 *
 * A file also stays as long as an open span has contents in it, and the last one read as long as anything is open, because
 * its header and records list the open starts. So `state.json` and the files on disk are all that is needed to continue.
 *
 * Invariant: a crash between any two steps repeats work and never loses it. The same file gives the same segments of records,
 * and the contents they refer to. Records at or below `sealedThrough` are not sealed again. A record sent twice lands once.
 *
 * If the disk stays full and nothing is waiting to be sent that would make room, the oldest file that only open spans need is
 * deleted. Those spans then are not whole when they end, and say so.
 *
 * Records that the journal lost (a corrupt record, a missing file) show as a gap in the sequence. A living recorder declares
 * the gap itself, because `seal` returns it; for a dead one `closeDead` declares it. The same holds for records that an
 * exporter gave up for a living recorder; those of a dead one are tried again from the disk.
 *
 * States of a `Sealer`:
 *
 *     closed   nothing in memory; at first, and after any error       opened by the next call, from the disk
 *     open     `#sealing` is in memory, ahead of the disk             closed by an error, in a call or after an export
 */
import { isFull, removeFile } from '../file-system.ts'
import { failed, quietly } from '../health.ts'
import { journalPath } from '../journal/journal-file.ts'
import { listJournalFiles, listSegments } from '../spool/recorder-folder.ts'
import { sentFolder } from '../spool/sent-folder.ts'
import { Sealing, type SealingOptions } from './sealing.ts'
import type { MissingRange, SequenceBounds } from './sequences.ts'
import { readState } from './state.ts'

export interface SealerOptions extends SealingOptions {
  /** Called when the fate of exported records has become known. `isGivenUp`: they are sealed again from the disk. */
  readonly onSettled?: ((isGivenUp: boolean) => void) | undefined
}

/** How often in a row a disk may be full before room is made: about half a minute if the recorder lives, else one round. */
const fullTimesMax = { living: 5, dead: 2 }

/** Every method throws what the disk throws, except `forgetContents`. */
export class Sealer {
  readonly #options: SealerOptions
  #sealing: Sealing | undefined
  /** Ranges that `seal` has returned. */
  readonly #returned = new Set<string>()
  /** How often in a row the disk was full. */
  #fullTimes = 0
  #isInCall: boolean = false

  constructor(options: SealerOptions) {
    this.#options = options
  }

  /** Seals the oldest file up to `through` that is not sealed; false when there is none. */
  sealNext(through = Number.POSITIVE_INFINITY): boolean {
    return this.#call((sealing) => this.#sealNext(sealing, through))
  }

  /** Whether so much is in flight that sealing should wait. */
  isFull(): boolean {
    return this.#call((sealing) => sealing.isFull())
  }

  /**
   * Seals the closed files up to `through` as long as there is room. Returns the missing ranges that must be declared, each
   * once; none while `mayDeclare` says that a declaration would be lost as well.
   */
  seal(through = Number.POSITIVE_INFINITY, mayDeclare = () => true): MissingRange[] {
    return this.#call((sealing) => {
      while (!sealing.isFull() && this.#sealNext(sealing, through)) {
        // One file at a time is in memory.
      }
      if (!mayDeclare()) return []
      return sealing.undeclared.filter((range) => {
        const key = keyOf(range)
        return !this.#returned.has(key) && this.#returned.add(key)
      })
    })
  }

  /** Closes a dead recorder, whose files are all sealed. Doing it twice gives the same records. */
  closeDead(): void {
    this.#call((sealing) => sealing.closeDead())
  }

  /** Sealed records were lost when they were sent. They are missing from now on, and `seal` or `closeDead` declares them. */
  lose(ranges: readonly MissingRange[]): void {
    this.#call((sealing) => sealing.lose(ranges))
  }

  /** Contents already sent may be lost: they are sent again when they are next referenced. */
  forgetContents(): void {
    this.#sealing?.forgetContents()
  }

  /** Whether a newer version has written here: then nothing is touched. */
  isOfNewerVersion(): boolean {
    return this.#call((sealing) => sealing.isOfNewerVersion)
  }

  #call<T>(step: (sealing: Sealing) => T): T {
    this.#sealing ??= this.#open()
    this.#isInCall = true
    try {
      return step(this.#sealing)
    } catch (cause) {
      this.#sealing = undefined
      if (isFull(cause)) quietly('make room', () => this.#makeRoom())
      throw cause
    } finally {
      this.#isInCall = false
    }
  }

  #open(): Sealing {
    const opened: Sealing = new Sealing(this.#options, {
      settle: (step) => {
        // Segments are in place within the call that sealed them, so an error belongs to that call.
        if (this.#isInCall) step()
        else if (this.#sealing === opened) this.#settleLater(step)
      },
      declareAgain: (range) => this.#returned.delete(keyOf(range)),
    })
    return opened
  }

  #settleLater(step: () => void): void {
    try {
      step()
    } catch (cause) {
      this.#sealing = undefined
      failed('note what was exported', cause)
    }
    this.#options.onSettled?.(this.#sealing === undefined)
  }

  #sealNext(sealing: Sealing, through: number): boolean {
    const isSealed = sealing.sealNext(through)
    if (isSealed) this.#fullTimes = 0
    return isSealed
  }

  /** Makes room for the next attempt, but not while segments are waiting: those make room when they are sent. */
  #makeRoom(): void {
    const { fileSystem, folder, isDead } = this.#options
    this.#fullTimes += 1
    if (this.#fullTimes < (isDead === true ? fullTimesMax.dead : fullTimesMax.living)) return
    const waiting = [folder, sentFolder(folder)].flatMap((each) => listSegments(fileSystem, each))
    if (waiting.length > 0) return
    // The last file that was sealed lists the open starts, so it stays.
    const { readThrough } = readState(fileSystem, folder)
    const oldest = listJournalFiles(fileSystem, folder).find((number) => number < readThrough)
    if (oldest !== undefined) removeFile(fileSystem, journalPath(folder, oldest))
  }
}

function keyOf({ first, last }: SequenceBounds): string {
  return `${first}-${last}`
}
