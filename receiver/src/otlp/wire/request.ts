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

export const signals = ['traces', 'logs', 'metrics'] as const
export type Signal = (typeof signals)[number]

export type Encoding = 'json' | 'protobuf'

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

/**
 * What makes a record itself where its key does not: one that is claimed lands once, at whatever time it
 * says it was, and its sender is told what became of it.
 */
export interface Claim {
  /** SHA-256, in hex. */
  readonly id: string
  /** Of what the record says, in hex: another one with the same claim is known as another. */
  readonly hash: string
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
  readonly claim?: Claim
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
  readonly claim?: Claim
}

export const pointKinds = ['gauge', 'sum', 'histogram', 'exponential_histogram', 'summary'] as const
export type PointKind = (typeof pointKinds)[number]

/** What the data points of one metric share. */
export interface Metric {
  readonly name: string
  readonly description: string
  readonly unit: string
  readonly kind: PointKind
  /** 0 unspecified, as with kinds that have none; 1 delta, 2 cumulative. */
  readonly temporality: number
  /** Of a sum only. */
  readonly isMonotonic: boolean | undefined
  readonly metadata: AttributeMap
}

/** One number of one bucket each, from `offset` on. */
export interface ExponentialBuckets {
  readonly offset: number
  readonly counts: readonly bigint[]
}

export interface Exemplar {
  readonly time: bigint
  readonly value: number | bigint | undefined
  readonly traceId: string
  readonly spanId: string
  readonly attributes: AttributeMap
}

/** A data point; what its kind does not have, or was not sent, is undefined. */
export interface PointRecord {
  readonly metric: Metric
  readonly attributes: AttributeMap
  readonly startTime: bigint
  readonly time: bigint
  readonly flags: number
  /** An integer is a bigint, a double a number. */
  readonly value: number | bigint | undefined
  readonly count: bigint | undefined
  readonly sum: number | undefined
  readonly min: number | undefined
  readonly max: number | undefined
  readonly buckets:
    | { readonly counts: readonly bigint[]; readonly bounds: readonly number[] }
    | undefined
  readonly exponential:
    | {
        readonly scale: number
        readonly zeroCount: bigint
        readonly zeroThreshold: number
        readonly positive: ExponentialBuckets | undefined
        readonly negative: ExponentialBuckets | undefined
      }
    | undefined
  readonly quantiles: readonly { readonly quantile: number; readonly value: number }[] | undefined
  readonly exemplars: readonly Exemplar[]
  readonly problem: string | undefined
}

/** A point of which nothing is known yet. */
export const emptyPoint = {
  startTime: 0n,
  time: 0n,
  flags: 0,
  value: undefined,
  count: undefined,
  sum: undefined,
  min: undefined,
  max: undefined,
  buckets: undefined,
  exponential: undefined,
  quantiles: undefined,
  exemplars: [],
  problem: undefined,
} as const

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
  | {
      readonly signal: 'metrics'
      readonly resources: readonly Resource[]
      readonly groups: readonly Group<PointRecord>[]
    }

export type DecodeResult =
  | { readonly status: 'decoded'; readonly request: OtlpRequest }
  | { readonly status: 'damaged'; readonly reason: string }
  | { readonly status: 'too_many' }
