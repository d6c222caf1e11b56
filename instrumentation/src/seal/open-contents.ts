/**
 * Remembers where in the journal the contents of open spans are. A file is kept until no open span has a piece in it. Beyond `bytesMax`
 * of pieces, or `filesMax` files, the pieces in the oldest file are given up.
 *
 * The pieces of a span are numbered, so a piece that was lost, damaged or given up is noticed: the span then is not whole,
 * and its contents are marked as incomplete instead of being shown in part.
 */
import type { FileSystem } from '../file-system.ts'
import { type ContentEncoding, contentText, type StoredContent } from '../journal/journal-record.ts'
import { attributeSlot } from '../journal/span-head.ts'
import type { ContentSlot } from '../record/recorder.ts'

/** An answer of an hour is one file per second. */
const defaultLimits = { filesMax: 4_096, bytesMax: 1024 ** 3 }
/** Pieces that come after their span's end are refused as long as the end is among this many. */
const endedRememberedMax = 10_000

/** Identifies a piece of a span. */
export interface PieceKey {
  readonly spanId: string
  readonly exchange: number
  /** Its number among all pieces of the span, from 1. */
  readonly index: number
  readonly file: string
}

interface Piece {
  readonly file: string
  readonly offset: number
  readonly length: number
  readonly encoding: ContentEncoding
  /** In memory until the file it was read from is done. */
  bytes: Buffer | undefined
}

interface SpanContents {
  /** By exchange and slot. */
  readonly slots: Map<string, Piece[]>
  readonly wire: Map<number, Readonly<Record<string, unknown>>>
  /** How many pieces there were: contents, and facts of the wire. */
  pieces: number
  isWhole: boolean
}

export class OpenContents {
  readonly #fileSystem: FileSystem
  readonly #limits: typeof defaultLimits
  readonly #spans = new Map<string, SpanContents>()
  readonly #ended = new Set<string>()
  /** Pieces of open spans and their bytes, by file. */
  readonly #uses = new Map<string, { pieces: number; bytes: number }>()
  #inMemory: Piece[] = []
  #bytes = 0

  constructor(fileSystem: FileSystem, limits = defaultLimits) {
    this.#fileSystem = fileSystem
    this.#limits = limits
  }

  /** A content of the span. */
  add(key: PieceKey, { slot, offset, encoding, bytes }: StoredContent): void {
    const piece = { file: key.file, offset, length: bytes.byteLength, encoding, bytes }
    this.#addPiece(key, slot, piece)
    this.#inMemory.push(piece)
  }

  /** Facts of the wire. They stay in memory; their file is kept too, for the next start. */
  addWire(key: PieceKey, facts: Readonly<Record<string, unknown>>): void {
    const { file, exchange } = key
    const empty = { file, offset: 0, length: 0, encoding: 'bytes', bytes: undefined } as const
    const wire = this.#addPiece(key, 'wire', empty)?.wire
    wire?.set(exchange, { ...wire.get(exchange), ...facts })
  }

  /** All pieces of a slot as one, strings as UTF-8; `undefined` when there is none. */
  bytes(spanId: string, slot: ContentSlot, exchange = 0): Buffer | undefined {
    const pieces = this.pieces(spanId, slot, exchange)
    return pieces.length <= 1 ? pieces[0] : Buffer.concat(pieces)
  }

  /** The pieces of a slot, one by one. */
  pieces(spanId: string, slot: ContentSlot, exchange = 0): Buffer[] {
    const pieces = this.#spans.get(spanId)?.slots.get(keyOf(exchange, slot)) ?? []
    return pieces.map((piece) => {
      const bytes = this.#load(piece)
      const text = contentText(piece.encoding, bytes)
      return text === undefined ? bytes : Buffer.from(text)
    })
  }

  /** Contents that were long attributes when the span began, as they were read. */
  attributes(spanId: string): StoredContent[] {
    const slots = [...(this.#spans.get(spanId)?.slots ?? [])]
    return slots.flatMap(([key, pieces]) => {
      const slot = key.slice(key.indexOf(' ') + 1)
      if (!slot.startsWith(attributeSlot)) return []
      return pieces.map((piece) => ({ ...piece, slot, bytes: this.#load(piece) }))
    })
  }

  /** Facts of the wire, by exchange. */
  wire(spanId: string): ReadonlyMap<number, Readonly<Record<string, unknown>>> {
    return this.#spans.get(spanId)?.wire ?? new Map()
  }

  /** Whether no piece is missing, of `count` in all where that is known. */
  isWhole(spanId: string, count?: number): boolean {
    const contents = this.#spans.get(spanId)
    if (contents === undefined) return (count ?? 0) === 0
    return contents.isWhole && (count === undefined || contents.pieces === count)
  }

  /** The span ended, or never will. */
  end(spanId: string): void {
    for (const pieces of this.#spans.get(spanId)?.slots.values() ?? []) {
      for (const piece of pieces) this.#count(piece, -1)
    }
    this.#spans.delete(spanId)
    this.#ended.add(spanId)
    const oldest = this.#ended.size > endedRememberedMax ? this.#ended.values().next() : undefined
    if (oldest?.value !== undefined) this.#ended.delete(oldest.value)
  }

  /** The spans that have contents. */
  ids(): string[] {
    return [...this.#spans.keys()]
  }

  /** A file has been read: its bytes need not stay in memory. */
  leaveFile(): void {
    for (const piece of this.#inMemory) piece.bytes = undefined
    this.#inMemory = []
  }

  isUsed(file: string): boolean {
    return this.#uses.has(file)
  }

  /** Gives up the pieces in the oldest files until the limits hold. */
  limit(): void {
    const { filesMax, bytesMax } = this.#limits
    for (const file of [...this.#uses.keys()].sort()) {
      if (this.#uses.size <= filesMax && this.#bytes <= bytesMax) return
      this.#giveUp(file)
    }
  }

  /** The span's contents, with the piece added; undefined once the span has ended. */
  #addPiece({ spanId, exchange, index }: PieceKey, slot: string, piece: Piece) {
    if (this.#ended.has(spanId)) return undefined
    let contents = this.#spans.get(spanId)
    if (contents === undefined) {
      contents = { slots: new Map(), wire: new Map(), pieces: 0, isWhole: true }
      this.#spans.set(spanId, contents)
    }
    contents.pieces += 1
    if (contents.pieces !== index) contents.isWhole = false
    const key = keyOf(exchange, slot)
    const pieces = contents.slots.get(key)
    if (pieces === undefined) contents.slots.set(key, [piece])
    else pieces.push(piece)
    this.#count(piece, 1)
    return contents
  }

  #count({ file, length }: Piece, count: 1 | -1): void {
    const use = this.#uses.get(file) ?? { pieces: 0, bytes: 0 }
    use.pieces += count
    use.bytes += count * length
    this.#bytes += count * length
    if (use.pieces === 0) this.#uses.delete(file)
    else this.#uses.set(file, use)
  }

  #giveUp(file: string): void {
    for (const contents of this.#spans.values()) {
      for (const [key, pieces] of contents.slots) {
        const { lost = [], left = [] } = Object.groupBy(pieces, (piece) =>
          piece.file === file ? 'lost' : 'left',
        )
        if (lost.length === 0) continue
        contents.isWhole = false
        contents.slots.set(key, left)
        for (const piece of lost) this.#count(piece, -1)
      }
    }
  }

  #load({ file, offset, length, bytes }: Piece): Buffer {
    if (bytes !== undefined) return bytes
    const buffer = Buffer.allocUnsafe(length)
    const descriptor = this.#fileSystem.openSync(file, 'r')
    try {
      let read = 0
      while (read < length) {
        const left = length - read
        const count = this.#fileSystem.readSync(descriptor, buffer, read, left, offset + read)
        if (count === 0) throw new Error('The journal file was cut.')
        read += count
      }
      return buffer
    } finally {
      this.#fileSystem.closeSync(descriptor)
    }
  }
}

function keyOf(exchange: number, slot: string): string {
  return `${exchange} ${slot}`
}
