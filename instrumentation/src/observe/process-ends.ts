/**
 * What ends with the process, if it is open when the process exits. At most `ownersMax` are known: an older one stays open, and is
 * abandoned.
 */
import { setBounded } from '../bounded-map.ts'
import { quietly } from '../health.ts'

const ownersMax = 1_000

export class ProcessEnds {
  readonly #ends = new Map<object, () => void>()

  /** `end` is called when the process exits, unless `owner` is removed before. */
  add(owner: object, end: () => void): void {
    setBounded(this.#ends, owner, end, ownersMax)
  }

  remove(owner: object): void {
    this.#ends.delete(owner)
  }

  processExits(): void {
    for (const end of this.#ends.values()) quietly('end what is open with the process', end)
  }
}
