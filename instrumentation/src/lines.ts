/** The lines of a text that comes in pieces. Each piece is scanned once, however small the pieces are. */
export class Lines {
  readonly #lengthMax: number
  #rest = ''
  /** The line that has begun is longer than `lengthMax`. */
  #isTooLong: boolean = false

  /** A longer line is left out. */
  constructor(lengthMax: number = Number.POSITIVE_INFINITY) {
    this.#lengthMax = lengthMax
  }

  /** The lines that are complete with this piece, without their ends. */
  push(piece: string): string[] {
    if (!piece.includes('\n')) {
      this.#keep(piece)
      return []
    }
    const lines = (this.#rest + piece).split('\n')
    if (this.#isTooLong) lines.shift()
    this.#isTooLong = false
    this.#rest = ''
    this.#keep(lines.pop() ?? '')
    return lines.filter(({ length }) => length <= this.#lengthMax)
  }

  /** Call it after the last piece. Returns the text after the last line break, which may be empty. */
  end(): string {
    const last = this.#rest
    this.#rest = ''
    return last
  }

  #keep(piece: string): void {
    if (this.#isTooLong) return
    this.#rest += piece
    if (this.#rest.length <= this.#lengthMax) return
    this.#rest = ''
    this.#isTooLong = true
  }
}
