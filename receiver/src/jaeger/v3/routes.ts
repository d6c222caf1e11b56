/** Jaeger's v3 query API, as its UI uses it from version 2.20 on. */
import { malformed, RefusedError } from '../../http/refuse.ts'
import { findTraces } from '../../storage/queries/find-traces.ts'
import { traceSummaries } from '../../storage/queries/trace-summaries.ts'
import { traceBytesMax, tracesBytesMax } from '../read/content-budget.ts'
import { readDependencies, readOperations, readServices } from '../read/pickers.ts'
import { findEach, findTrace } from '../read/read-trace.ts'
import { parseJaegerTraceId } from '../request/parameter-values.ts'
import { forms, openParameters, readContentBudget } from '../request/query-parameters.ts'
import { toTraceSearch } from '../request/search.ts'
import type { Answer, JaegerRequest, RouteOptions } from '../serve.ts'
import { toV3Summary, v3Traces } from './answer.ts'
import { readV3Search, word } from './search.ts'

export function v3Routes(options: RouteOptions): void {
  const { get } = options
  get('/api/v3/services', listServices)
  get('/api/v3/operations', listOperations)
  get('/api/v3/traces', (request) => search(request, options))
  get('/api/v3/traces/*', (request) => oneTrace(request, options))
  get('/api/v3/trace-summaries', (request) => listSummaries(request, options))
  get('/api/v3/dependencies', listDependencies)
}

async function listServices({ read }: JaegerRequest): Promise<Answer> {
  return JSON.stringify({ services: await readServices(read) })
}

async function listOperations({ url, read }: JaegerRequest): Promise<Answer> {
  const { name } = openParameters(url, word)
  const service = name('service') ?? ''
  const kindName = name('spanKind', 'span_kind')
  return JSON.stringify({ operations: await readOperations({ ...read, service, kindName }) })
}

async function search(request: JaegerRequest, options: RouteOptions): Promise<Answer> {
  const { url, read, linkTo } = request
  const parameters = openParameters(url, word)
  const query = readV3Search(parameters)
  const { isRaw } = query
  const limits = { ...options, isRaw, answerBytesMax: tracesBytesMax }
  const contents = readContentBudget(parameters, limits)
  const traceSearch = toTraceSearch(query.search, options.now())
  const traceIds = await findTraces(read.database, { ...read, ...traceSearch })
  if (traceIds.length === 0) throw noTracesFound()
  const traces = findEach(traceIds, { ...read, order: 'origin' })
  return v3Traces({ ...read, linkTo, isRaw, contents, traces })
}

async function oneTrace(request: JaegerRequest, options: RouteOptions): Promise<Answer> {
  const { url, rest, read, linkTo } = request
  const traceId = parseJaegerTraceId(rest)
  if (traceId === undefined) throw malformed(word('trace_id', 'it is neither hex nor base64'))
  const parameters = openParameters(url, word)
  const from = parameters.read(forms.time, 'startTime', 'start_time')
  const to = parameters.read(forms.time, 'endTime', 'end_time')
  const isRaw = parameters.read(forms.boolean, 'rawTraces', 'raw_traces') ?? false
  const limits = { ...options, isRaw, answerBytesMax: traceBytesMax }
  const contents = readContentBudget(parameters, limits)
  const trace = await findTrace(traceId, { ...read, order: 'origin', from, to })
  if (trace === undefined) throw noTracesFound()
  return v3Traces({ ...read, linkTo, isRaw, contents, traces: [trace] })
}

async function listSummaries({ url, read }: JaegerRequest, { now }: RouteOptions): Promise<Answer> {
  const { database, ...limits } = read
  const query = readV3Search(openParameters(url, word))
  const traceSearch = toTraceSearch(query.search, now())
  const traceIds = await findTraces(database, { ...limits, ...traceSearch })
  const summaries = await traceSummaries(database, { ...limits, traceIds })
  return JSON.stringify({ summaries: summaries.map(toV3Summary) })
}

async function listDependencies({ url, read }: JaegerRequest): Promise<Answer> {
  const parameters = openParameters(url, word)
  const from = parameters.read(forms.time, 'startTime', 'start_time')
  const to = parameters.read(forms.time, 'endTime', 'end_time')
  if (from === undefined) throw malformed('missing required parameter: startTime')
  if (to === undefined) throw malformed('missing required parameter: endTime')
  if (to <= from) throw malformed('endTime must be after startTime')
  const calls = await readDependencies({ ...read, from, to })
  // Protobuf's JSON writes 64-bit numbers as text.
  const dependencies = calls.map((call) => ({ ...call, callCount: String(call.callCount) }))
  return JSON.stringify({ dependencies })
}

function noTracesFound(): RefusedError {
  return new RefusedError({ httpStatus: 404, message: 'No traces found' })
}
