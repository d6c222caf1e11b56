/**
 * The body of a request, or a message of a WebSocket, piece by piece. If it is longer than its limit, nothing of it
 * is kept.
 */
export class RequestBody {
  #pieces: (string | Uint8Array)[] = []
  #bytes = 0

  /** Its length so far, whether it is kept or not. */
  get bytes(): number {
    return this.#bytes
  }

  get pieces(): readonly (string | Uint8Array)[] {
    return this.#pieces
  }

  /** The piece is not copied. */
  add(piece: string | Uint8Array): void {
    this.#bytes += piece.length
    this.#pieces.push(piece)
  }

  /** Forgets the body if it is longer. */
  keepUpTo(bytesMax: number): void {
    if (this.#bytes > bytesMax) this.#pieces = []
  }

  forget(): void {
    this.#pieces = []
  }

  /** `undefined` when it is longer. */
  textUpTo(bytesMax: number): string | undefined {
    if (this.#bytes > bytesMax) return undefined
    const pieces = this.#pieces.map((piece) => Buffer.from(piece))
    return Buffer.concat(pieces).toString('utf8')
  }
}
