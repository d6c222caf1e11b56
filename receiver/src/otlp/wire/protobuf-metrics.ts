/** Metrics of OTLP/protobuf → their data points. */

import type { RecordLimit } from './limits.ts'
import {
  toAttributes,
  toHex,
  toName,
  toUnsigned,
  type WireKeyValue,
  type WireLong,
} from './protobuf-values.ts'
import {
  type Exemplar,
  type ExponentialBuckets,
  emptyPoint,
  type Metric,
  type PointKind,
  type PointRecord,
} from './request.ts'

// The decoded messages of `otlp.proto`; absent messages and optional numbers are null.
interface WireNumber {
  readonly value?: string
  readonly asDouble: number
  readonly asInt: WireLong
}
interface WireExemplar extends WireNumber {
  readonly timeUnixNano: WireLong
  readonly traceId: Uint8Array
  readonly spanId: Uint8Array
  readonly filteredAttributes: readonly WireKeyValue[]
}
interface WirePoint {
  readonly startTimeUnixNano: WireLong
  readonly timeUnixNano: WireLong
  readonly attributes: readonly WireKeyValue[]
  readonly flags: number
}
interface WireNumberPoint extends WirePoint, WireNumber {
  readonly exemplars: readonly WireExemplar[]
}
interface WireDistribution extends WirePoint {
  readonly count: WireLong
  readonly sum: number | null
  readonly min: number | null
  readonly max: number | null
  readonly exemplars: readonly WireExemplar[]
}
interface WireHistogramPoint extends WireDistribution {
  readonly bucketCounts: readonly WireLong[]
  readonly explicitBounds: readonly number[]
}
interface WireBuckets {
  readonly offset: number
  readonly bucketCounts: readonly WireLong[]
}
interface WireExponentialPoint extends WireDistribution {
  readonly scale: number
  readonly zeroCount: WireLong
  readonly zeroThreshold: number
  readonly positive: WireBuckets | null
  readonly negative: WireBuckets | null
}
interface WireSummaryPoint extends WirePoint {
  readonly count: WireLong
  readonly sum: number
  readonly quantileValues: readonly { readonly quantile: number; readonly value: number }[]
}
interface WireData<Point> {
  readonly dataPoints: readonly Point[]
  /** Of sums and histograms. */
  readonly aggregationTemporality?: number
  readonly isMonotonic?: boolean
}
export interface WireMetric {
  readonly name: Uint8Array
  readonly description: Uint8Array
  readonly unit: Uint8Array
  readonly metadata: readonly WireKeyValue[]
  /** Which of the kinds below it has; undefined for no data, or data of an unknown kind. */
  readonly data?: 'gauge' | 'sum' | 'histogram' | 'exponentialHistogram' | 'summary'
  readonly gauge: WireData<WireNumberPoint>
  readonly sum: WireData<WireNumberPoint>
  readonly histogram: WireData<WireHistogramPoint>
  readonly exponentialHistogram: WireData<WireExponentialPoint>
  readonly summary: WireData<WireSummaryPoint>
}

export function toPoints(wire: WireMetric, limit: RecordLimit): PointRecord[] {
  switch (wire.data) {
    case 'gauge':
      return pointsOf(wire, 'gauge', { data: wire.gauge, limit, read: numberOf })
    case 'sum':
      return pointsOf(wire, 'sum', { data: wire.sum, limit, read: numberOf })
    case 'histogram':
      return pointsOf(wire, 'histogram', { data: wire.histogram, limit, read: histogramOf })
    case 'exponentialHistogram': {
      const data = wire.exponentialHistogram
      return pointsOf(wire, 'exponential_histogram', { data, limit, read: exponentialOf })
    }
    case 'summary':
      return pointsOf(wire, 'summary', { data: wire.summary, limit, read: summaryOf })
    default:
      return []
  }
}

function pointsOf<Point extends WirePoint>(
  wire: WireMetric,
  kind: PointKind,
  options: {
    readonly data: WireData<Point>
    readonly limit: RecordLimit
    readonly read: (point: Point) => Partial<PointRecord>
  },
): PointRecord[] {
  const { data, limit, read } = options
  limit.add(data.dataPoints.length)
  const metric: Metric = {
    name: toName(wire.name),
    description: toName(wire.description),
    unit: toName(wire.unit),
    kind,
    temporality: data.aggregationTemporality ?? 0,
    isMonotonic: kind === 'sum' ? data.isMonotonic === true : undefined,
    metadata: toAttributes(wire.metadata, 0),
  }
  return data.dataPoints.map((point) => ({
    ...emptyPoint,
    metric,
    attributes: toAttributes(point.attributes, 0),
    startTime: toUnsigned(point.startTimeUnixNano),
    time: toUnsigned(point.timeUnixNano),
    flags: point.flags,
    ...read(point),
  }))
}

function numberOf(point: WireNumberPoint): Partial<PointRecord> {
  return { value: toNumber(point), exemplars: point.exemplars.map(toExemplar) }
}

function histogramOf(point: WireHistogramPoint): Partial<PointRecord> {
  return {
    ...distributionOf(point),
    buckets: { counts: point.bucketCounts.map(toUnsigned), bounds: point.explicitBounds },
  }
}

function exponentialOf(point: WireExponentialPoint): Partial<PointRecord> {
  const { scale, zeroThreshold } = point
  return {
    ...distributionOf(point),
    exponential: {
      scale,
      zeroCount: toUnsigned(point.zeroCount),
      zeroThreshold,
      positive: toBuckets(point.positive),
      negative: toBuckets(point.negative),
    },
  }
}

function summaryOf(point: WireSummaryPoint): Partial<PointRecord> {
  return { count: toUnsigned(point.count), sum: point.sum, quantiles: point.quantileValues }
}

function distributionOf(point: WireDistribution): Partial<PointRecord> {
  return {
    count: toUnsigned(point.count),
    sum: point.sum ?? undefined,
    min: point.min ?? undefined,
    max: point.max ?? undefined,
    exemplars: point.exemplars.map(toExemplar),
  }
}

function toNumber(wire: WireNumber): number | bigint | undefined {
  if (wire.value === 'asInt') return BigInt.asIntN(64, toUnsigned(wire.asInt))
  return wire.value === 'asDouble' ? wire.asDouble : undefined
}

function toExemplar(wire: WireExemplar): Exemplar {
  return {
    time: toUnsigned(wire.timeUnixNano),
    value: toNumber(wire),
    traceId: toHex(wire.traceId),
    spanId: toHex(wire.spanId),
    attributes: toAttributes(wire.filteredAttributes, 0),
  }
}

function toBuckets(wire: WireBuckets | null): ExponentialBuckets | undefined {
  if (wire === null) return undefined
  return { offset: wire.offset, counts: wire.bucketCounts.map(toUnsigned) }
}
