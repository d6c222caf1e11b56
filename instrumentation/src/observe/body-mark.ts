/**
 * Knows a body again without a copy of it: by its length and a checksum, which no change of a few bytes leaves as it was. A megabyte of
 * bytes takes half a millisecond. A text cannot change, so its checksum is made only when it is asked for.
 */
import { crc32 } from 'node:zlib'

export class BodyMark {
  bytes = 0
  #checksum = 0
  /** Texts that the checksum does not have yet. */
  #texts: string[] = []
  /** All of the body has come. */
  isWhole: boolean = false

  add(piece: string | Uint8Array): void {
    if (typeof piece === 'string') {
      this.bytes += Buffer.byteLength(piece)
      this.#texts.push(piece)
      return
    }
    this.#addTexts()
    this.bytes += piece.byteLength
    this.#checksum = crc32(piece, this.#checksum)
  }

  /** Whether `body` is the same; if not all of it has come, whether it begins with what came, which may be nothing. */
  isOf(body: Uint8Array): boolean {
    this.#addTexts()
    if (this.isWhole && this.bytes > 0 && body.byteLength !== this.bytes) return false
    return crc32(body.subarray(0, this.bytes)) === this.#checksum
  }

  #addTexts(): void {
    for (const text of this.#texts) this.#checksum = crc32(text, this.#checksum)
    this.#texts = []
  }
}
