/** A search as both versions of the API read it → the query for the database; the limits of searches. Pure. */
import type { TraceSearch } from '../../storage/queries/find-traces.ts'
import { unknownService } from '../read/span.ts'
import { toConditions } from './attribute-conditions.ts'

export const searchLimits = {
  /** When the client gives no limit, as in Jaeger. */
  tracesDefault: 100,
  /** As in Jaeger's UI. A search for more gets this many. */
  tracesMax: 1_500,
  /** Each is compared with five parts of every span. */
  attributesMax: 20,
  /** How far back a search without a start goes, as in Jaeger. */
  lookbackNs: 2n * 86_400_000_000_000n,
  /** No record lands whose time is further in the future. */
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
    service:
      service === undefined ? undefined : { name: service, orNone: service === unknownService },
    operationName: operation,
    from,
    to: to > latest ? latest : to,
    // 0 means no limit, as in Jaeger.
    durationMin: durationMin === 0n ? undefined : durationMin,
    durationMax: durationMax === 0n ? undefined : durationMax,
    conditions: toConditions(attributes),
    limit: Math.min(limit, searchLimits.tracesMax),
  }
}
