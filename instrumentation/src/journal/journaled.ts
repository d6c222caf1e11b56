/** What stands in a journal's heads of spans and logs; times are nanoseconds since 1970, as decimal strings. */

/** Slots of contents that were long attributes, by their names. */
export const attributeSlot = 'a:'
/** The slot of a log's long body. */
export const bodySlot = 'b'

/** Of two such times. */
export function isBefore(a: string, b: string): boolean {
  return a.length === b.length ? a < b : a.length < b.length
}

/** A span as it started, or as it ended: then with `end`. Attributes are those of `journal-value.ts`, long texts apart. */
export interface JournaledSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string | undefined
  readonly name: string
  /** As in OpenTelemetry JS's API: 0 internal … 4 consumer; OTLP's is one more. */
  readonly kind: number
  readonly start: string
  readonly end?: string
  readonly attributes: Readonly<Record<string, unknown>>
  readonly status?: { readonly code: number; readonly message?: string }
  readonly events?: readonly JournaledEvent[]
  readonly links?: readonly JournaledLink[]
  readonly scope: JournaledScope
  /** As OTLP has them. */
  readonly flags?: number
  readonly traceState?: string | undefined
}
export interface JournaledEvent {
  readonly name: string
  readonly time: string
  readonly attributes?: Readonly<Record<string, unknown>>
}
export interface JournaledLink {
  readonly traceId: string
  readonly spanId: string
  readonly flags?: number
  readonly traceState?: string | undefined
  readonly attributes?: Readonly<Record<string, unknown>>
}
export interface JournaledScope {
  readonly name: string
  readonly version?: string | undefined
  readonly schemaUrl?: string | undefined
}
export interface JournaledLog {
  readonly time: string
  readonly observed: string
  readonly severity?: number | undefined
  readonly severityText?: string | undefined
  readonly eventName?: string | undefined
  readonly body?: unknown
  readonly attributes: Readonly<Record<string, unknown>>
  readonly traceId?: string | undefined
  readonly spanId?: string | undefined
  readonly flags?: number | undefined
  readonly scope: JournaledScope
}
