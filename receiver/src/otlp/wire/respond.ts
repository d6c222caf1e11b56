/** Answers in the request's encoding: success, partial success, or google.rpc.Status. */
import { messageType } from './protobuf-schema.ts'
import type { Encoding, Signal } from './request.ts'

export interface Answer {
  readonly contentType: string
  readonly body: Buffer
}

const contentTypes = {
  json: 'application/json',
  protobuf: 'application/x-protobuf',
} as const satisfies Record<Encoding, string>

/** The encoding of a content type; undefined for other types. */
export function encodingOf(contentType: string | undefined): Encoding | undefined {
  switch (contentType?.split(';', 1)[0]?.trim().toLowerCase()) {
    case 'application/json':
      return 'json'
    case 'application/x-protobuf':
    case 'application/protobuf':
      return 'protobuf'
    default:
      return undefined
  }
}

const responses = {
  traces: { count: 'rejectedSpans', type: messageType('ExportTraceResponse') },
  logs: { count: 'rejectedLogRecords', type: messageType('ExportLogsResponse') },
  metrics: { count: 'rejectedDataPoints', type: messageType('ExportMetricsResponse') },
} as const satisfies Record<Signal, object>

/** Distinct reasons named to the client; of further ones only their number. */
const reasonsMax = 5

/** `partial_success` is unset when everything landed; otherwise it says how many records did not, and why. */
export function success(options: {
  readonly signal: Signal
  readonly encoding: Encoding
  readonly reasons: readonly string[]
}): Answer {
  const { signal, encoding, reasons } = options
  if (reasons.length === 0) return answer(encoding, {}, emptyProtobuf)
  const { count, type } = responses[signal]
  const errorMessage = summaryOf(reasons)
  // proto3's JSON writes an int64 as a string.
  const json = { partialSuccess: { [count]: String(reasons.length), errorMessage } }
  return answer(encoding, json, () =>
    type.encode({ partialSuccess: { [count]: reasons.length, errorMessage } }).finish(),
  )
}

/** `google.rpc.Status`. */
export function failure(options: {
  readonly encoding: Encoding
  readonly rpcCode: number
  readonly message: string
}): Answer {
  const status = { code: options.rpcCode, message: options.message }
  return answer(options.encoding, status, () => messageType('Status').encode(status).finish())
}

function emptyProtobuf(): Uint8Array {
  return new Uint8Array()
}

function answer(encoding: Encoding, json: object, protobuf: () => Uint8Array): Answer {
  const body = encoding === 'json' ? Buffer.from(JSON.stringify(json)) : Buffer.from(protobuf())
  return { contentType: contentTypes[encoding], body }
}

function summaryOf(reasons: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  const parts = [...counts].slice(0, reasonsMax).map(([reason, count]) => `${count} × ${reason}`)
  if (counts.size > reasonsMax) parts.push(`${counts.size - reasonsMax} further reasons`)
  return `${parts.join('; ')}.`
}
