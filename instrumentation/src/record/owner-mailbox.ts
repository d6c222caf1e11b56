/**
 * Memory that two threads share, in which one says for whom it sends a message to the other; the message itself stays as it
 * is. Before a message whose owner differs from that of the last message on the same port, the sender writes an entry. The
 * worker counts the messages that arrive on each port, and so finds the owner of each, also of those that waited.
 *
 *     header, 32-bit words   0 entries begun · 1 entries written · 2 the worker's thread id, 0 until it is known
 *     recorder               length, 32 bits, and path of the folder that the worker records into
 *     `slots` slots          length, 32 bits, and JSON of an entry; entry number `n` is in slot `n` modulo `slots`
 *
 * Bounded: a worker that is more than `slots` entries behind has lost the oldest, and takes no owner for them. A worker
 * without the preload reads nothing, and nothing waits for it.
 */
import { isObject, parseObject } from '@turnlog/conventions/plain'
import { type InheritedOwner, parseInheritedOwner } from './inherited-owner.ts'

/** Where a new worker finds its mailbox in the environment data. */
export const mailboxKey = 'turnlog mailbox'
const slots = 64
const slotBytes = 1_024
const headerBytes = 64
const recorderAt = headerBytes
const slotsAt = recorderAt + 4_096
const bytes = slotsAt + slots * slotBytes
const [begun, written, thread] = [0, 1, 2]

export interface MailboxEntry {
  /** 0 is the worker's own port; others are numbered as they are transferred. */
  readonly port: number
  /** The first message that the entry holds for, counted from 1 on the port; 0 before all. */
  readonly message: number
  readonly owner: InheritedOwner | undefined
  /** The number of the first port that the message transfers; the others follow. */
  readonly transfers?: number | undefined
}

/** Views of the shared memory; both threads make their own. */
function viewsOf(memory: SharedArrayBuffer) {
  return { words: new Int32Array(memory, 0, headerBytes / 4), text: Buffer.from(memory) }
}

function writeText(text: Buffer, at: number, value: string, bytesMax: number): boolean {
  const length = Buffer.byteLength(value)
  if (length + 4 > bytesMax) return false
  text.writeUInt32LE(length, at)
  text.write(value, at + 4)
  return true
}

function readText(text: Buffer, at: number): string {
  const length = Math.min(text.readUInt32LE(at), bytes)
  return text.toString('utf8', at + 4, at + 4 + length)
}

/** The sender's side. */
export function createMailbox() {
  const memory = new SharedArrayBuffer(bytes)
  const { words, text } = viewsOf(memory)
  return {
    memory,
    write(entry: MailboxEntry): void {
      const number = Atomics.add(words, begun, 1)
      const at = slotsAt + (number % slots) * slotBytes
      // Without the tool call's name, an entry always fits.
      writeText(text, at, JSON.stringify(entry), slotBytes) ||
        writeText(text, at, JSON.stringify({ ...entry, owner: withoutCall(entry) }), slotBytes)
      Atomics.add(words, written, 1)
    },
    /** The worker has been made, and has this thread id. */
    addressTo: (threadId: number): void => void Atomics.store(words, thread, threadId),
    /** The folder that the worker records into; `undefined` if it does not record. */
    recorderFolder: (): string | undefined => readText(text, recorderAt) || undefined,
  }
}

function withoutCall({ owner }: MailboxEntry): InheritedOwner | undefined {
  return owner === undefined ? undefined : { ...owner, call: undefined }
}

/** The worker's side. `memory` comes from the environment data, which hosts can set, too. */
export function openMailbox(memory: unknown, threadId: number) {
  if (!(memory instanceof SharedArrayBuffer) || memory.byteLength !== bytes) return undefined
  const { words, text } = viewsOf(memory)
  let read = 0
  return {
    /**
     * The entries since the last call. None for a thread that a worker without the preload has made: the entries are
     * not for it.
     */
    take(): { readonly entries: readonly MailboxEntry[]; readonly hasLost: boolean } {
      const end = Atomics.load(words, written)
      if (Atomics.load(words, thread) !== threadId) return { entries: [], hasLost: false }
      const first = Math.max(read, end - slots)
      let hasLost = first > read
      const entries: MailboxEntry[] = []
      for (let number = first; number < end; number += 1) {
        const entry = parseEntry(readText(text, slotsAt + (number % slots) * slotBytes))
        // The entry was overwritten while it was read.
        if (Atomics.load(words, begun) - number > slots) hasLost = true
        else if (entry !== undefined) entries.push(entry)
      }
      read = end
      return { entries, hasLost }
    },
    recordsInto: (folder: string): void =>
      void writeText(text, recorderAt, folder, slotsAt - recorderAt),
  }
}

function parseEntry(json: string): MailboxEntry | undefined {
  const { port, message, owner, transfers } = parseObject(json) ?? {}
  if (typeof port !== 'number' || typeof message !== 'number') return undefined
  return {
    port,
    message,
    owner: isObject(owner) ? parseInheritedOwner(JSON.stringify(owner)) : undefined,
    transfers: typeof transfers === 'number' ? transfers : undefined,
  }
}
