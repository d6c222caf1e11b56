/** Ids: branded strings. Each is parsed once, where it arrives, and trusted after that. */

declare const brand: unique symbol
type Branded<Name extends string> = string & { readonly [brand]: Name }

/** 32 lowercase hex digits, not all zero (W3C Trace Context §3.2.2.3). */
export type TraceId = Branded<'TraceId'>
/** 16 lowercase hex digits, not all zero (W3C Trace Context §3.2.2.4). */
export type SpanId = Branded<'SpanId'>
/** `sha256:` and 64 lowercase hex digits: the hash of the (redacted) bytes. */
export type ContentHash = Branded<'ContentHash'>
/** A file operation's id: a lowercase UUID. */
export type FileOperationId = Branded<'FileOperationId'>

export function parseTraceId(value: unknown): TraceId | undefined {
  return isHex(value, 32) ? (value.toLowerCase() as TraceId) : undefined
}

export function parseSpanId(value: unknown): SpanId | undefined {
  return isHex(value, 16) ? (value.toLowerCase() as SpanId) : undefined
}

export function parseContentHash(value: unknown): ContentHash | undefined {
  if (typeof value !== 'string' || !/^sha256:[0-9a-f]{64}$/.test(value)) return undefined
  return value as ContentHash
}

export function parseFileOperationId(value: unknown): FileOperationId | undefined {
  if (typeof value !== 'string') return undefined
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value)) return undefined
  return value as FileOperationId
}

function isHex(value: unknown, length: number): value is string {
  return (
    typeof value === 'string' &&
    value.length === length &&
    /^[0-9a-fA-F]+$/.test(value) &&
    !/^0+$/.test(value)
  )
}
