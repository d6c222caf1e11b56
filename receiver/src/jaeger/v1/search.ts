/** Parses the query of `GET /api/traces`. Pure. */

import { parseInteger, parseJaegerTraceId, parseUnixTime } from '../request/parameter-values.ts'
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

export type V1Search =
  | { readonly status: 'search'; readonly search: SearchInput; readonly isRaw: boolean }
  | { readonly status: 'traces'; readonly traceIds: readonly string[]; readonly isRaw: boolean }
  | { readonly status: 'malformed'; readonly reason: string }

/** Trace ids in one request. */
const traceIdsMax = 100

export const word = (name: string, reason: string) => `unable to parse param '${name}': ${reason}`

export function parseV1Search(url: string, now: Date): V1Search {
  const parameters = openParameters(url)
  const search = readSearch(parameters, now)
  const isRaw = readBoolean(parameters, { names: ['raw'], word })
  const traceIds = readTraceIds(parameters)
  if (traceIds.length === 0) checkSearch(search, parameters)
  const reason = parameters.problem()
  if (reason !== undefined) return { status: 'malformed', reason }
  if (traceIds.length > 0) return { status: 'traces', traceIds, isRaw }
  return { status: 'search', search, isRaw }
}

function readSearch(parameters: QueryParameters, now: Date): SearchInput {
  const nowNs = BigInt(now.getTime()) * 1_000_000n
  const time = { word, parse: parseUnixTime, expected: 'a time in microseconds' }
  const to = readParameter(parameters, { ...time, names: ['end'] }) ?? nowNs
  const from = readParameter(parameters, { ...time, names: ['start'] })
  const limit = readParameter(parameters, {
    names: ['limit'],
    word,
    parse: parseInteger,
    expected: 'an integer',
  })
  return {
    service: readName(parameters, 'service'),
    operation: readName(parameters, 'operation'),
    attributes: readTags(parameters),
    from: from ?? to - lookbackOf(parameters),
    to,
    durationMin: readDuration(parameters, { names: ['minDuration'], word }),
    durationMax: readDuration(parameters, { names: ['maxDuration'], word }),
    limit: Number(limit ?? searchLimits.tracesDefault),
  }
}

/** `1h` or `2d`. The UI sends it together with `start`, which wins; one that cannot be read is ignored. */
function lookbackOf(parameters: QueryParameters): bigint {
  const [, digits, unit = ''] =
    /^(\d{1,4})([mhdw])$/.exec(parameters.find('lookback')?.text ?? '') ?? []
  const seconds: Readonly<Record<string, bigint>> = { m: 60n, h: 3_600n, d: 86_400n, w: 604_800n }
  const unitSeconds = seconds[unit]
  if (digits === undefined || unitSeconds === undefined) return searchLimits.lookbackNs
  return BigInt(digits) * unitSeconds * 1_000_000_000n
}

function readTags(parameters: QueryParameters): ReadonlyMap<string, string> {
  const tags = new Map<string, string>()
  for (const text of parameters.all('tag')) {
    const colon = text.indexOf(':')
    if (colon < 0) {
      parameters.complain("malformed 'tag' parameter, expecting key:value")
      continue
    }
    tags.set(text.slice(0, colon), text.slice(colon + 1))
  }
  for (const text of parameters.all('tags')) {
    const texts = parseTexts(text)
    if (texts === undefined) {
      parameters.complain("malformed 'tags' parameter, expecting a JSON object of strings")
      continue
    }
    for (const [key, value] of texts) tags.set(key, value)
  }
  if (tags.size > searchLimits.attributesMax) {
    parameters.complain(
      `more than ${searchLimits.attributesMax} tags cannot be searched for at once`,
    )
  }
  return tags
}

function readTraceIds(parameters: QueryParameters): readonly string[] {
  const ids = parameters.all('traceID').map((text) => {
    const id = parseJaegerTraceId(text)
    if (id === undefined) parameters.complain('cannot parse traceID param: it is not a trace id')
    return id ?? ''
  })
  const unique = [...new Set(ids)]
  if (unique.length > traceIdsMax) {
    parameters.complain(`more than ${traceIdsMax} traces cannot be asked for at once`)
  }
  return unique
}

function checkSearch(search: SearchInput, { complain }: QueryParameters): void {
  const { service, limit, from, to, durationMin = 0n, durationMax = 0n } = search
  if (service === undefined) complain("parameter 'service' is required")
  if (limit <= 0) complain('invalid parameter: limit must be greater than 0')
  if (from > to) complain('invalid parameter: start time must be before end time')
  if (durationMin !== 0n && durationMax !== 0n && durationMax < durationMin) {
    complain("'maxDuration' should be greater than 'minDuration'")
  }
}
