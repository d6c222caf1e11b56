/** Small pieces of one content, which come many times a second, as one piece. */
import type { ContentPiece } from './journal-record.ts'

/** So much is gathered at most. */
const gatheredBytesMax = 64 * 1024
/** A larger piece is not worth a copy. */
const smallBytesMax = 16 * 1024

export interface SmallPiece extends Pick<ContentPiece, 'spanId' | 'exchange'> {
  readonly content: readonly [slot: string, bytes: Uint8Array]
}

export function isSmall(bytes: Uint8Array): boolean {
  return bytes.byteLength <= smallBytesMax
}

export class GatheredPiece {
  readonly #first: SmallPiece & Pick<ContentPiece, 'index'>
  readonly #chunks: Buffer[] = []
  #bytes = 0

  constructor(first: SmallPiece & Pick<ContentPiece, 'index'>) {
    this.#first = first
    this.#add(first.content[1])
  }

  /** False if the piece is of another content, or does not fit: then it is a piece of its own. */
  takes({ spanId, exchange, content: [slot, bytes] }: SmallPiece): boolean {
    const first = this.#first
    if (spanId !== first.spanId || exchange !== first.exchange) return false
    if (slot !== first.content[0] || this.#bytes + bytes.byteLength > gatheredBytesMax) return false
    this.#add(bytes)
    return true
  }

  get whole(): ContentPiece {
    return { ...this.#first, content: [this.#first.content[0], Buffer.concat(this.#chunks)] }
  }

  #add(bytes: Uint8Array): void {
    // A copy: the memory of a chunk belongs to the host.
    this.#chunks.push(Buffer.from(bytes))
    this.#bytes += bytes.byteLength
  }
}
