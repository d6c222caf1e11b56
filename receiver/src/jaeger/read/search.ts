/** A search, as either version of the API asks for it, and the limits of all. Pure. */
import type { TraceSearch } from '../../storage/queries/find-traces.ts'
import { toConditions } from '../request/attribute-conditions.ts'
import { unknownService } from './span.ts'

export const searchLimits = {
  /** Where the client names none, as in Jaeger. */
  tracesDefault: 100,
  /** As many as Jaeger's UI lets one ask for; more are answered with this many. */
  tracesMax: 1_500,
  /** Each is looked for in five places of every span. */
  attributesMax: 20,
  /** How far back a search goes that names no start, as in Jaeger. */
  lookbackNs: 2n * 86_400_000_000_000n,
  /** No record lands that lies further ahead. */
  aheadNs: 3n * 86_400_000_000_000n,
} as const

export interface SearchInput {
  readonly service: string | undefined
  readonly operation: string | undefined
  readonly attributes: ReadonlyMap<string, string>
  readonly from: bigint
  readonly to: bigint
  readonly durationMin: bigint | undefined
  readonly durationMax: bigint | undefined
  readonly limit: number
}

export function toTraceSearch(input: SearchInput, now: Date): TraceSearch {
  const { service, operation, attributes, from, to, durationMin, durationMax, limit } = input
  const latest = BigInt(now.getTime()) * 1_000_000n + searchLimits.aheadNs
  return {
    service: service === undefined ? undefined : serviceOf(service),
    operationName: operation,
    from,
    to: to > latest ? latest : to,
    // A duration of 0 is no limit, as in Jaeger.
    durationMin: durationMin === 0n ? undefined : durationMin,
    durationMax: durationMax === 0n ? undefined : durationMax,
    conditions: toConditions(attributes),
    limit: Math.min(limit, searchLimits.tracesMax),
  }
}

export function serviceOf(name: string): { readonly name: string; readonly orNone: boolean } {
  return { name, orNone: name === unknownService }
}
