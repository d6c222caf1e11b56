/**
 * OTLP/JSON of one record, its size, and the request around records. Pure. The mapping is that of the OTLP specification
 * (1.11, "JSON Protobuf Encoding"): ids in hex, large 64-bit integers as strings, enums as integers, lowerCamelCase.
 */
import { toAnyValue, toKeyValues } from '@turnlog/conventions/otlp/any-value'
import type { JournaledLog, JournaledScope, JournaledSpan } from '../journal/span-head.ts'
import type { Signal } from '../spool/segment-name.ts'

export type SealedAttributes = Record<string, unknown>

export function toOtlpSpan(span: JournaledSpan, attributes: SealedAttributes): object {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentSpanId === undefined ? {} : { parentSpanId: span.parentSpanId }),
    ...(span.traceState === undefined ? {} : { traceState: span.traceState }),
    name: span.name,
    kind: span.kind + 1,
    startTimeUnixNano: span.start,
    endTimeUnixNano: span.end ?? span.start,
    attributes: toKeyValues(attributes),
    events: (span.events ?? []).map((event) => ({
      timeUnixNano: event.time,
      name: event.name,
      attributes: toKeyValues(event.attributes ?? {}),
    })),
    links: (span.links ?? []).map((link) => ({
      traceId: link.traceId,
      spanId: link.spanId,
      ...(link.traceState === undefined ? {} : { traceState: link.traceState }),
      ...(link.flags === undefined ? {} : { flags: link.flags }),
      attributes: toKeyValues(link.attributes ?? {}),
    })),
    status: {
      code: span.status?.code ?? 0,
      ...(span.status?.message === undefined ? {} : { message: span.status.message }),
    },
    ...(span.flags === undefined ? {} : { flags: span.flags }),
  }
}

export function toOtlpLog(log: JournaledLog, attributes: SealedAttributes): object {
  const body = log.body === undefined ? undefined : toAnyValue(log.body)
  return {
    timeUnixNano: log.time,
    observedTimeUnixNano: log.observed,
    ...(log.severity === undefined ? {} : { severityNumber: log.severity }),
    ...(log.severityText === undefined ? {} : { severityText: log.severityText }),
    ...(log.eventName === undefined ? {} : { eventName: log.eventName }),
    ...(body === undefined ? {} : { body }),
    attributes: toKeyValues(attributes),
    ...(log.traceId === undefined ? {} : { traceId: log.traceId, spanId: log.spanId }),
    ...(log.flags === undefined ? {} : { flags: log.flags }),
  }
}

const shapes = {
  traces: { resources: 'resourceSpans', scopes: 'scopeSpans', records: 'spans' },
  logs: { resources: 'resourceLogs', scopes: 'scopeLogs', records: 'logRecords' },
} as const satisfies Record<Signal, unknown>

/** One request: the records of one signal and one resource, grouped by scope. */
export function toOtlpRequest(
  signal: Signal,
  resource: object,
  records: readonly { readonly scope: JournaledScope; readonly json: string }[],
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
export function attributesBytes(attributes: SealedAttributes): number {
  let bytes = 0
  for (const [name, value] of Object.entries(attributes)) {
    bytes += frameBytes + escapedBytes(name) + valueBytes(value)
  }
  return bytes
}

export function valueBytes(value: unknown): number {
  if (typeof value === 'string') return escapedBytes(value)
  if (value instanceof Uint8Array) return base64Bytes(value)
  return typeof value === 'object' ? Buffer.byteLength(JSON.stringify(toAnyValue(value))) : 0
}

/** An upper bound of the same, which is faster. */
export function bytesBound(attributes: SealedAttributes): number {
  let bound = 0
  for (const [name, value] of Object.entries(attributes)) {
    bound += frameBytes + name.length * escapedBytesMax
    if (typeof value === 'string') bound += value.length * escapedBytesMax
    else bound += valueBytes(value)
  }
  return bound
}

function base64Bytes({ byteLength }: Uint8Array): number {
  return Math.ceil(byteLength / 3) * 4
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
