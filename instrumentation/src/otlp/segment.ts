/**
 * Writes segments: each is one sealed OTLP/JSON request, gzipped; the file is the body that is sent. `segment-name.ts`
 * documents the names.
 *
 * A segment is in place if and only if its name is: it is written under a temporary name, synced, then renamed. Bodies
 * are limited by bytes, 4 MiB before compression. A record's large contents have left it (`out-of-line.ts`), so that few
 * records are above that; one that is, is alone in its body.
 *
 * Contents travel apart from the records, as parts that have no number: in logs requests of their own, so that whatever
 * becomes of one, the account of records holds. Their names begin with the first sequence that the journal file can
 * have, and sort before every record of that file: they are in place, and are sent, before the records that refer to
 * them. `last` is the last record that does. A content that went before on the same UTC day is not written again by the
 * same writer, unless it was told that it may be lost.
 *
 * Invariants: the same records, written again after a crash, give the same segments of records, and contents at least
 * as many as they refer to.
 */
import { gzipSync } from 'node:zlib'
import { toKeyValues } from '@turnlog/conventions/otlp/any-value'
import { type FileSystem, replaceFile } from '../file-system.ts'
import type { JournaledScope } from '../journal/journaled.ts'
import type { Signal } from '../spool/segment-name.ts'
import { toOtlpRequest } from './otlp-json.ts'
import type { SealedRecord } from './sealed-record.ts'
import { createSentContents } from './sent-contents.ts'

export const bodyBytesMax = 4 * 1024 ** 2
/** What a request has around its resource and scopes, and around each record, at most. */
const requestFrameBytes = 256
const recordFrameBytes = 64

interface Json {
  readonly scope: JournaledScope
  readonly json: string
}

interface Body {
  readonly records: Json[]
  bytes: number
  first: number
  last: number
  declares: number
}

type Kind = Signal | 'contents'

export interface SegmentWriterOptions {
  readonly fileSystem: FileSystem
  readonly folder: string
  /** As it is when a segment is written. */
  readonly resource: () => object
  /** On every record. */
  readonly common?: Readonly<Record<string, string>>
}

/** Puts records into bodies of one kind each; of each kind at most one body is in memory. */
export function createSegmentWriter(options: SegmentWriterOptions) {
  const { fileSystem, folder, resource, common = {} } = options
  const open = new Map<Kind, Body>()
  const contents = createSentContents(common)
  let firstOfFile = 0
  let place = 0

  function write(kind: Kind, body: Body): void {
    const signal = kind === 'contents' ? 'logs' : kind
    const request = toOtlpRequest(signal, resource(), body.records)
    replaceFile(fileSystem, `${folder}/${nameOf(kind, body)}.json.gz`, gzipSync(request))
  }

  function nameOf(kind: Kind, { first, last, records, declares }: Body): string {
    const counted = `${digits(first)}-${digits(last)}-${records.length}`
    if (kind !== 'contents') return `${counted}${declares === 0 ? '' : `+${declares}`}.${kind}`
    place += 1
    return `${counted}.${String(place).padStart(4, '0')}.contents`
  }

  function put(kind: Kind, record: Json, sequence: number): Body {
    const bytes = Buffer.byteLength(record.json) + jsonBytes(record.scope) + recordFrameBytes
    let body = open.get(kind)
    if (body !== undefined && body.bytes + bytes > bodyBytesMax) {
      // What they refer to is in place before they are.
      if (kind !== 'contents') finishContents()
      write(kind, body)
      body = undefined
    }
    if (body === undefined) {
      const frameBytes = jsonBytes(toKeyValues(resource())) + requestFrameBytes
      const first = kind === 'contents' ? Math.min(firstOfFile, sequence) : sequence
      body = { records: [], bytes: frameBytes, first, last: sequence, declares: 0 }
      open.set(kind, body)
    }
    body.records.push(record)
    body.bytes += bytes
    // Not always the latest: what closes a dead recorder is sealed in another order than it is numbered.
    body.first = Math.min(body.first, sequence)
    body.last = Math.max(body.last, sequence)
    return body
  }

  function finishContents(): void {
    const body = open.get('contents')
    if (body !== undefined) write('contents', body)
    open.delete('contents')
  }

  return {
    /** Before the records of a journal file, of which none has a lower sequence. */
    begin(first: number): void {
      firstOfFile = first
      place = 0
    },
    add(record: SealedRecord): void {
      for (const part of contents.partsFor(record)) put('contents', part, record.sequence)
      put(record.signal, record, record.sequence).declares += record.declares
    },
    /** Everything that was added is in place when this returns. */
    finish(): void {
      finishContents()
      for (const [kind, body] of open) write(kind, body)
      open.clear()
    },
    /** What contents went may be lost: those that are referred to from now on go again. */
    forgetContents: contents.forget,
  }
}

function jsonBytes(value: object): number {
  return Buffer.byteLength(JSON.stringify(value))
}

function digits(sequence: number): string {
  return String(sequence).padStart(12, '0')
}
