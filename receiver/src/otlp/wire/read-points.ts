/**
 * Metrics → their data points. A problem of a metric is a problem of each of its points; a malformed metric
 * without points counts as one point.
 */
import type { JsonObject } from '@turnlog/conventions/plain'
import {
  type Complain,
  collectProblems,
  recordOf,
  sentOf,
  toBoolean,
  toCount,
  toDouble,
  toEnum,
  toId,
  toInteger,
  toList,
  toNanoseconds,
  toRecords,
  toSmallInteger,
  toText,
  toTotal,
} from './fields.ts'
import type { RecordLimit } from './limits.ts'
import {
  type Exemplar,
  type ExponentialBuckets,
  emptyPoint,
  type Metric,
  type PointKind,
  type PointRecord,
} from './request.ts'
import { toAttributes } from './values.ts'

const members = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'] as const

const temporalities = [
  'AGGREGATION_TEMPORALITY_UNSPECIFIED',
  'AGGREGATION_TEMPORALITY_DELTA',
  'AGGREGATION_TEMPORALITY_CUMULATIVE',
]

export function toPoints(metrics: readonly unknown[], limit: RecordLimit): PointRecord[] {
  return metrics.flatMap((value) => pointsOf(value, limit))
}

function pointsOf(value: unknown, limit: RecordLimit): PointRecord[] {
  const { problems, complain } = collectProblems()
  const wire = recordOf(value, 'metric', complain)
  const present = sentOf(wire, 'data', members)
  if (present.length > 1) complain('metric has more than one kind of data')
  const common = {
    name: toText(wire.name, 'metric name', complain),
    description: toText(wire.description, 'metric description', complain),
    unit: toText(wire.unit, 'metric unit', complain),
    metadata: toAttributes(wire.metadata, 0, complain),
  }
  const points: PointRecord[] = []
  for (const member of present) {
    const kind = member === 'exponentialHistogram' ? 'exponential_histogram' : member
    const data = recordOf(wire[member], member, complain)
    const list = toList(data.dataPoints, 'dataPoints', complain)
    const metric: Metric = {
      ...common,
      kind,
      temporality: toEnum(
        data.aggregationTemporality,
        'aggregationTemporality',
        temporalities,
        complain,
      ),
      isMonotonic:
        kind === 'sum' ? toBoolean(data.isMonotonic, 'isMonotonic', complain) : undefined,
    }
    limit.add(list.length)
    for (const point of list) points.push(toPoint(point, metric))
  }
  const [problem] = problems
  if (problem === undefined) return points
  if (points.length > 0) return points.map((point) => ({ ...point, problem }))
  limit.add(1)
  const metric = { ...common, kind: 'gauge', temporality: 0, isMonotonic: undefined } as const
  return [{ ...emptyPoint, metric, attributes: new Map(), problem }]
}

function toPoint(value: unknown, metric: Metric): PointRecord {
  const { problems, complain } = collectProblems()
  const wire = recordOf(value, 'data point', complain)
  const point = {
    ...emptyPoint,
    metric,
    attributes: toAttributes(wire.attributes, 0, complain),
    startTime: toNanoseconds(wire.startTimeUnixNano, 'startTimeUnixNano', complain),
    time: toNanoseconds(wire.timeUnixNano, 'timeUnixNano', complain),
    flags: toCount(wire.flags, 'flags', complain),
    exemplars: toRecords(wire.exemplars, 'exemplars', complain).map((one) =>
      toExemplar(one, complain),
    ),
    ...dataOf(wire, metric.kind, complain),
  }
  return { ...point, problem: problems[0] }
}

function dataOf(wire: JsonObject, kind: PointKind, complain: Complain): Partial<PointRecord> {
  switch (kind) {
    case 'gauge':
    case 'sum':
      return { value: toNumber(wire, complain) }
    case 'histogram': {
      const counts = toTotals(wire.bucketCounts, complain)
      const bounds = toList(wire.explicitBounds, 'explicitBounds', complain).map((bound) =>
        toDouble(bound, 'explicitBounds', complain),
      )
      return { ...distributionOf(wire, complain), buckets: { counts, bounds } }
    }
    case 'exponential_histogram':
      return {
        ...distributionOf(wire, complain),
        exponential: {
          scale: toSmallInteger(wire.scale, 'scale', complain),
          zeroCount: toTotal(wire.zeroCount, 'zeroCount', complain),
          zeroThreshold: toOptionalDouble(wire.zeroThreshold, 'zeroThreshold', complain) ?? 0,
          positive: toBuckets(wire.positive, 'positive', complain),
          negative: toBuckets(wire.negative, 'negative', complain),
        },
      }
    case 'summary':
      return {
        count: toTotal(wire.count, 'count', complain),
        sum: toOptionalDouble(wire.sum, 'sum', complain) ?? 0,
        quantiles: toRecords(wire.quantileValues, 'quantileValues', complain).map((one) => ({
          quantile: toOptionalDouble(one.quantile, 'quantile', complain) ?? 0,
          value: toOptionalDouble(one.value, 'value', complain) ?? 0,
        })),
      }
  }
}

function distributionOf(wire: JsonObject, complain: Complain): Partial<PointRecord> {
  return {
    count: toTotal(wire.count, 'count', complain),
    sum: toOptionalDouble(wire.sum, 'sum', complain),
    min: toOptionalDouble(wire.min, 'min', complain),
    max: toOptionalDouble(wire.max, 'max', complain),
  }
}

function toNumber(wire: JsonObject, complain: Complain): number | bigint | undefined {
  const [first, second] = sentOf(wire, 'value', ['asInt', 'asDouble'])
  if (second !== undefined) complain('asInt and asDouble are both there')
  if (first === 'asInt') return toInteger(wire.asInt, 'asInt', complain)
  return first && toDouble(wire.asDouble, 'asDouble', complain)
}

function toExemplar(wire: JsonObject, complain: Complain): Exemplar {
  return {
    time: toNanoseconds(wire.timeUnixNano, 'exemplars.timeUnixNano', complain),
    value: toNumber(wire, complain),
    traceId: toId(wire.traceId, 'exemplars.traceId', complain),
    spanId: toId(wire.spanId, 'exemplars.spanId', complain),
    attributes: toAttributes(wire.filteredAttributes, 0, complain),
  }
}

function toBuckets(
  value: unknown,
  name: string,
  complain: Complain,
): ExponentialBuckets | undefined {
  if (value === undefined || value === null) return undefined
  const wire = recordOf(value, name, complain)
  return {
    offset: toSmallInteger(wire.offset, `${name}.offset`, complain),
    counts: toTotals(wire.bucketCounts, complain),
  }
}

function toTotals(value: unknown, complain: Complain): bigint[] {
  return toList(value, 'bucketCounts', complain).map((count) =>
    toTotal(count, 'bucketCounts', complain),
  )
}

function toOptionalDouble(value: unknown, name: string, complain: Complain): number | undefined {
  return value === undefined || value === null ? undefined : toDouble(value, name, complain)
}
