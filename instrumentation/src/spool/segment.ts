/**
 * A segment: one sealed OTLP/JSON request, gzipped; the file is the body that is sent.
 *
 *     {first sequence, 12 digits}-{last}-{records}[+{sequences it declares dropped}].{traces|logs}.json.gz
 *
 * A segment is in place if and only if its name is: it is written under a temporary name, synced, then renamed. Bodies
 * are limited by bytes, 4 MiB before compression; a record above that is alone in its body, and one above what any
 * receiver takes has lost its largest contents (`cap-record.ts`) before it comes here.
 *
 * Invariant: the same records, written again after a crash, give the same files.
 */
import { gzipSync } from 'node:zlib'
import { type FileSystem, replaceFile } from '../file-system.ts'
import { type SealedRecord, type Signal, toKeyValues, toOtlpRequest } from './otlp-json.ts'

const bodyBytesMax = 4 * 1024 ** 2
/** What a request has around its resource and scopes, and around each record, at most. */
const requestFrameBytes = 256
const recordFrameBytes = 64

export interface SegmentName {
  readonly name: string
  readonly first: number
  readonly last: number
  readonly records: number
  /** Sequences that its records declare dropped. */
  readonly declares: number
  readonly signal: Signal
}

export function parseSegmentName(name: string): SegmentName | undefined {
  const match = /^(\d{12,})-(\d{12,})-(\d+)(?:\+(\d+))?\.(traces|logs)\.json\.gz$/.exec(name)
  if (match === null) return undefined
  const [, first, last, records, declares = '0', signal] = match
  return {
    name,
    first: Number(first),
    last: Number(last),
    records: Number(records),
    declares: Number(declares),
    signal: signal === 'traces' ? 'traces' : 'logs',
  }
}

function segmentName(body: Body, signal: Signal): string {
  const { first, last, records, declares } = body
  const declared = declares === 0 ? '' : `+${declares}`
  return `${digits(first)}-${digits(last)}-${records.length}${declared}.${signal}.json.gz`
}

interface Body {
  readonly records: SealedRecord[]
  bytes: number
  first: number
  last: number
  declares: number
}

export interface SegmentWriterOptions {
  readonly fileSystem: FileSystem
  readonly folder: string
  /** As it is when a segment is written. */
  readonly resource: () => object
}

/** Puts records into bodies of one signal each; of each signal at most one body is in memory. */
export function createSegmentWriter({ fileSystem, folder, resource }: SegmentWriterOptions) {
  const open = new Map<Signal, Body>()

  function write(signal: Signal, body: Body): void {
    const request = toOtlpRequest(signal, resource(), body.records)
    replaceFile(fileSystem, `${folder}/${segmentName(body, signal)}`, gzipSync(request))
  }

  return {
    add(record: SealedRecord): void {
      const { signal, sequence } = record
      const bytes = Buffer.byteLength(record.json) + jsonBytes(record.scope) + recordFrameBytes
      let body = open.get(signal)
      if (body !== undefined && body.bytes + bytes > bodyBytesMax) {
        write(signal, body)
        body = undefined
      }
      if (body === undefined) {
        const frameBytes = jsonBytes(toKeyValues(resource())) + requestFrameBytes
        body = { records: [], bytes: frameBytes, first: sequence, last: sequence, declares: 0 }
        open.set(signal, body)
      }
      body.records.push(record)
      body.bytes += bytes
      // Not always the latest: what closes a dead recorder is sealed in another order than it is numbered.
      body.first = Math.min(body.first, sequence)
      body.last = Math.max(body.last, sequence)
      body.declares += record.declares
    },
    /** Everything that was added is in place when this returns. */
    finish(): void {
      for (const [signal, body] of open) write(signal, body)
      open.clear()
    },
  }
}

function jsonBytes(value: object): number {
  return Buffer.byteLength(JSON.stringify(value))
}

function digits(sequence: number): string {
  return String(sequence).padStart(12, '0')
}
