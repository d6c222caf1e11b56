/** Makes OTLP/JSON requests by hand, and sends them. */
import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'

export type Value =
  | string
  | number
  | bigint
  | boolean
  | Uint8Array
  | null
  | readonly Value[]
  | Map<string, Value>
export type Attributes = Readonly<Record<string, Value>>
export type Json = Readonly<Record<string, unknown>>

export const newTraceId = () => randomBytes(16).toString('hex')
export const newSpanId = () => randomBytes(8).toString('hex')

/** Nanoseconds since 1970, in OTLP/JSON's form. */
export function nanoseconds(date = new Date(), extra = 0n): string {
  return String(BigInt(date.getTime()) * 1_000_000n + extra)
}

export function toAttributes(attributes: Attributes): Json[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: toValue(value) }))
}

export function toValue(value: Value): Json {
  if (value === null) return {}
  switch (typeof value) {
    case 'string':
      return { stringValue: value }
    case 'boolean':
      return { boolValue: value }
    case 'bigint':
      return { intValue: String(value) }
    case 'number':
      return Number.isInteger(value) ? { intValue: value } : { doubleValue: value }
    default:
      if (value instanceof Uint8Array) return { bytesValue: Buffer.from(value).toString('base64') }
      if (value instanceof Map) {
        return { kvlistValue: { values: toAttributes(Object.fromEntries(value)) } }
      }
      return { arrayValue: { values: value.map(toValue) } }
  }
}

/** A span of the current time; `overrides` replaces members. */
export function span(attributes: Attributes = {}, overrides: Json = {}): Json {
  return {
    traceId: newTraceId(),
    spanId: newSpanId(),
    name: 'span',
    kind: 1,
    startTimeUnixNano: nanoseconds(),
    endTimeUnixNano: nanoseconds(new Date(), 1_000_000n),
    attributes: toAttributes(attributes),
    ...overrides,
  }
}

export function log(attributes: Attributes = {}, overrides: Json = {}): Json {
  return { timeUnixNano: nanoseconds(), attributes: toAttributes(attributes), ...overrides }
}

export function traceRequest(spans: readonly unknown[], resource: Attributes = {}): Json {
  return {
    resourceSpans: [
      {
        resource: { attributes: toAttributes(resource) },
        scopeSpans: [{ scope: { name: 'test' }, spans }],
      },
    ],
  }
}

export function logsRequest(logRecords: readonly unknown[], resource: Attributes = {}): Json {
  return {
    resourceLogs: [
      {
        resource: { attributes: toAttributes(resource) },
        scopeLogs: [{ scope: { name: 'test' }, logRecords }],
      },
    ],
  }
}

export function metricsRequest(metrics: readonly unknown[], resource: Attributes = {}): Json {
  return {
    resourceMetrics: [
      {
        resource: { attributes: toAttributes(resource) },
        scopeMetrics: [{ scope: { name: 'test' }, metrics }],
      },
    ],
  }
}

/** A data point of the current time; `overrides` replaces members. */
export function point(attributes: Attributes = {}, overrides: Json = {}): Json {
  const now = new Date()
  return {
    startTimeUnixNano: nanoseconds(new Date(now.getTime() - 60_000)),
    timeUnixNano: nanoseconds(now),
    asInt: '1',
    attributes: toAttributes(attributes),
    ...overrides,
  }
}

/** A counter with these points. */
export function sum(dataPoints: readonly unknown[], overrides: Json = {}): Json {
  return {
    name: 'requests',
    unit: '{request}',
    sum: { dataPoints, aggregationTemporality: 1, isMonotonic: true },
    ...overrides,
  }
}

export interface Target {
  readonly url: string
  readonly token: string
}

/** Posts JSON, gzipped like a recorder's. Strings and bytes are sent unchanged. */
export async function post(
  { url, token }: Target,
  signal: 'traces' | 'logs' | 'metrics',
  body: Json | string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array
  const bytes = isRaw ? Buffer.from(body) : gzipSync(JSON.stringify(body))
  return fetch(`${url}/v1/${signal}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      ...(isRaw ? {} : { 'content-encoding': 'gzip' }),
      ...headers,
    },
    body: bytes,
  })
}
