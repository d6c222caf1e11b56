/**
 * Hands sealed records to an exporter. They are in memory while they are in flight; their journal files stay on disk until
 * the exporter has answered. Requests are limited by bytes, 4 MiB before compression, as segments are; a larger record is
 * alone in its request. At most `bytesMax` and `requestsMax` are in flight; beyond that sealing waits, and the journal is
 * the queue.
 *
 * Contents are sent first, in requests of their own. A record whose content was given up is not sent and counts as lost:
 * a reference to a content that never arrives would be a silent loss.
 *
 * Law: added = exported + lost + in flight.
 */
import { failed } from '../health.ts'
import type { Signal } from '../spool/segment-name.ts'
import { type ContentPart, SentContents } from './content-records.ts'
import { type RecordJson, toOtlpRequest } from './otlp-json.ts'
import type { OpenOutlet, Outlet, OutletOptions, SealedRecord } from './outlet.ts'
import { bodyBytesMax } from './segment.ts'

export type ExportResult =
  | { readonly status: 'exported' }
  | { readonly status: 'failed'; readonly reason: string }

/** Sends one request, the bytes of its OTLP/JSON; never rejects. */
export type ExportRequest = (signal: Signal, request: Uint8Array) => Promise<ExportResult>

export interface ExportLimits {
  readonly bytesMax: number
  readonly requestsMax: number
}

const defaultLimits: ExportLimits = { bytesMax: 32 * 1024 ** 2, requestsMax: 32 }

/** The outlets of all recorders of the process share one limit. */
export function createExportOutlets(
  exportRequest: ExportRequest,
  limits: ExportLimits = defaultLimits,
): OpenOutlet {
  const requests = new RequestsInFlight(exportRequest, limits)
  return (options) => new ExportOutlet(requests, options)
}

interface Batch<Item> {
  readonly items: Item[]
  bytes: number
}

class RequestsInFlight {
  readonly #export: ExportRequest
  readonly #limits: ExportLimits
  #bytes = 0
  #requests = 0

  constructor(exportRequest: ExportRequest, limits: ExportLimits) {
    this.#export = exportRequest
    this.#limits = limits
  }

  isFull(): boolean {
    const { bytesMax, requestsMax } = this.#limits
    return this.#bytes >= bytesMax || this.#requests >= requestsMax
  }

  /** Resolves to the items that were lost, and never rejects. `unsendable`: those that must not be sent, and are lost. */
  async send<Item extends RecordJson>(
    signal: Signal,
    resource: object,
    { items, bytes }: Batch<Item>,
    unsendable?: Promise<(item: Item) => boolean>,
  ): Promise<readonly Item[]> {
    this.#bytes += bytes
    this.#requests += 1
    try {
      const isUnsendable = unsendable === undefined ? () => false : await unsendable
      const sent = items.filter((item) => !isUnsendable(item))
      if (sent.length === 0) return items
      const request = Buffer.from(toOtlpRequest(signal, resource, sent))
      const { status } = await this.#export(signal, request)
      return status === 'exported' ? items.filter(isUnsendable) : items
    } catch (cause) {
      failed('export', cause)
      return items
    } finally {
      this.#bytes -= bytes
      this.#requests -= 1
    }
  }
}

class ExportOutlet implements Outlet {
  readonly #requests: RequestsInFlight
  readonly #resource: () => object
  readonly #contents: SentContents
  readonly #records = new Map<Signal, Batch<SealedRecord>>()
  #parts: Batch<ContentPart> = { items: [], bytes: 0 }
  /** Those of earlier rounds too: a record that refers to a part in flight waits for it. */
  readonly #partsInFlight = new Set<Promise<readonly ContentPart[]>>()
  #recordsInFlight: Promise<readonly SealedRecord[]>[] = []

  constructor(requests: RequestsInFlight, { resource, common = {} }: OutletOptions) {
    this.#requests = requests
    this.#resource = resource
    this.#contents = new SentContents(common)
  }

  begin(): void {}

  add(record: SealedRecord): void {
    for (const part of this.#contents.partsFor(record)) this.#addPart(part)
    const { signal, json } = record
    const bytes = Buffer.byteLength(json)
    const full = this.#records.get(signal)
    if (full !== undefined && full.bytes + bytes > bodyBytesMax) this.#sendRecords(signal, full)
    const batch = this.#records.get(signal) ?? { items: [], bytes: 0 }
    this.#records.set(signal, batch)
    batch.items.push(record)
    batch.bytes += bytes
  }

  finish(done: (lost: readonly SealedRecord[]) => void): void {
    for (const [signal, batch] of this.#records) this.#sendRecords(signal, batch)
    const sent = this.#recordsInFlight
    this.#recordsInFlight = []
    if (sent.length === 0) done([])
    else void Promise.all(sent).then((lost) => done(lost.flat()))
  }

  isFull(): boolean {
    return this.#requests.isFull()
  }

  forgetContents(): void {
    this.#contents.forget()
  }

  #addPart(part: ContentPart): void {
    const bytes = Buffer.byteLength(part.json)
    if (this.#parts.bytes + bytes > bodyBytesMax) this.#sendParts()
    this.#parts.items.push(part)
    this.#parts.bytes += bytes
  }

  #sendParts(): void {
    if (this.#parts.items.length === 0) return
    const sent = this.#requests.send('logs', this.#resource(), this.#parts)
    this.#partsInFlight.add(sent)
    this.#parts = { items: [], bytes: 0 }
    void sent.then((lost) => {
      this.#partsInFlight.delete(sent)
      if (lost.length > 0) this.#contents.forget()
    })
  }

  #sendRecords(signal: Signal, batch: Batch<SealedRecord>): void {
    this.#sendParts()
    this.#records.delete(signal)
    const sent = this.#requests.send(signal, this.#resource(), batch, this.#withoutContent())
    this.#recordsInFlight.push(sent)
  }

  /** Finds the records that refer to a content that was given up. */
  #withoutContent(): Promise<(record: SealedRecord) => boolean> | undefined {
    if (this.#partsInFlight.size === 0) return undefined
    return Promise.all(this.#partsInFlight).then((lost) => {
      const hashes = new Set(lost.flat().map(({ sha256 }) => sha256))
      return ({ contents }) => contents.some(({ sha256 }) => hashes.has(sha256))
    })
  }
}
