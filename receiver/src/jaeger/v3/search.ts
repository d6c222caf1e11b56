/** Reads the query of `GET /api/v3/traces` and `/api/v3/trace-summaries`, also under older parameter names. Pure. */
import { malformed } from '../../http/refuse.ts'
import { forms, type QueryParameters } from '../request/query-parameters.ts'
import { type SearchInput, searchLimits } from '../request/search.ts'

export const word = (name: string, reason: string) => `malformed parameter ${name}: ${reason}`

export function readV3Search(parameters: QueryParameters): {
  readonly search: SearchInput
  readonly isRaw: boolean
} {
  const { name, read } = parameters
  const from = read(forms.time, 'query.startTimeMin', 'query.start_time_min')
  const to = read(forms.time, 'query.startTimeMax', 'query.start_time_max')
  if (from === undefined || to === undefined) {
    throw malformed('query.startTimeMin and query.startTimeMax are required')
  }
  if (from >= to) throw malformed('query.startTimeMin must be before query.startTimeMax')
  const isRaw = read(forms.boolean, 'query.rawTraces', 'query.raw_traces') ?? false
  const durationMin = read(forms.duration, 'query.durationMin', 'query.duration_min')
  const durationMax = read(forms.duration, 'query.durationMax', 'query.duration_max')
  const search = {
    service: name('query.serviceName', 'query.service_name'),
    // `query.span_name` is the name in one version of the UI.
    operation: name('query.operationName', 'query.operation_name', 'query.span_name'),
    attributes: readAttributes(parameters),
    from,
    to,
    durationMin,
    durationMax,
    limit: readLimit(parameters),
  }
  return { search, isRaw }
}

function readLimit({ read }: QueryParameters): number {
  const names = ['query.searchDepth', 'query.search_depth', 'query.num_traces']
  const limit = read(forms.integer, ...names)
  if (limit !== undefined && limit < 0n) {
    throw malformed(word('query.searchDepth', 'it must not be negative'))
  }
  // In protobuf 0 is the same as absent.
  return Number(limit || BigInt(searchLimits.tracesDefault))
}

function readAttributes({ read }: QueryParameters): ReadonlyMap<string, string> {
  const attributes = read(forms.texts, 'query.attributes') ?? new Map()
  if (attributes.size <= searchLimits.attributesMax) return attributes
  const reason = `more than ${searchLimits.attributesMax} cannot be searched for at once`
  throw malformed(word('query.attributes', reason))
}
