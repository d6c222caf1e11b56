/**
 * Writes segments: each is one sealed OTLP/JSON request, gzipped; the file is the body that is sent. `segment-name.ts`
 * documents the names.
 *
 * A segment is in place if and only if its name is: it is written under a temporary name, synced, then renamed. Bodies are
 * limited by bytes, 4 MiB before compression. Large contents are taken out of their records (`out-of-line.ts`), so few
 * records are above that limit; one that is, is alone in its body.
 *
 * Contents are sent apart from the records, as parts without a sequence, in logs requests of their own: whatever happens
 * to such a request, the account of records is not affected. The names of these segments begin with the first sequence
 * that the journal file can have, and sort before every record of that file: they are in place, and are sent, before the
 * records that refer to them. `last` is the last record that does. A content is written once per UTC day by one writer,
 * unless `forgetContents` was called.
 *
 * Invariants: the same records, written again after a crash, give the same segments of records, and at least the contents
 * they refer to.
 */
import { gzipSync } from 'node:zlib'
import { toKeyValues } from '@turnlog/conventions/otlp/any-value'
import { type FileSystem, replaceFile } from '../file-system.ts'
import type { Signal } from '../spool/segment-name.ts'
import { beforeEnd } from '../thread-end.ts'
import { SentContents } from './content-records.ts'
import { type RecordJson, toOtlpRequest } from './otlp-json.ts'
import type { Outlet, OutletOptions, SealedRecord } from './outlet.ts'

export const bodyBytesMax = 4 * 1024 ** 2
/** Upper bounds of what a request has around its resource and scopes, and around each record. */
const requestFrameBytes = 256
const recordFrameBytes = 64

interface Body {
  readonly records: RecordJson[]
  bytes: number
  first: number
  last: number
  declares: number
}

type Kind = Signal | 'contents'

export interface SegmentWriterOptions extends OutletOptions {
  readonly fileSystem: FileSystem
  readonly folder: string
}

/** Puts records into bodies of one kind each; at most one body of each kind is in memory. */
export class SegmentWriter implements Outlet {
  readonly #options: SegmentWriterOptions
  readonly #contents: SentContents
  readonly #open = new Map<Kind, Body>()
  /** The lowest sequence that the records of the journal file can have. */
  #firstOfFile = 0
  /** How many segments of contents the journal file has so far. */
  #contentsCount = 0

  constructor(options: SegmentWriterOptions) {
    this.#options = options
    this.#contents = new SentContents(options.common ?? {})
  }

  begin(first: number): void {
    this.#firstOfFile = first
    this.#contentsCount = 0
  }

  add(record: SealedRecord): void {
    for (const part of this.#contents.partsFor(record)) this.#put('contents', part, record.sequence)
    this.#put(record.signal, record, record.sequence).declares += record.declares
  }

  /** Every record added, and every content, is in place when this returns. */
  finish(done: (lost: readonly SealedRecord[]) => void = () => undefined): void {
    this.#finishContents()
    for (const [kind, body] of this.#open) this.#write(kind, body)
    this.#open.clear()
    done([])
  }

  isFull(): boolean {
    return false
  }

  forgetContents(): void {
    this.#contents.forget()
  }

  #put(kind: Kind, record: RecordJson, sequence: number): Body {
    const bytes = Buffer.byteLength(record.json) + jsonBytes(record.scope) + recordFrameBytes
    let body = this.#open.get(kind)
    if (body !== undefined && body.bytes + bytes > bodyBytesMax) {
      // The contents are in place before the records that refer to them.
      if (kind !== 'contents') this.#finishContents()
      this.#write(kind, body)
      body = undefined
    }
    if (body === undefined) {
      const frameBytes = jsonBytes(toKeyValues(this.#options.resource())) + requestFrameBytes
      const first = kind === 'contents' ? Math.min(this.#firstOfFile, sequence) : sequence
      body = { records: [], bytes: frameBytes, first, last: sequence, declares: 0 }
      this.#open.set(kind, body)
    }
    body.records.push(record)
    body.bytes += bytes
    // Not always the latest: what closes a dead recorder is sealed in another order than it is numbered.
    body.first = Math.min(body.first, sequence)
    body.last = Math.max(body.last, sequence)
    return body
  }

  #finishContents(): void {
    const body = this.#open.get('contents')
    if (body !== undefined) this.#write('contents', body)
    this.#open.delete('contents')
  }

  #write(kind: Kind, body: Body): void {
    const { fileSystem, folder, resource } = this.#options
    const signal = kind === 'contents' ? 'logs' : kind
    const request = toOtlpRequest(signal, resource(), body.records)
    replaceFile(
      fileSystem,
      `${folder}/${this.#nameOf(kind, body)}.json.gz`,
      beforeEnd(() => gzipSync(request)),
    )
  }

  #nameOf(kind: Kind, { first, last, records, declares }: Body): string {
    const counted = `${digits(first)}-${digits(last)}-${records.length}`
    if (kind !== 'contents') return `${counted}${declares === 0 ? '' : `+${declares}`}.${kind}`
    this.#contentsCount += 1
    return `${counted}.${String(this.#contentsCount).padStart(4, '0')}.contents`
  }
}

function jsonBytes(value: object): number {
  return Buffer.byteLength(JSON.stringify(value))
}

function digits(sequence: number): string {
  return String(sequence).padStart(12, '0')
}
