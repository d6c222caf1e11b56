/**
 * Hashes that identify records without an id: of a log record the hash of resource, scope and record; of a data point the
 * hash of its stream and the hash of its times and numbers. They are the same for protobuf and JSON, and for any order of
 * attributes.
 *
 * Each part is hashed with its kind and length, so that different records never give the same bytes.
 */
import type { Buffer } from 'node:buffer'
import { createHash, type Hash } from 'node:crypto'
import { isMap } from '../wire/json.ts'
import type {
  AnyValue,
  AttributeMap,
  ExponentialBuckets,
  InstrumentationScope,
  LogRecord,
  PointRecord,
  Resource,
} from '../wire/request.ts'
import { encodeText } from '../wire/text.ts'

/** Through which sequence the recorder had recorded when the request was sealed: it differs from request to request. */
export const recordedThroughName = 'turnlog.recorder.recorded_through'

export function fingerprintOfOrigin(resource: Resource, scope: InstrumentationScope): Buffer {
  const hash = createHash('sha256')
  writeMap(hash, resource.attributes, recordedThroughName)
  writeText(hash, resource.schemaUrl)
  writeText(hash, scope.name)
  writeText(hash, scope.version)
  writeText(hash, scope.schemaUrl)
  writeMap(hash, scope.attributes)
  return hash.digest()
}

export function fingerprintOfLog(origin: Buffer, log: LogRecord): string {
  const hash = createHash('sha256').update(origin)
  for (const number of [log.time, log.observedTime, log.severityNumber, log.flags]) {
    hash.update(`${number};`)
  }
  for (const text of [log.severityText, log.eventName, log.traceId.toLowerCase()]) {
    writeText(hash, text)
  }
  writeText(hash, log.spanId.toLowerCase())
  writeValue(hash, log.body)
  writeMap(hash, log.attributes)
  return hash.digest('hex')
}

/** The stream that a client adds points to. Streams of different users differ, whatever their names. */
export function fingerprintOfStream(
  origin: Buffer,
  { metric, attributes }: Pick<PointRecord, 'metric' | 'attributes'>,
  userId: string | null,
): Buffer {
  const hash = createHash('sha256').update(origin)
  for (const text of [metric.name, metric.unit, metric.kind, userId ?? '']) writeText(hash, text)
  hash.update(`${metric.temporality};${metric.isMonotonic};`)
  writeMap(hash, attributes)
  return hash.digest()
}

/** The point within its stream. It includes the numbers: two different values at one time are two points. */
export function fingerprintOfPoint(point: PointRecord): Buffer {
  const hash = createHash('sha256')
  const { buckets, exponential, quantiles } = point
  const { startTime, time, flags, value, count, sum, min, max } = point
  for (const number of [startTime, time, flags, value, count, sum, min, max]) {
    writeNumber(hash, number)
  }
  writeNumbers(hash, buckets?.counts)
  writeNumbers(hash, buckets?.bounds)
  writeNumber(hash, exponential?.scale)
  writeNumber(hash, exponential?.zeroCount)
  writeNumber(hash, exponential?.zeroThreshold)
  writeBuckets(hash, exponential?.positive)
  writeBuckets(hash, exponential?.negative)
  for (const member of ['quantile', 'value'] as const) {
    const numbers = quantiles?.map((one) => one[member])
    writeNumbers(hash, numbers)
  }
  return hash.digest()
}

function writeBuckets(hash: Hash, buckets: ExponentialBuckets | undefined): void {
  writeNumber(hash, buckets?.offset)
  writeNumbers(hash, buckets?.counts)
}

function writeNumbers(hash: Hash, numbers: readonly (number | bigint)[] | undefined): void {
  hash.update(`n${numbers?.length};`)
  if (numbers !== undefined) hash.update(numbers.join(';'))
}

function writeNumber(hash: Hash, number: number | bigint | undefined): void {
  hash.update(`${typeof number}${number};`)
}

function writeValue(hash: Hash, value: AnyValue): void {
  if (value === null) hash.update('z')
  else if (typeof value === 'string') writeText(hash, value)
  else if (typeof value === 'object') writeStructure(hash, value)
  else hash.update(`${typeof value}${value};`)
}

function writeStructure(hash: Hash, value: Extract<AnyValue, object>): void {
  if (value instanceof Uint8Array) {
    hash.update(`b${value.length};`).update(value)
  } else if (isMap(value)) {
    writeMap(hash, value)
  } else {
    hash.update(`a${value.length};`)
    for (const one of value) writeValue(hash, one)
  }
}

function writeMap(hash: Hash, map: AttributeMap, except?: string): void {
  const keys = [...map.keys()].filter((key) => key !== except).sort(byCodeUnits)
  hash.update(`m${keys.length};`)
  for (const key of keys) {
    writeText(hash, key)
    writeValue(hash, map.get(key) ?? null)
  }
}

function byCodeUnits(left: string, right: string): number {
  return left < right ? -1 : 1
}

function writeText(hash: Hash, text: string): void {
  const bytes = encodeText(text)
  hash.update(`t${bytes.length};`).update(bytes)
}
