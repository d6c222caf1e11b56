/**
 * An HTTP exchange whose address may be a model API's or something else's: its body decides. Until then its pieces are held,
 * at most `heldBytesMax`; a longer request is not a model call. What belongs to no API goes on as an unknown exchange.
 */
import type { ModelApi } from '../models/model-api.ts'
import type { Exchange } from './exchange.ts'

const heldBytesMax = 2 * 1024 ** 2

export class UndecidedExchange implements Exchange {
  readonly #apis: readonly ModelApi[]
  readonly #open: (api: ModelApi | undefined) => Exchange | undefined
  #pieces: (string | Uint8Array)[] = []
  #heldBytes = 0
  #isDecided: boolean = false
  #exchange: Exchange | undefined

  /** `open` opens the exchange of the API that the body shows; `undefined`: it shows none. */
  constructor(
    apis: readonly ModelApi[],
    open: (api: ModelApi | undefined) => Exchange | undefined,
  ) {
    this.#apis = apis
    this.#open = open
  }

  sent(chunk: string | Uint8Array): void {
    if (this.#isDecided) {
      this.#exchange?.sent(chunk)
      return
    }
    this.#pieces.push(chunk)
    this.#heldBytes += chunk.length
    if (this.#heldBytes > heldBytesMax) this.#decide()
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
    this.#exchange = this.#open(this.#apis.find((each) => each.isRequest(body)))
    for (const piece of pieces) this.#exchange?.sent(piece)
  }
}
