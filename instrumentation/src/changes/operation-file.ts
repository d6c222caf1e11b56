/**
 * The file of one operation in the store: writes and reads its name and its JSON.
 *
 * A file is valid if and only if it is JSON of at most 1 MiB with `schema` 1, every required field (change.ts) is well
 * formed, and its name matches its start and id. A newer schema is foreign, not damaged.
 */

import { parseObject } from '@turnlog/conventions/plain'
import { isRawHash, parseRecordedChange, type RawHash, type RecordedChange } from './change.ts'

export interface StoredOperation {
  /** `diff` is absent where it was too large: see `diffHash`. */
  readonly change: RecordedChange
  /** The content that holds a diff above 16 KiB. */
  readonly diffHash: RawHash | undefined
}

export type DecodedOperation =
  | { readonly status: 'operation'; readonly operation: StoredOperation }
  | { readonly status: 'foreign' | 'damaged' }

const schema = 1
/** We write far less: a diff in it has at most 16 KiB. */
const bytesMax = 1024 ** 2

/** Sorts by time. */
export function operationName({ startedAt, opId }: RecordedChange): string {
  return `${String(Math.max(0, Date.parse(startedAt))).padStart(13, '0')}-${opId}.json`
}

/** Undefined for names that are not an operation's. */
export function parseOperationName(
  name: string,
): { readonly opId: string; readonly startedAtMs: number } | undefined {
  const match = /^(\d{13})-([0-9a-f-]{36})\.json$/.exec(name)
  const [startedAtMs, opId] = [match?.[1], match?.[2]]
  if (startedAtMs === undefined || opId === undefined) return undefined
  return { opId, startedAtMs: Number(startedAtMs) }
}

export function encodeOperation({ change, diffHash }: StoredOperation): Uint8Array {
  return Buffer.from(JSON.stringify({ schema, ...change, diffHash }))
}

export function decodeOperation(name: string, bytes: Uint8Array): DecodedOperation {
  if (bytes.byteLength > bytesMax) return { status: 'damaged' }
  const value = parseObject(Buffer.from(bytes).toString())
  if (value === undefined) return { status: 'damaged' }
  if (typeof value.schema === 'number' && value.schema > schema) return { status: 'foreign' }
  const change = parseRecordedChange(value)
  if (change === undefined || operationName(change) !== name) return { status: 'damaged' }
  const diffHash = isRawHash(value.diffHash) ? value.diffHash : undefined
  return { status: 'operation', operation: { change, diffHash } }
}
