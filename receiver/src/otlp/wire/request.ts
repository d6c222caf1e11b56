/**
 * A decoded OTLP request, in one form for protobuf and JSON.
 *
 * A record that its encoding allows but that is malformed (an id that is not hex, a time that is not an integer) is still
 * here, with its first `problem`; `rows.ts` rejects it alone.
 */

/** The value of an attribute or body. An `int` is a bigint, a `double` a number, and an empty value null. */
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

/** How deep arrays and maps are read; a deeper one becomes `tooDeep`. */
export const valueDepthMax = 64

/** Replaces a value deeper than `valueDepthMax`. */
export const tooDeep: AttributeMap = new Map([['turnlog.omitted', 'nested_too_deeply']])

export interface Resource {
  readonly attributes: AttributeMap
  readonly schemaUrl: string
}

export interface InstrumentationScope {
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

/** The identity of a record whose key may change: a record with a claim lands once, whatever its time. */
export interface Claim {
  /** SHA-256, in hex. */
  readonly id: string
  /** SHA-256 of the record, in hex: distinguishes another record with the same claim. */
  readonly hash: string
}

/** Ids are hex as sent, or empty; times are nanoseconds since 1970, 0 when absent. */
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

/** The part that all data points of one metric share. */
export interface Metric {
  readonly name: string
  readonly description: string
  readonly unit: string
  readonly kind: PointKind
  /** 0 unspecified, also for kinds without a temporality; 1 delta, 2 cumulative. */
  readonly temporality: number
  /** Of a sum only. */
  readonly isMonotonic: boolean | undefined
  readonly metadata: AttributeMap
}

/** The counts of adjacent buckets; the first has the index `offset`. */
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

/** A data point. A member that its kind does not have, or that was not sent, is undefined. */
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

/** Every optional member of a point, absent. */
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
  readonly scope: InstrumentationScope
  readonly records: readonly Record[]
}

/** Resources are listed separately: one without records still states how far its recorder has recorded. */
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
