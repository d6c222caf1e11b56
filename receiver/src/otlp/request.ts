/**
 * An OTLP request as the rest of the receiver knows it: one form for protobuf and JSON.
 *
 * A record that its encoding allows but that is not well formed (an id that is no hex, a time that
 * is no integer) is still here, with its first `problem`; it is rejected alone, by `rows.ts`.
 */

/** What an attribute or body holds. An `int` is a bigint and a `double` a number; empty is null. */
export type AnyValue =
  | string
  | number
  | bigint
  | boolean
  | Uint8Array
  | null
  | readonly AnyValue[]
  | AttributeMap

/** Of two equal keys the last one counts. */
export type AttributeMap = ReadonlyMap<string, AnyValue>

export const signals = ['traces', 'logs'] as const
export type Signal = (typeof signals)[number]

/** Arrays and maps inside each other are read this deep; what lies deeper is `tooDeep`. */
export const valueDepthMax = 64

/** Stands in the place of a value that lies deeper than `valueDepthMax`. */
export const tooDeep: AttributeMap = new Map([['turnlog.omitted', 'nested_too_deeply']])

export interface Resource {
  readonly attributes: AttributeMap
  readonly schemaUrl: string
}

export interface Scope {
  readonly name: string
  readonly version: string
  readonly attributes: AttributeMap
  readonly schemaUrl: string
}

export interface SpanEvent {
  readonly time: bigint
  readonly name: string
  readonly attributes: AttributeMap
  readonly droppedAttributes: number
}

export interface SpanLink {
  readonly traceId: string
  readonly spanId: string
  readonly traceState: string
  readonly flags: number
  readonly attributes: AttributeMap
  readonly droppedAttributes: number
}

/** Ids are hex as it was sent, or empty; times are nanoseconds since 1970, 0 when absent. */
export interface SpanRecord {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string
  readonly traceState: string
  readonly flags: number
  readonly name: string
  readonly kind: number
  readonly startTime: bigint
  readonly endTime: bigint
  readonly attributes: AttributeMap
  readonly events: readonly SpanEvent[]
  readonly links: readonly SpanLink[]
  readonly droppedAttributes: number
  readonly droppedEvents: number
  readonly droppedLinks: number
  readonly statusCode: number
  readonly statusMessage: string
  readonly problem: string | undefined
}

export interface LogRecord {
  readonly time: bigint
  readonly observedTime: bigint
  readonly severityNumber: number
  readonly severityText: string
  readonly eventName: string
  readonly body: AnyValue
  readonly attributes: AttributeMap
  readonly droppedAttributes: number
  readonly flags: number
  readonly traceId: string
  readonly spanId: string
  readonly problem: string | undefined
}

/** Records of one scope of one resource. A request may hold the same pair more than once. */
export interface Group<Record> {
  readonly resource: Resource
  readonly scope: Scope
  readonly records: readonly Record[]
}

/** Resources are listed apart: one without records still says how far its recorder has recorded. */
export type OtlpRequest =
  | {
      readonly signal: 'traces'
      readonly resources: readonly Resource[]
      readonly groups: readonly Group<SpanRecord>[]
    }
  | {
      readonly signal: 'logs'
      readonly resources: readonly Resource[]
      readonly groups: readonly Group<LogRecord>[]
    }

export type DecodeResult =
  | { readonly status: 'decoded'; readonly request: OtlpRequest }
  | { readonly status: 'damaged'; readonly reason: string }
  | { readonly status: 'too_many' }
