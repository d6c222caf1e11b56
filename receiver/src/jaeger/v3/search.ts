/** Parses the query of `GET /api/v3/traces` and `/api/v3/trace-summaries`; also reads older parameter names. Pure. */

import { parseInteger, parseRfc3339 } from '../request/parameter-values.ts'
import {
  openParameters,
  parseTexts,
  type QueryParameters,
  readBoolean,
  readDuration,
  readName,
  readParameter,
} from '../request/query-parameters.ts'
import { type SearchInput, searchLimits } from '../request/search.ts'

export type V3Search =
  | { readonly status: 'search'; readonly search: SearchInput; readonly isRaw: boolean }
  | { readonly status: 'malformed'; readonly reason: string }

export const word = (name: string, reason: string) => `malformed parameter ${name}: ${reason}`

export const time = { word, parse: parseRfc3339, expected: 'a time such as 2026-07-31T12:00:00Z' }

export function parseV3Search(url: string): V3Search {
  const parameters = openParameters(url)
  const { complain } = parameters
  const from = readParameter(parameters, {
    ...time,
    names: ['query.startTimeMin', 'query.start_time_min'],
  })
  const to = readParameter(parameters, {
    ...time,
    names: ['query.startTimeMax', 'query.start_time_max'],
  })
  if (from === undefined || to === undefined) {
    complain('query.startTimeMin and query.startTimeMax are required')
  } else if (from >= to) {
    complain('query.startTimeMin must be before query.startTimeMax')
  }
  const isRaw = readBoolean(parameters, { names: ['query.rawTraces', 'query.raw_traces'], word })
  const durationMin = readDuration(parameters, {
    names: ['query.durationMin', 'query.duration_min'],
    word,
  })
  const durationMax = readDuration(parameters, {
    names: ['query.durationMax', 'query.duration_max'],
    word,
  })
  const search = {
    service: readName(parameters, 'query.serviceName', 'query.service_name'),
    // `query.span_name` is the name in one version of the UI.
    operation: readName(
      parameters,
      'query.operationName',
      'query.operation_name',
      'query.span_name',
    ),
    attributes: readAttributes(parameters),
    from: from ?? 0n,
    to: to ?? 0n,
    durationMin,
    durationMax,
    limit: readLimit(parameters),
  }
  const reason = parameters.problem()
  return reason === undefined
    ? { status: 'search', search, isRaw }
    : { status: 'malformed', reason }
}

function readLimit(parameters: QueryParameters): number {
  const names = ['query.searchDepth', 'query.search_depth', 'query.num_traces']
  const limit = readParameter(parameters, {
    names,
    word,
    parse: parseInteger,
    expected: 'an integer',
  })
  if (limit !== undefined && limit < 0n) {
    parameters.complain(word('query.searchDepth', 'it must not be negative'))
  }
  // In protobuf 0 is the same as absent.
  return Number(limit || BigInt(searchLimits.tracesDefault))
}

function readAttributes(parameters: QueryParameters): ReadonlyMap<string, string> {
  const attributes = readParameter(parameters, {
    names: ['query.attributes'],
    word,
    parse: parseTexts,
    expected: 'a JSON object of strings',
  })
  if (attributes !== undefined && attributes.size > searchLimits.attributesMax) {
    parameters.complain(
      word(
        'query.attributes',
        `more than ${searchLimits.attributesMax} cannot be searched for at once`,
      ),
    )
  }
  return attributes ?? new Map()
}
