/**
 * Knows a body again without a copy of it: by its length and a checksum, which no change of a few bytes leaves as it was. A megabyte of
 * bytes takes half a millisecond, so the checksum is made only when it is asked for. But of bytes only the last piece waits: the host
 * may use its memory again.
 */
import { crc32 } from 'node:zlib'

export class BodyMark {
  bytes = 0
  #checksum = 0
  /** What the checksum does not have yet: texts, which cannot change, or the last piece of bytes. */
  #waiting: (string | Uint8Array)[] = []
  /** All of the body has come. */
  isWhole: boolean = false

  add(piece: string | Uint8Array): void {
    const isText = typeof piece === 'string'
    if (!isText || this.#waiting.some((each) => typeof each !== 'string')) this.settle()
    this.bytes += isText ? Buffer.byteLength(piece) : piece.byteLength
    this.#waiting.push(piece)
  }

  /** Makes the checksum of what has come. */
  settle(): void {
    for (const piece of this.#waiting) this.#checksum = crc32(piece, this.#checksum)
    this.#waiting = []
  }

  /** Whether `body` is the same; if not all of it has come, whether it begins with what came, which may be nothing. */
  isOf(body: Uint8Array): boolean {
    this.settle()
    if (this.isWhole && this.bytes > 0 && body.byteLength !== this.bytes) return false
    return crc32(body.subarray(0, this.bytes)) === this.#checksum
  }
}
