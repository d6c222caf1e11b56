/**
 * An HTTP exchange of which its body decides what it is: whether its address is a model API's or something else's, and whether it
 * is another attempt of a call that has failed. Until then its pieces are held, at most `heldBytesMax`. What belongs to no API goes
 * on as an unknown exchange.
 */
import type { Exchange } from './exchange.ts'

export interface HeldBodies {
  readonly heldBytesMax: number
  /** Whether a body that begins with this piece is worth waiting for. */
  readonly isHeld?: (piece: string | Uint8Array) => boolean
}

export class UndecidedExchange implements Exchange {
  readonly #heldBytesMax: number
  readonly #isHeld: (piece: string | Uint8Array) => boolean
  readonly #open: (body: Uint8Array) => Exchange | undefined
  #pieces: (string | Uint8Array)[] = []
  #heldBytes = 0
  #isDecided: boolean = false
  #exchange: Exchange | undefined

  /** `open` opens the exchange that the body shows, and gets of a longer body its beginning. */
  constructor(
    open: (body: Uint8Array) => Exchange | undefined,
    { heldBytesMax, isHeld = () => true }: HeldBodies,
  ) {
    this.#heldBytesMax = heldBytesMax
    this.#isHeld = isHeld
    this.#open = open
  }

  sent(chunk: string | Uint8Array): void {
    if (this.#isDecided) {
      this.#exchange?.sent(chunk)
      return
    }
    this.#pieces.push(chunk)
    const isHeld = this.#heldBytes > 0 || this.#isHeld(chunk)
    this.#heldBytes += chunk.length
    if (!isHeld || this.#heldBytes > this.#heldBytesMax) this.#decide()
  }

  allSent(): void {
    this.#decide()
    this.#exchange?.allSent()
  }

  answered(status: number, headers: readonly (readonly [string, string])[]): void {
    this.#decide()
    this.#exchange?.answered(status, headers)
  }

  received(chunk: Uint8Array): void {
    this.#exchange?.received(chunk)
  }

  finished(): void {
    this.#exchange?.finished()
  }

  failed(error: unknown): void {
    this.#decide()
    this.#exchange?.failed(error)
  }

  #decide(): void {
    if (this.#isDecided) return
    this.#isDecided = true
    const pieces = this.#pieces
    this.#pieces = []
    const body = Buffer.concat(
      pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)),
    )
    this.#exchange = this.#open(body)
    for (const piece of pieces) this.#exchange?.sent(piece)
  }
}
