/**
 * The contents of spans that have not ended: where their pieces lie in the journal. A file is kept until no open span
 * has a piece in it; at most `filesMax` are, beyond that the oldest file's pieces are given up, and its spans say so.
 */
import type { FileSystem } from '../file-system.ts'
import type { ContentSlot } from '../record/recorder.ts'
import { type ContentEncoding, contentText, type StoredContent } from './journal-record.ts'

const filesMax = 64
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
  isIncomplete: boolean
}

export function createHeldContents(fileSystem: FileSystem) {
  const spans = new Map<string, Held>()
  const ended = new Set<string>()
  const uses = new Map<string, number>()

  function heldOf(id: string): Held | undefined {
    if (ended.has(id)) return undefined
    let held = spans.get(id)
    if (held === undefined) {
      held = { slots: new Map(), wire: new Map(), isIncomplete: false }
      spans.set(id, held)
    }
    return held
  }

  function load(piece: Piece): Buffer {
    if (piece.bytes !== undefined) return piece.bytes
    const buffer = Buffer.allocUnsafe(piece.length)
    const descriptor = fileSystem.openSync(piece.file, 'r')
    try {
      let read = 0
      while (read < piece.length) {
        const count = fileSystem.readSync(
          descriptor,
          buffer,
          read,
          piece.length - read,
          piece.offset + read,
        )
        if (count === 0) break
        read += count
      }
      return buffer.subarray(0, read)
    } finally {
      fileSystem.closeSync(descriptor)
    }
  }

  function release(held: Held): void {
    for (const pieces of held.slots.values()) {
      for (const { file } of pieces) {
        const left = (uses.get(file) ?? 1) - 1
        if (left === 0) uses.delete(file)
        else uses.set(file, left)
      }
    }
  }

  return {
    add(id: string, exchange: number, content: StoredContent, file: string): void {
      const held = heldOf(id)
      if (held === undefined) return
      const key = keyOf(exchange, content.slot)
      const pieces = held.slots.get(key) ?? []
      held.slots.set(key, pieces)
      const { offset, encoding, bytes } = content
      pieces.push({ file, offset, length: bytes.byteLength, encoding, bytes })
      uses.set(file, (uses.get(file) ?? 0) + 1)
    },
    addWire(id: string, exchange: number, facts: Readonly<Record<string, unknown>>): void {
      const held = heldOf(id)
      if (held !== undefined) held.wire.set(exchange, { ...held.wire.get(exchange), ...facts })
    },
    /** All pieces of a slot as one; strings as UTF-8. `undefined` when there is none. */
    bytes(id: string, slot: ContentSlot, exchange = 0): Buffer | undefined {
      const pieces = spans.get(id)?.slots.get(keyOf(exchange, slot))
      if (pieces === undefined) return undefined
      const loaded = pieces.map((piece) => asUtf8(load(piece), piece.encoding))
      return loaded.length === 1 ? loaded[0] : Buffer.concat(loaded)
    },
    /** Each piece of a slot by itself. */
    pieces(id: string, slot: ContentSlot, exchange = 0): Buffer[] {
      const pieces = spans.get(id)?.slots.get(keyOf(exchange, slot)) ?? []
      return pieces.map((piece) => asUtf8(load(piece), piece.encoding))
    },
    wire: (id: string): ReadonlyMap<number, Readonly<Record<string, unknown>>> =>
      spans.get(id)?.wire ?? new Map(),
    isIncomplete: (id: string): boolean => spans.get(id)?.isIncomplete ?? false,
    /** The span ended, or never will. */
    end(id: string): void {
      const held = spans.get(id)
      if (held !== undefined) release(held)
      spans.delete(id)
      ended.add(id)
      if (ended.size > endedRememberedMax) {
        const oldest = ended.values().next()
        if (!oldest.done) ended.delete(oldest.value)
      }
    },
    /** A file has been read: its bytes need not stay in memory. */
    leaveFile(file: string): void {
      for (const { slots } of spans.values()) {
        for (const pieces of slots.values()) {
          for (const piece of pieces) if (piece.file === file) piece.bytes = undefined
        }
      }
    },
    isUsed: (file: string): boolean => uses.has(file),
    /** Gives up the pieces in the oldest of too many files. */
    limitFiles(): void {
      const files = [...uses.keys()].sort()
      for (const file of files.slice(0, Math.max(0, files.length - filesMax))) {
        for (const held of spans.values()) {
          for (const [key, pieces] of held.slots) {
            const kept = pieces.filter((piece) => piece.file !== file)
            if (kept.length < pieces.length) held.isIncomplete = true
            held.slots.set(key, kept)
          }
        }
        uses.delete(file)
      }
    },
  }
}

export type HeldContents = ReturnType<typeof createHeldContents>

function keyOf(exchange: number, slot: string): string {
  return `${exchange} ${slot}`
}

function asUtf8(bytes: Buffer, encoding: ContentEncoding): Buffer {
  const text = contentText(encoding, bytes)
  return text === undefined ? bytes : Buffer.from(text)
}
