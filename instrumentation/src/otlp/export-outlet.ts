/**
 * Sealed records on their way through an exporter: in memory, while their journal files wait on disk until it is known what
 * became of them. Requests are limited by bytes, 4 MiB before compression, as segments are; a larger record is alone in
 * its own. At most `bytesMax` and `requestsMax` are on their way; then sealing waits, and the journal holds the queue.
 *
 * Contents go first, in requests of their own. A record whose content was given up is not sent and counts as lost: a
 * reference to nothing would be lost in silence.
 *
 * Law: added = exported + lost + on their way.
 */
import type { JournaledScope } from '../journal/journaled.ts'
import type { Signal } from '../spool/segment-name.ts'
import type { OpenOutlet } from './outlet.ts'
import type { SealedRecord } from './sealed-record.ts'
import { bodyBytesMax } from './segment.ts'
import { type ContentPart, createSentContents } from './sent-contents.ts'

export type ExportResult =
  | { readonly status: 'exported' }
  | { readonly status: 'failed'; readonly reason: string }

export interface ExportedRecord {
  readonly scope: JournaledScope
  /** OTLP/JSON. */
  readonly json: string
}

/** One request; never rejects. */
export type ExportRecords = (
  signal: Signal,
  resource: object,
  records: readonly ExportedRecord[],
) => Promise<ExportResult>

export interface ExportLimits {
  readonly bytesMax: number
  readonly requestsMax: number
}

const limits: ExportLimits = { bytesMax: 32 * 1024 ** 2, requestsMax: 32 }

interface Batch<Item> {
  items: Item[]
  bytes: number
}

/** One for all recorders of the process. */
export function createExportOutlets(
  exportRecords: ExportRecords,
  { bytesMax, requestsMax }: ExportLimits = limits,
): OpenOutlet {
  let bytesUnderWay = 0
  let requestsUnderWay = 0

  /** What of the batch was lost; `unsent` is known to be before it is sent. */
  async function send<Item extends ExportedRecord>(
    signal: Signal,
    resource: object,
    { items, bytes }: Batch<Item>,
    unsent?: Promise<(item: Item) => boolean>,
  ): Promise<readonly Item[]> {
    bytesUnderWay += bytes
    requestsUnderWay += 1
    const isUnsent = unsent === undefined ? () => false : await unsent
    const sent = items.filter((item) => !isUnsent(item))
    const result = sent.length === 0 ? undefined : await exportRecords(signal, resource, sent)
    bytesUnderWay -= bytes
    requestsUnderWay -= 1
    return result?.status === 'exported' ? items.filter(isUnsent) : items
  }

  return ({ resource, common = {} }) => {
    const contents = createSentContents(common)
    const records = new Map<Signal, Batch<SealedRecord>>()
    let parts: Batch<ContentPart> = { items: [], bytes: 0 }
    /** Not only those of this round: what refers to one that is under way waits for it. */
    const partsUnderWay = new Set<Promise<readonly ContentPart[]>>()
    let recordsSent: Promise<readonly SealedRecord[]>[] = []

    function leaveParts(): void {
      if (parts.items.length === 0) return
      const sent = send('logs', resource(), parts)
      partsUnderWay.add(sent)
      parts = { items: [], bytes: 0 }
      void sent.then((lost) => {
        partsUnderWay.delete(sent)
        if (lost.length > 0) contents.forget()
      })
    }

    function leave(signal: Signal, batch: Batch<SealedRecord>): void {
      leaveParts()
      records.delete(signal)
      recordsSent.push(send(signal, resource(), batch, incomplete()))
    }

    /** Which records refer to a content that was given up. */
    function incomplete(): Promise<(record: SealedRecord) => boolean> | undefined {
      if (partsUnderWay.size === 0) return undefined
      return Promise.all(partsUnderWay).then((lost) => {
        const hashes = new Set(lost.flat().map(({ sha256 }) => sha256))
        return ({ contents }) => contents.some(({ sha256 }) => hashes.has(sha256))
      })
    }

    function addPart(part: ContentPart): void {
      const bytes = Buffer.byteLength(part.json)
      if (parts.bytes + bytes > bodyBytesMax) leaveParts()
      parts.items.push(part)
      parts.bytes += bytes
    }

    return {
      begin: () => undefined,
      add(record): void {
        const { signal, json } = record
        for (const part of contents.partsFor(record)) addPart(part)
        const bytes = Buffer.byteLength(json)
        const full = records.get(signal)
        if (full !== undefined && full.bytes + bytes > bodyBytesMax) leave(signal, full)
        const batch = records.get(signal) ?? { items: [], bytes: 0 }
        records.set(signal, batch)
        batch.items.push(record)
        batch.bytes += bytes
      },
      finish(done): void {
        for (const [signal, batch] of records) leave(signal, batch)
        const sent = recordsSent
        recordsSent = []
        if (sent.length === 0) done([])
        else void Promise.all(sent).then((lost) => done(lost.flat()))
      },
      isFull: () => bytesUnderWay >= bytesMax || requestsUnderWay >= requestsMax,
      forgetContents: contents.forget,
    }
  }
}
