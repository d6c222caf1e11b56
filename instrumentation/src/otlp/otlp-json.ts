/**
 * OTLP/JSON of one record: pure. The mapping is that of the OTLP specification (1.11, "JSON Protobuf Encoding"): ids
 * in hex, 64-bit integers as strings where they may be large, enums as integers, lowerCamelCase.
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
