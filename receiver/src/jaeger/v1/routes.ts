/** Jaeger's v1 query API, as Grafana's data source and older UIs use it. */
import { findTraces } from '../../storage/queries/find-traces.ts'
import { type ContentBudget, traceBytesMax } from '../read/content-budget.ts'
import { readDependencies, readOperations, readServices } from '../read/pickers.ts'
import { findEach, findTrace, type Trace } from '../read/read-trace.ts'
import { linksFrom } from '../read/shown-span.ts'
import {
  nameOfKind,
  parseJaegerTraceId,
  parseKind,
  parseUnixMilliseconds,
  parseUnixTime,
} from '../request/parameter-values.ts'
import {
  openParameters,
  type QueryParameters,
  readBoolean,
  readContentBudget,
  readName,
  readParameter,
} from '../request/query-parameters.ts'
import { toTraceSearch } from '../request/search.ts'
import type { Answer, JaegerRequest, RouteOptions } from '../serve.ts'
import {
  traceNotFound,
  type V1Error,
  v1Answer,
  v1Failure,
  v1TraceList,
  v1Traces,
} from './answer.ts'
import { openPrettyJson } from './pretty-json.ts'
import { parseV1Search, word } from './search.ts'

/** A day, as in Jaeger. */
const dependencyLookback = 86_400_000_000_000n

export function v1Routes(options: RouteOptions): void {
  const { get } = options
  get('/api/services', listServices)
  // A slash in the service's name may be unescaped.
  get('/api/services/*', listOperationNames)
  get('/api/operations', listOperations)
  get('/api/traces', (request) => search(request, options))
  get('/api/traces/*', (request) => oneTrace(request, options))
  get('/api/dependencies', (request) => listDependencies(request, options))
}

async function listServices({ url, read }: JaegerRequest): Promise<Answer> {
  const services = await readServices(read)
  return ok(url, v1Answer(services, { total: services.length }))
}

async function listOperationNames({ url, rest, read }: JaegerRequest): Promise<Answer> {
  const service = /^(.+)\/operations$/s.exec(rest)?.[1]
  if (service === undefined) return failed(404, 'there is nothing at this path')
  const operations = await readOperations({ ...read, service })
  const names = [...new Set(operations.map(({ name }) => name))]
  return ok(url, v1Answer(names, { total: names.length }))
}

async function listOperations({ url, read }: JaegerRequest): Promise<Answer> {
  const parameters = openParameters(url)
  const service = readName(parameters, 'service')
  if (service === undefined) return failed(400, "parameter 'service' is required")
  const kindName = readName(parameters, 'spanKind')
  // No span has the kind -1.
  const kind = kindName === undefined ? undefined : (parseKind(kindName) ?? -1)
  const operations = await readOperations({ ...read, service, kind })
  const data = operations.map((operation) => ({
    name: operation.name,
    spanKind: nameOfKind(operation.kind),
  }))
  return ok(url, v1Answer(data, { total: data.length }))
}

async function search(request: JaegerRequest, options: RouteOptions): Promise<Answer> {
  const { url, read, baseUrl } = request
  const now = options.now()
  const query = parseV1Search(url, now)
  switch (query.status) {
    case 'malformed':
      return failed(400, query.reason)
    case 'search': {
      const traceSearch = toTraceSearch(query.search, now)
      const traceIds = await findTraces(read.database, { ...read, ...traceSearch })
      const list = await v1TraceList(traceIds, { ...read, linkTo: linksFrom(baseUrl) })
      return { status: 200, body: laidOut(url, list) }
    }
    case 'traces': {
      const parameters = openParameters(url)
      const contents = readContents(parameters, query.isRaw, options)
      const problem = parameters.problem()
      if (problem !== undefined) return failed(400, problem)
      const errors: V1Error[] = []
      const traces = findEach(query.traceIds, { ...read, order: 'time' }, (traceID) =>
        errors.push({ msg: traceNotFound, traceID }),
      )
      return showTraces(request, { isRaw: query.isRaw, contents, traces, errors })
    }
  }
}

async function oneTrace(request: JaegerRequest, options: RouteOptions): Promise<Answer> {
  const { url, rest, read } = request
  const parameters = openParameters(url)
  const traceId = parseJaegerTraceId(rest)
  const time = { word, parse: parseUnixTime, expected: 'a time in microseconds' }
  const from = readParameter(parameters, { ...time, names: ['start'] })
  const to = readParameter(parameters, { ...time, names: ['end'] })
  const isRaw = readBoolean(parameters, { names: ['raw'], word })
  const contents = readContents(parameters, isRaw, options)
  if (traceId === undefined) return failed(400, 'the trace id is neither hex nor base64')
  const problem = parameters.problem()
  if (problem !== undefined) return failed(400, problem)
  const trace = await findTrace(traceId, { ...read, order: 'time', from, to })
  if (trace === undefined) return failed(404, traceNotFound)
  return showTraces(request, { isRaw, contents, traces: [trace], errors: [] })
}

async function listDependencies(
  { url, read }: JaegerRequest,
  { now }: RouteOptions,
): Promise<Answer> {
  const parameters = openParameters(url)
  const time = { word, parse: parseUnixMilliseconds, expected: 'milliseconds' }
  const to =
    readParameter(parameters, { ...time, names: ['endTs'] }) ?? BigInt(now().getTime()) * 1_000_000n
  const lookback = readParameter(parameters, { ...time, names: ['lookback'] })
  const service = readName(parameters, 'service')
  const problem = parameters.problem()
  if (problem !== undefined) return failed(400, problem)
  const from = to - (lookback ?? dependencyLookback)
  const calls = await readDependencies({ ...read, from: from < 0n ? 0n : from, to })
  const data = calls.filter(
    ({ parent, child }) => service === undefined || parent === service || child === service,
  )
  return ok(url, v1Answer(data))
}

function readContents(
  parameters: QueryParameters,
  isRaw: boolean,
  { attributeBytesMax }: RouteOptions,
): ContentBudget {
  const limits = { attributeBytesMax, answerBytesMax: traceBytesMax }
  return readContentBudget(parameters, { isRaw, word, ...limits })
}

function showTraces(
  { url, read, baseUrl }: JaegerRequest,
  options: {
    readonly isRaw: boolean
    readonly contents: ContentBudget
    readonly traces: Iterable<Trace> | AsyncIterable<Trace>
    /** Complete when all traces have been read. */
    readonly errors: readonly V1Error[]
  },
): Answer {
  const pieces = v1Traces({ ...read, linkTo: linksFrom(baseUrl), ...options })
  return { status: 200, pieces: isPretty(url) ? eachLaidOut(pieces) : pieces }
}

function ok(url: string, body: object): Answer {
  return { status: 200, body: laidOut(url, JSON.stringify(body)) }
}

function failed(status: number, message: string): Answer {
  return { status, body: JSON.stringify(v1Failure(status, message)) }
}

function isPretty(url: string): boolean {
  const value = openParameters(url).find('prettyPrint')
  return value !== undefined && value.text !== 'false'
}

function laidOut(url: string, json: string): string {
  return isPretty(url) ? openPrettyJson()(json) : json
}

async function* eachLaidOut(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  const layOut = openPrettyJson()
  for await (const piece of pieces) yield layOut(piece)
}
