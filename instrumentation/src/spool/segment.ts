/**
 * A segment: one sealed OTLP/JSON request, gzipped; the file is the body that is sent.
 *
 *     {first sequence, 12 digits}-{last}-{records}.{traces|logs}.json.gz
 *
 * A segment is in place if and only if its name is: it is written as `.tmp`, synced, then renamed, and the folder is
 * synced. Bodies are limited by bytes, 4 MiB before compression; a record above that is alone in its body, and one
 * above what any receiver takes loses its largest contents, with `omitted` saying so, before it comes here.
 */
import { gzipSync } from 'node:zlib'
import { type FileSystem, syncFolder, writeFully } from '../file-system.ts'
import { type SealedRecord, type Signal, toOtlpRequest } from './otlp-json.ts'

const bodyBytesMax = 4 * 1024 ** 2

export interface SegmentName {
  readonly name: string
  readonly first: number
  readonly last: number
  readonly records: number
  readonly signal: Signal
}

export function parseSegmentName(name: string): SegmentName | undefined {
  const match = /^(\d{12,})-(\d{12,})-(\d+)\.(traces|logs)\.json\.gz$/.exec(name)
  if (match === null) return undefined
  const [, first, last, records, signal] = match
  return {
    name,
    first: Number(first),
    last: Number(last),
    records: Number(records),
    signal: signal === 'traces' ? 'traces' : 'logs',
  }
}

/** Splits records, in their order, into bodies of at most 4 MiB of one signal each. */
export function splitIntoBodies(records: readonly SealedRecord[]): SealedRecord[][] {
  const bodies: SealedRecord[][] = []
  const open = new Map<Signal, { records: SealedRecord[]; bytes: number }>()
  for (const record of records) {
    // UTF-16 length is within a factor of three of the bytes; measured exactly only where it matters.
    const bytes =
      record.json.length * 3 < bodyBytesMax ? record.json.length : Buffer.byteLength(record.json)
    let body = open.get(record.signal)
    if (body === undefined || body.bytes + bytes > bodyBytesMax) {
      body = { records: [], bytes: 0 }
      open.set(record.signal, body)
      bodies.push(body.records)
    }
    body.records.push(record)
    body.bytes += bytes
  }
  return bodies
}

/** Writes the records as segments; when it returns, they are on disk. Written again, the same records give the same files. */
export function writeSegments(
  fileSystem: FileSystem,
  directory: string,
  records: readonly SealedRecord[],
  resource: object,
): void {
  const bodies = splitIntoBodies(records)
  for (const body of bodies) {
    const [first, last] = [body[0], body.at(-1)]
    if (first === undefined || last === undefined) continue
    const name = `${digits(first.sequence)}-${digits(last.sequence)}-${body.length}.${first.signal}.json.gz`
    const bytes = gzipSync(toOtlpRequest(first.signal, resource, body))
    const temporary = `${directory}/${name}.tmp`
    const descriptor = fileSystem.openSync(temporary, 'w', 0o600)
    try {
      writeFully(fileSystem, descriptor, bytes)
      fileSystem.fdatasyncSync(descriptor)
    } finally {
      fileSystem.closeSync(descriptor)
    }
    fileSystem.renameSync(temporary, `${directory}/${name}`)
  }
  if (bodies.length > 0) syncFolder(fileSystem, directory)
}

function digits(sequence: number): string {
  return String(sequence).padStart(12, '0')
}
