/** One data point of a metric → its row, or why it is rejected. Pure. */
import type { Period } from '../../period.ts'
import { toJsonText } from '../wire/json.ts'
import type { AnyValue, ExponentialBuckets, PointRecord } from '../wire/request.ts'
import { clean } from '../wire/text.ts'
import { identifierOf, textOf } from './attribute-values.ts'
import { storeAttributes } from './attributes.ts'
import { type PointRow, type RowResult, rejected } from './batch.ts'
import type { ContentSink } from './contents.ts'
import { fingerprintOfPoint, fingerprintOfStream } from './fingerprint.ts'
import { claimedUserOf, sessionIdOf } from './origin.ts'
import type { RowOptions } from './span-rows.ts'
import { dayOf, problemOfBeginning, problemOfTime, timestampOf } from './time.ts'

/** The largest `bigint` of PostgreSQL. */
const countMax = 2n ** 63n - 1n

export function toPointRow(point: PointRecord, options: RowOptions): RowResult<PointRow> {
  const problem = point.problem ?? problemOfPoint(point, options.period)
  if (problem !== undefined) return rejected(problem)
  const time = timestampOf(point.time)
  if (time === null) return rejected('data point has no time')

  const { attributes, metric, value, buckets } = point
  const { origin } = options
  const sink = options.contents.open(dayOf(point.time))
  const userId = options.userId ?? claimedUserOf(attributes, origin)
  const stream = fingerprintOfStream(origin.fingerprint(), point, userId)
  const fingerprint = fingerprintOfPoint(point)
  const row: PointRow = {
    stream_sha256: stream,
    point_sha256: fingerprint,
    time,
    time_unix_nano: point.time,
    start_time: timestampOf(point.startTime),
    start_unix_nano: point.startTime === 0n ? null : point.startTime,
    name: identifierOf(metric.name) ?? '',
    description: textOf(metric.description),
    unit: textOf(metric.unit),
    kind: metric.kind,
    temporality: temporalityOf(metric.temporality),
    monotonic: metric.isMonotonic ?? null,
    flags: point.flags,
    value: value === undefined ? null : Number(value),
    value_integer: typeof value === 'bigint' ? value : null,
    count: point.count ?? null,
    sum: point.sum ?? null,
    min: point.min ?? null,
    max: point.max ?? null,
    bucket_counts: buckets?.counts ?? null,
    bucket_bounds: buckets?.bounds ?? null,
    exponential: storeExponential(point),
    quantiles: storeQuantiles(point),
    exemplars: storeExemplars(point, sink),
    metadata: metric.metadata.size === 0 ? null : storeAttributes(metric.metadata, sink),
    service_name: origin.serviceName,
    session_id: sessionIdOf(attributes, origin),
    user_id: userId,
    recorder_id: origin.recorderId,
    sequence: null,
    abandoned: false,
    attributes: storeAttributes(attributes, sink),
    resource: origin.resource(sink),
    scope: origin.scope(sink),
  }
  const key = `${stream.toString('hex')} ${time} ${fingerprint.toString('hex')}`
  return { status: 'row', item: { key, row, time, contentKeys: sink.keys, origin } }
}

function problemOfPoint(point: PointRecord, period: Period): string | undefined {
  const problemOfEnd = problemOfTime(point.time, period)
  if (problemOfEnd !== undefined) return `data point ${problemOfEnd}`
  const problemOfStart = problemOfBeginning(point.startTime, period)
  if (problemOfStart !== undefined) return `data point’s start ${problemOfStart}`
  const counts = [point.count ?? 0n, ...(point.buckets?.counts ?? [])]
  return counts.some((count) => count > countMax) ? 'a count is beyond 63 bits' : undefined
}

/** The number itself when OTLP has no name for it. */
function temporalityOf(code: number): string | null {
  if (code === 0) return null
  return (['', 'delta', 'cumulative'] as const)[code] ?? String(code)
}

function storeExponential({ exponential }: PointRecord): string | null {
  if (exponential === undefined) return null
  const { scale, zeroCount, zeroThreshold, positive, negative } = exponential
  const members = new Map<string, AnyValue>([
    ['scale', BigInt(scale)],
    ['zero_count', zeroCount],
    ['zero_threshold', zeroThreshold],
  ])
  if (positive !== undefined) members.set('positive', bucketMembers(positive))
  if (negative !== undefined) members.set('negative', bucketMembers(negative))
  return toJsonText(members)
}

function bucketMembers({ offset, counts }: ExponentialBuckets): AnyValue {
  return new Map<string, AnyValue>([
    ['offset', BigInt(offset)],
    ['counts', counts],
  ])
}

function storeQuantiles({ quantiles }: PointRecord): string | null {
  if (quantiles === undefined) return null
  const members = quantiles.map(({ quantile, value }) => {
    return new Map(Object.entries({ quantile, value }))
  })
  return toJsonText(members)
}

function storeExemplars({ exemplars }: PointRecord, sink: ContentSink): string | null {
  if (exemplars.length === 0) return null
  const stored = exemplars.map(({ time, value, traceId, spanId, attributes }) => {
    const ids = `"trace_id":${JSON.stringify(clean(traceId))},"span_id":${JSON.stringify(clean(spanId))}`
    return `{"time_unix_nano":${time},"value":${toJsonText(value ?? null)},${ids},"attributes":${storeAttributes(attributes, sink)}}`
  })
  return `[${stored.join(',')}]`
}
