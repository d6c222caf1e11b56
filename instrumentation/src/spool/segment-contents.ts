/** Reads from a segment which sequences and contents it holds: what a ledger can confirm. */
import { gunzipSync } from 'node:zlib'
import { isObject } from '@turnlog/conventions/plain'
import type { FileSystem } from '../file-system.ts'
import { quietly } from '../health.ts'
import { joinRanges, type SequenceRange } from '../sequence-ranges.ts'
import { beforeEnd } from '../thread-end.ts'
import { parseSegmentName } from './segment-name.ts'

export interface SegmentContents {
  /** Exact; the numbers between may be in a segment of the other signal. */
  readonly sequences: readonly SequenceRange[]
  /** Each content of which it has a part: the UTC day, a slash, 64 hex digits. */
  readonly contents: readonly string[]
}

/** Twice the largest segment before compression; larger files were not written by us. */
const bodyBytesMax = 128 * 1024 ** 2

/** If the segment cannot be read, what its name says; a name says nothing about contents. */
export function readSegmentContents(
  fileSystem: FileSystem,
  file: string,
  name: string,
): SegmentContents {
  const read = quietly('read what a segment holds', () => {
    const bytes = fileSystem.readFileSync(file)
    const json = beforeEnd(() => gunzipSync(bytes, { maxOutputLength: bodyBytesMax }))
    return contentsIn(JSON.parse(json.toString()))
  })
  if (read !== undefined) return read
  const segment = parseSegmentName(name)
  const hasRecords = segment !== undefined && segment.records > 0
  return { sequences: hasRecords ? [[segment.first, segment.last]] : [], contents: [] }
}

function contentsIn(request: unknown): SegmentContents {
  const sequences: SequenceRange[] = []
  const contents = new Set<string>()
  for (const record of recordsIn(request)) {
    const pairs = membersOf(record, 'attributes').map(({ key, value }) => [key, value] as const)
    const attributes = new Map(pairs)
    const value = attributes.get('turnlog.sequence')
    const sequence = isObject(value) ? Number(value.intValue) : Number.NaN
    if (Number.isSafeInteger(sequence)) sequences.push([sequence, sequence])
    if (record.eventName !== 'turnlog.content') continue
    const hash = attributes.get('turnlog.content.sha256')
    const content = contentOf(record.timeUnixNano, isObject(hash) ? hash.stringValue : undefined)
    if (content !== undefined) contents.add(content)
  }
  return { sequences: joinRanges(sequences), contents: [...contents] }
}

function recordsIn(request: unknown): Record<string, unknown>[] {
  if (!isObject(request)) return []
  return [
    ...membersOf(request, 'resourceSpans').flatMap((each) => membersOf(each, 'scopeSpans')),
    ...membersOf(request, 'resourceLogs').flatMap((each) => membersOf(each, 'scopeLogs')),
  ].flatMap((scope) => [...membersOf(scope, 'spans'), ...membersOf(scope, 'logRecords')])
}

function membersOf(value: Record<string, unknown>, name: string): Record<string, unknown>[] {
  const members = value[name]
  return Array.isArray(members) ? members.filter(isObject) : []
}

function contentOf(time: unknown, hash: unknown): string | undefined {
  const sha256 = typeof hash === 'string' ? /^sha256:([0-9a-f]{64})$/.exec(hash)?.[1] : undefined
  const digits = /^\d{1,20}$/.exec(String(time))?.[0]
  if (sha256 === undefined || digits === undefined) return undefined
  // As a float, the last nanosecond of a day would be the first of the next day.
  const date = new Date(Number(BigInt(digits) / 1_000_000n))
  return Number.isNaN(date.getTime()) ? undefined : `${date.toISOString().slice(0, 10)}/${sha256}`
}
