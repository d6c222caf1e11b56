/** Answers, in the encoding that was asked with: success, partial success, google.rpc.Status. */
import type { Encoding } from './decode.ts'
import { messageType } from './protobuf-schema.ts'
import type { Signal } from './request.ts'

export interface Answer {
  readonly contentType: string
  readonly body: Buffer
}

const contentTypes = {
  json: 'application/json',
  protobuf: 'application/x-protobuf',
} as const satisfies Record<Encoding, string>

/** Which encoding a content type means; undefined for any other. */
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

/** Kinds of reasons told to the client; the rest is a number. */
const reasonsMax = 5

/** All landed: `partial_success` stays unset. Otherwise how many did not, and why. */
export function success(options: {
  readonly signal: Signal
  readonly encoding: Encoding
  readonly reasons: readonly string[]
}): Answer {
  const { signal, encoding, reasons } = options
  if (reasons.length === 0) return answer(encoding, {}, emptyProtobuf)
  const { count, type } = responses[signal]
  const errorMessage = summaryOf(reasons)
  // int64 is a string in proto3's JSON.
  const json = { partialSuccess: { [count]: String(reasons.length), errorMessage } }
  return answer(encoding, json, () =>
    type.encode({ partialSuccess: { [count]: reasons.length, errorMessage } }).finish(),
  )
}

/** The codes of google.rpc that HTTP's stand for. */
const rpcCodes: Readonly<Record<number, number>> = {
  400: 3,
  401: 16,
  403: 7,
  404: 5,
  405: 12,
  413: 8,
  415: 3,
  416: 11,
  421: 3,
  422: 3,
  429: 8,
  503: 14,
}
const unknownCode = 2

/** Answers in JSON to other requests carry the same codes. */
export function rpcCodeOf(httpStatus: number): number {
  return rpcCodes[httpStatus] ?? unknownCode
}

export function failure(options: {
  readonly encoding: Encoding
  readonly httpStatus: number
  readonly message: string
}): Answer {
  const status = { code: rpcCodeOf(options.httpStatus), message: options.message }
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
  const told = [...counts].slice(0, reasonsMax).map(([reason, count]) => `${count} × ${reason}`)
  if (counts.size > reasonsMax) told.push(`${counts.size - reasonsMax} further reasons`)
  return `${told.join('; ')}.`
}
