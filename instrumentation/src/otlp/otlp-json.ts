/**
 * OTLP/JSON of one record: pure. The mapping is that of the OTLP specification (1.11, "JSON Protobuf Encoding"): ids
 * in hex, 64-bit integers as strings where they may be large, enums as integers, lowerCamelCase.
 */

import type { JournaledLog, JournaledScope, JournaledSpan } from '../journal/journaled.ts'
import { viewOf } from '../record/content.ts'
import type { Signal } from '../spool/segment-name.ts'

export type SealedAttributes = Record<string, unknown>

type AnyValue = Readonly<Record<string, unknown>>

/** `intValue` is a signed 64-bit integer; a larger one is kept as text. */
const intMax = 2n ** 63n - 1n

/** An attribute's value. What has no OTLP form (a function, a symbol) is left out. */
export function toAnyValue(value: unknown): AnyValue | undefined {
  switch (typeof value) {
    case 'string':
      return { stringValue: value }
    case 'boolean':
      return { boolValue: value }
    case 'number':
      if (Number.isSafeInteger(value)) return { intValue: value }
      // As protobuf's JSON names what JSON has no number for.
      return { doubleValue: Number.isFinite(value) ? value : String(value) }
    case 'bigint':
      return value <= intMax && value >= -intMax - 1n
        ? { intValue: value.toString() }
        : { stringValue: value.toString() }
    case 'object':
      return toCompoundValue(value)
    default:
      return undefined
  }
}

function toCompoundValue(value: object | null): AnyValue {
  if (value === null) return {}
  if (value instanceof Uint8Array) {
    return {
      bytesValue: viewOf(value).toString('base64'),
    }
  }
  if (Array.isArray(value)) {
    return { arrayValue: { values: value.map((member) => toAnyValue(member) ?? {}) } }
  }
  return { kvlistValue: { values: toKeyValues(value) } }
}

/** A list's or an object's JSON text, as a receiver would write it down: every digit of an integer, bytes in Base64. */
export function jsonTextOf(value: unknown): string {
  switch (typeof value) {
    case 'bigint':
      return value.toString()
    case 'number':
      return Number.isFinite(value) ? JSON.stringify(value) : JSON.stringify(String(value))
    case 'string':
    case 'boolean':
      return JSON.stringify(value)
    case 'object':
      return value === null ? 'null' : jsonTextOfObject(value)
    default:
      return 'null'
  }
}

function jsonTextOfObject(value: object): string {
  if (value instanceof Uint8Array) return JSON.stringify(viewOf(value).toString('base64'))
  if (Array.isArray(value)) return `[${value.map(jsonTextOf).join(',')}]`
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${jsonTextOf(member)}`).join(',')}}`
}

export function toKeyValues(attributes: object): { key: string; value: AnyValue }[] {
  const pairs: { key: string; value: AnyValue }[] = []
  for (const [key, member] of Object.entries(attributes)) {
    const value = toAnyValue(member)
    if (value !== undefined) pairs.push({ key, value })
  }
  return pairs
}

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
