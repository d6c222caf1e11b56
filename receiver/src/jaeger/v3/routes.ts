/** Jaeger's v3 query API, as its UI uses it from version 2.20 on. */
import { findTraces } from '../../storage/queries/find-traces.ts'
import { traceSummaries } from '../../storage/queries/trace-summaries.ts'
import { type ContentBudget, traceBytesMax, tracesBytesMax } from '../read/content-budget.ts'
import { readDependencies, readOperations, readServices } from '../read/pickers.ts'
import { findEach, findTrace, type Trace } from '../read/read-trace.ts'
import { linksFrom } from '../read/shown-span.ts'
import { nameOfKind, parseJaegerTraceId, parseKind } from '../request/parameter-values.ts'
import {
  openParameters,
  readBoolean,
  readContentBudget,
  readName,
  readParameter,
} from '../request/query-parameters.ts'
import { toTraceSearch } from '../request/search.ts'
import type { Answer, JaegerRequest, RouteOptions } from '../serve.ts'
import { noTracesFound, toV3Summary, v3Failure, v3Traces } from './answer.ts'
import { parseV3Search, time, word } from './search.ts'

export function v3Routes(options: RouteOptions): void {
  const { get } = options
  get('/api/v3/services', async ({ read }) => ok({ services: await readServices(read) }))
  get('/api/v3/operations', listOperations)
  get('/api/v3/traces', (request) => search(request, options))
  get('/api/v3/traces/*', (request) => oneTrace(request, options))
  get('/api/v3/trace-summaries', (request) => listSummaries(request, options))
  get('/api/v3/dependencies', listDependencies)
}

async function listOperations({ url, read }: JaegerRequest): Promise<Answer> {
  const parameters = openParameters(url)
  const service = readName(parameters, 'service') ?? ''
  const kindName = readName(parameters, 'spanKind', 'span_kind')
  // No span has the kind -1.
  const kind = kindName === undefined ? undefined : (parseKind(kindName) ?? -1)
  const operations = await readOperations({ ...read, service, kind })
  return ok({
    operations: operations.map((operation) => ({
      name: operation.name,
      spanKind: nameOfKind(operation.kind),
    })),
  })
}

async function search(request: JaegerRequest, options: RouteOptions): Promise<Answer> {
  const { url, read } = request
  const query = parseV3Search(url)
  if (query.status === 'malformed') return failed(400, query.reason)
  const { isRaw } = query
  const parameters = openParameters(url)
  const { attributeBytesMax } = options
  const limits = { isRaw, word, attributeBytesMax, answerBytesMax: tracesBytesMax }
  const contents = readContentBudget(parameters, limits)
  const problem = parameters.problem()
  if (problem !== undefined) return failed(400, problem)
  const traceSearch = toTraceSearch(query.search, options.now())
  const traceIds = await findTraces(read.database, { ...read, ...traceSearch })
  if (traceIds.length === 0) return failed(404, noTracesFound)
  const traces = findEach(traceIds, { ...read, order: 'origin' })
  return showTraces(request, { isRaw, contents, traces })
}

async function oneTrace(request: JaegerRequest, options: RouteOptions): Promise<Answer> {
  const { url, rest, read } = request
  const parameters = openParameters(url)
  const traceId = parseJaegerTraceId(rest)
  const from = readParameter(parameters, { ...time, names: ['startTime', 'start_time'] })
  const to = readParameter(parameters, { ...time, names: ['endTime', 'end_time'] })
  const isRaw = readBoolean(parameters, { names: ['rawTraces', 'raw_traces'], word })
  const { attributeBytesMax } = options
  const limits = { isRaw, word, attributeBytesMax, answerBytesMax: traceBytesMax }
  const contents = readContentBudget(parameters, limits)
  if (traceId === undefined) {
    return failed(400, word('trace_id', 'it is neither hex nor base64'))
  }
  const problem = parameters.problem()
  if (problem !== undefined) return failed(400, problem)
  const trace = await findTrace(traceId, { ...read, order: 'origin', from, to })
  if (trace === undefined) return failed(404, noTracesFound)
  return showTraces(request, { isRaw, contents, traces: [trace] })
}

async function listSummaries({ url, read }: JaegerRequest, { now }: RouteOptions): Promise<Answer> {
  const { database, ...limits } = read
  const query = parseV3Search(url)
  if (query.status === 'malformed') return failed(400, query.reason)
  const traceSearch = toTraceSearch(query.search, now())
  const traceIds = await findTraces(database, { ...limits, ...traceSearch })
  const summaries = await traceSummaries(database, { ...limits, traceIds })
  return ok({ summaries: summaries.map(toV3Summary) })
}

async function listDependencies({ url, read }: JaegerRequest): Promise<Answer> {
  const parameters = openParameters(url)
  const from = readParameter(parameters, { ...time, names: ['startTime', 'start_time'] })
  const to = readParameter(parameters, { ...time, names: ['endTime', 'end_time'] })
  if (from === undefined) parameters.complain('missing required parameter: startTime')
  if (to === undefined) parameters.complain('missing required parameter: endTime')
  const problem = parameters.problem()
  if (problem !== undefined || from === undefined || to === undefined) {
    return failed(400, problem ?? '')
  }
  if (to <= from) return failed(400, 'endTime must be after startTime')
  const calls = await readDependencies({ ...read, from, to })
  // Protobuf's JSON writes 64-bit numbers as text.
  const dependencies = calls.map((call) => ({ ...call, callCount: String(call.callCount) }))
  return ok({ dependencies })
}

function showTraces(
  { read, baseUrl }: JaegerRequest,
  options: {
    readonly isRaw: boolean
    readonly contents: ContentBudget
    readonly traces: Iterable<Trace> | AsyncIterable<Trace>
  },
): Answer {
  return {
    status: 200,
    pieces: v3Traces({ ...read, linkTo: linksFrom(baseUrl), ...options }),
  }
}

function ok(body: object): Answer {
  return { status: 200, body: JSON.stringify(body) }
}

function failed(status: number, message: string): Answer {
  return { status, body: JSON.stringify(v3Failure(status, message)) }
}
