/** Reads the query of `GET /api/traces`. Pure. */
import { malformed } from '../../http/refuse.ts'
import { parseJaegerTraceId } from '../request/parameter-values.ts'
import { forms, parseTexts, type QueryParameters } from '../request/query-parameters.ts'
import { type SearchInput, searchLimits } from '../request/search.ts'

/** Trace ids in one request. */
const traceIdsMax = 100

export const word = (name: string, reason: string) => `unable to parse param '${name}': ${reason}`

/** With trace ids these traces are asked for, whatever else the search says. */
export function readV1Search(parameters: QueryParameters, now: Date) {
  const search = readSearch(parameters, now)
  const isRaw = parameters.read(forms.boolean, 'raw') ?? false
  const traceIds = readTraceIds(parameters)
  if (traceIds.length === 0) checkSearch(search)
  return { search, isRaw, traceIds }
}

function readSearch(parameters: QueryParameters, now: Date): SearchInput {
  const nowNs = BigInt(now.getTime()) * 1_000_000n
  const to = parameters.read(forms.microseconds, 'end') ?? nowNs
  const from = parameters.read(forms.microseconds, 'start')
  const limit = parameters.read(forms.integer, 'limit')
  return {
    service: parameters.name('service'),
    operation: parameters.name('operation'),
    attributes: readTags(parameters),
    from: from ?? to - lookbackOf(parameters),
    to,
    durationMin: parameters.read(forms.duration, 'minDuration'),
    durationMax: parameters.read(forms.duration, 'maxDuration'),
    limit: Number(limit ?? searchLimits.tracesDefault),
  }
}

/** `1h` or `2d`. The UI sends it together with `start`, which wins; one that cannot be read is ignored. */
function lookbackOf(parameters: QueryParameters): bigint {
  const [, digits, unit = ''] = /^(\d{1,4})([mhdw])$/.exec(parameters.name('lookback') ?? '') ?? []
  const seconds: Readonly<Record<string, bigint>> = { m: 60n, h: 3_600n, d: 86_400n, w: 604_800n }
  const unitSeconds = seconds[unit]
  if (digits === undefined || unitSeconds === undefined) return searchLimits.lookbackNs
  return BigInt(digits) * unitSeconds * 1_000_000_000n
}

function readTags(parameters: QueryParameters): ReadonlyMap<string, string> {
  const tags = new Map<string, string>()
  for (const text of parameters.all('tag')) {
    const colon = text.indexOf(':')
    if (colon < 0) throw malformed("malformed 'tag' parameter, expecting key:value")
    tags.set(text.slice(0, colon), text.slice(colon + 1))
  }
  for (const text of parameters.all('tags')) {
    const texts = parseTexts(text)
    if (!texts) throw malformed("malformed 'tags' parameter, expecting a JSON object of strings")
    for (const [key, value] of texts) tags.set(key, value)
  }
  if (tags.size <= searchLimits.attributesMax) return tags
  throw malformed(`more than ${searchLimits.attributesMax} tags cannot be searched for at once`)
}

function readTraceIds(parameters: QueryParameters): readonly string[] {
  const ids = new Set<string>()
  for (const text of parameters.all('traceID')) {
    const id = parseJaegerTraceId(text)
    if (id === undefined) throw malformed('cannot parse traceID param: it is not a trace id')
    ids.add(id)
  }
  if (ids.size <= traceIdsMax) return [...ids]
  throw malformed(`more than ${traceIdsMax} traces cannot be asked for at once`)
}

function checkSearch(search: SearchInput): void {
  const { service, limit, from, to, durationMin = 0n, durationMax = 0n } = search
  if (service === undefined) throw malformed("parameter 'service' is required")
  if (limit <= 0) throw malformed('invalid parameter: limit must be greater than 0')
  if (from > to) throw malformed('invalid parameter: start time must be before end time')
  if (durationMin !== 0n && durationMax !== 0n && durationMax < durationMin) {
    throw malformed("'maxDuration' should be greater than 'minDuration'")
  }
}
