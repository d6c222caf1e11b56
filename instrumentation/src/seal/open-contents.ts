/**
 * The contents of spans that have not ended: where their pieces lie in the journal. A file is kept until no open span
 * has a piece in it. Beyond `heldBytesMax`, or `heldFilesMax` files, the pieces in the oldest file are given up.
 *
 * The pieces of a span are numbered, so that one that was lost, damaged or given up is known: the span is then not
 * whole, and says so instead of showing what is left.
 */
import type { FileSystem } from '../file-system.ts'
import { type ContentEncoding, contentText, type StoredContent } from '../journal/journal-record.ts'
import { attributeSlot } from '../journal/span-head.ts'
import type { ContentSlot } from '../record/recorder.ts'

/** Of the disk: an answer of an hour is one file a second. */
const heldFilesMax = 4_096
const heldBytesMax = 1024 ** 3
/** Pieces that come after their span's end are refused, as long as the end is remembered. */
const endedRememberedMax = 10_000

interface Piece {
  readonly file: string
  readonly offset: number
  readonly length: number
  readonly encoding: ContentEncoding
  /** Until the file it was read from is done. */
  bytes: Buffer | undefined
}

interface Held {
  /** By exchange and slot. */
  readonly slots: Map<string, Piece[]>
  readonly wire: Map<number, Record<string, unknown>>
  /** How many pieces there were: contents, and facts of the wire. */
  pieces: number
  isWhole: boolean
}

/** Whose piece it is, and where it stands. */
export interface PiecePlace {
  /** The span's. */
  readonly id: string
  readonly exchange: number
  /** Its number among all pieces of the span, from 1. */
  readonly index: number
  readonly file: string
}

export interface HeldLimits {
  readonly filesMax: number
  readonly bytesMax: number
}

export type HeldContents = ReturnType<typeof createHeldContents>

export function createHeldContents(
  fileSystem: FileSystem,
  { filesMax, bytesMax }: HeldLimits = { filesMax: heldFilesMax, bytesMax: heldBytesMax },
) {
  const spans = new Map<string, Held>()
  const ended = new Set<string>()
  /** By file: pieces of open spans in it, and their bytes. */
  const uses = new Map<string, { pieces: number; bytes: number }>()
  let inMemory: Piece[] = []
  let bytesHeld = 0

  /** What is held of the span, with one more piece that has the number `index`; undefined once it has ended. */
  function next(id: string, index: number): Held | undefined {
    if (ended.has(id)) return undefined
    let held = spans.get(id)
    if (held === undefined) {
      held = { slots: new Map(), wire: new Map(), pieces: 0, isWhole: true }
      spans.set(id, held)
    }
    held.pieces += 1
    if (held.pieces !== index) held.isWhole = false
    return held
  }

  function addPiece(place: PiecePlace, slot: string, piece: Piece): Held | undefined {
    const held = next(place.id, place.index)
    if (held === undefined) return undefined
    const key = keyOf(place.exchange, slot)
    const pieces = held.slots.get(key)
    if (pieces === undefined) held.slots.set(key, [piece])
    else pieces.push(piece)
    use(piece, 1)
    return held
  }

  function use({ file, length }: Piece, count: 1 | -1): void {
    const of = uses.get(file) ?? { pieces: 0, bytes: 0 }
    of.pieces += count
    of.bytes += count * length
    bytesHeld += count * length
    if (of.pieces === 0) uses.delete(file)
    else uses.set(file, of)
  }

  function giveUp(file: string): void {
    for (const held of spans.values()) {
      for (const [key, pieces] of held.slots) {
        const lost = pieces.filter((piece) => piece.file === file)
        if (lost.length === 0) continue
        held.isWhole = false
        held.slots.set(
          key,
          pieces.filter((piece) => piece.file !== file),
        )
        for (const piece of lost) use(piece, -1)
      }
    }
  }

  function load({ file, offset, length, bytes }: Piece): Buffer {
    if (bytes !== undefined) return bytes
    const buffer = Buffer.allocUnsafe(length)
    const descriptor = fileSystem.openSync(file, 'r')
    try {
      let read = 0
      while (read < length) {
        const count = fileSystem.readSync(descriptor, buffer, read, length - read, offset + read)
        if (count === 0) throw new Error('The journal file was cut.')
        read += count
      }
      return buffer
    } finally {
      fileSystem.closeSync(descriptor)
    }
  }

  function piecesOf(id: string, slot: ContentSlot, exchange: number): readonly Piece[] {
    return spans.get(id)?.slots.get(keyOf(exchange, slot)) ?? []
  }

  return {
    /** A content of the span. */
    add(place: PiecePlace, { slot, offset, encoding, bytes }: StoredContent): void {
      const { file } = place
      const piece = { file, offset, length: bytes.byteLength, encoding, bytes }
      addPiece(place, slot, piece)
      inMemory.push(piece)
    },
    /** Facts of the wire: kept in memory, and the file with them, for the next start. */
    addWire(place: PiecePlace, facts: Readonly<Record<string, unknown>>): void {
      const { file, exchange } = place
      const nothing = { file, offset: 0, length: 0, encoding: 'bytes', bytes: undefined } as const
      const held = addPiece(place, 'wire', nothing)
      held?.wire.set(exchange, { ...held.wire.get(exchange), ...facts })
    },
    /** All pieces of a slot as one; strings as UTF-8. `undefined` when there is none. */
    bytes(id: string, slot: ContentSlot, exchange = 0): Buffer | undefined {
      const pieces = piecesOf(id, slot, exchange)
      if (pieces.length === 0) return undefined
      const loaded = pieces.map((piece) => asUtf8(load(piece), piece.encoding))
      return loaded.length === 1 ? loaded[0] : Buffer.concat(loaded)
    },
    /** Each piece of a slot by itself. */
    pieces: (id: string, slot: ContentSlot, exchange = 0): Buffer[] =>
      piecesOf(id, slot, exchange).map((piece) => asUtf8(load(piece), piece.encoding)),
    /** Contents that were long attributes when the span began, as they were read. */
    attributes(id: string): StoredContent[] {
      const slots = [...(spans.get(id)?.slots ?? [])]
      return slots.flatMap(([key, pieces]) => {
        const slot = key.slice(key.indexOf(' ') + 1)
        if (!slot.startsWith(attributeSlot)) return []
        return pieces.map((piece) => ({ ...piece, slot, bytes: load(piece) }))
      })
    },
    wire: (id: string): ReadonlyMap<number, Readonly<Record<string, unknown>>> =>
      spans.get(id)?.wire ?? new Map(),
    /** Whether no piece is missing, of `count` in all where that is known. */
    isWhole(id: string, count?: number): boolean {
      const held = spans.get(id)
      if (held === undefined) return (count ?? 0) === 0
      return held.isWhole && (count === undefined || held.pieces === count)
    },
    /** The span ended, or never will. */
    end(id: string): void {
      for (const pieces of spans.get(id)?.slots.values() ?? []) {
        for (const piece of pieces) use(piece, -1)
      }
      spans.delete(id)
      ended.add(id)
      const oldest = ended.size > endedRememberedMax ? ended.values().next() : undefined
      if (oldest?.value !== undefined) ended.delete(oldest.value)
    },
    /** The spans of which something is held. */
    ids: (): string[] => [...spans.keys()],
    /** A file has been read: its bytes need not stay in memory. */
    leaveFile(): void {
      for (const piece of inMemory) piece.bytes = undefined
      inMemory = []
    },
    isUsed: (file: string): boolean => uses.has(file),
    /** Gives up the oldest until the limits hold. */
    limit(): void {
      for (const file of [...uses.keys()].sort()) {
        if (uses.size <= filesMax && bytesHeld <= bytesMax) return
        giveUp(file)
      }
    },
  }
}

function keyOf(exchange: number, slot: string): string {
  return `${exchange} ${slot}`
}

function asUtf8(bytes: Buffer, encoding: ContentEncoding): Buffer {
  const text = contentText(encoding, bytes)
  return text === undefined ? bytes : Buffer.from(text)
}
