/**
 * OTLP/JSON of one record, its size, and the request around records. Pure. The mapping is that of the OTLP specification
 * (1.11, "JSON Protobuf Encoding"): ids in hex, large 64-bit integers as strings, enums as integers, lowerCamelCase.
 */
import { toAnyValue, toKeyValues } from '@turnlog/conventions/otlp/any-value'
import type { JournaledLog, JournaledScope, JournaledSpan } from '../journal/span-head.ts'
import type { Signal } from '../spool/segment-name.ts'

export type SealedAttributes = Record<string, unknown>

/** Undefined members are absent from the JSON. */
export function toOtlpSpan(span: JournaledSpan, attributes: SealedAttributes): object {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    traceState: span.traceState,
    name: span.name,
    kind: span.kind + 1,
    startTimeUnixNano: span.start,
    endTimeUnixNano: span.end ?? span.start,
    attributes: toKeyValues(attributes),
    events: (span.events ?? []).map(({ time, name, attributes = {} }) => {
      return { timeUnixNano: time, name, attributes: toKeyValues(attributes) }
    }),
    links: (span.links ?? []).map(({ traceId, spanId, traceState, flags, attributes = {} }) => {
      return { traceId, spanId, traceState, flags, attributes: toKeyValues(attributes) }
    }),
    status: { code: span.status?.code ?? 0, message: span.status?.message },
    flags: span.flags,
  }
}

export function toOtlpLog(log: JournaledLog, attributes: SealedAttributes): object {
  return {
    timeUnixNano: log.time,
    observedTimeUnixNano: log.observed,
    severityNumber: log.severity,
    severityText: log.severityText,
    eventName: log.eventName,
    body: log.body === undefined ? undefined : toAnyValue(log.body),
    attributes: toKeyValues(attributes),
    ...(log.traceId === undefined ? {} : { traceId: log.traceId, spanId: log.spanId }),
    flags: log.flags,
  }
}

const shapes = {
  traces: { resources: 'resourceSpans', scopes: 'scopeSpans', records: 'spans' },
  logs: { resources: 'resourceLogs', scopes: 'scopeLogs', records: 'logRecords' },
} as const satisfies Record<Signal, unknown>

/** A record as OTLP/JSON, and the scope it is grouped under. */
export interface RecordJson {
  readonly scope: JournaledScope
  readonly json: string
}

/** One request: the records of one signal and one resource, grouped by scope. */
export function toOtlpRequest(
  signal: Signal,
  resource: object,
  records: readonly RecordJson[],
): string {
  const { resources, scopes, records: members } = shapes[signal]
  const byScope = Map.groupBy(records, ({ scope }) => JSON.stringify(scope))
  const groups = [...byScope.values()].map((group) => {
    const { name = '', version, schemaUrl } = group[0]?.scope ?? {}
    const scope = JSON.stringify({ name, ...(version === undefined ? {} : { version }) })
    const url = schemaUrl === undefined ? '' : `,"schemaUrl":${JSON.stringify(schemaUrl)}`
    return `{"scope":${scope}${url},"${members}":[${group.map(({ json }) => json).join(',')}]}`
  })
  const attributes = JSON.stringify(toKeyValues(resource))
  return `{"${resources}":[{"resource":{"attributes":${attributes}},"${scopes}":[${groups.join(',')}]}]}`
}

/** JSON's longest form of a character, `\u0000`. */
const escapedBytesMax = 6
/** The length of `{"key":…,"value":{"stringValue":…}},`. */
const frameBytes = 48

/** The length of the attributes' OTLP/JSON, computed without writing it. */
export function attributesBytes(attributes: SealedAttributes, textBytes = escapedBytes): number {
  let bytes = 0
  for (const [name, value] of Object.entries(attributes)) {
    bytes += frameBytes + textBytes(name) + valueBytes(value, textBytes)
  }
  return bytes
}

/** An upper bound of the same, which is faster. */
export function bytesBound(attributes: SealedAttributes): number {
  return attributesBytes(attributes, (text) => text.length * escapedBytesMax)
}

export function valueBytes(value: unknown, textBytes = escapedBytes): number {
  if (typeof value === 'string') return textBytes(value)
  // Base64.
  if (value instanceof Uint8Array) return Math.ceil(value.byteLength / 3) * 4
  return typeof value === 'object' ? Buffer.byteLength(JSON.stringify(toAnyValue(value))) : 0
}

/** The length of a text's JSON in UTF-8. */
export function escapedBytes(text: string): number {
  let bytes = 2
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code < 0x20) bytes += code >= 8 && code <= 13 && code !== 11 ? 2 : escapedBytesMax
    else if (code < 0x80) bytes += code === 0x22 || code === 0x5c ? 2 : 1
    else if (code < 0x800) bytes += 2
    else if (code < 0xd800 || code > 0xdfff) bytes += 3
    else if (isPair(text, at)) {
      bytes += 4
      at += 1
    } else bytes += escapedBytesMax
  }
  return bytes
}

function isPair(text: string, at: number): boolean {
  const [high, low] = [text.charCodeAt(at), text.charCodeAt(at + 1)]
  return high <= 0xdbff && low >= 0xdc00 && low <= 0xdfff
}
