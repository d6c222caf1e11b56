/** Jaeger's v1 query API, as Grafana's data source and older UIs use it. */
import { malformed, RefusedError } from '../../http/refuse.ts'
import { findTraces } from '../../storage/queries/find-traces.ts'
import { traceBytesMax } from '../read/content-budget.ts'
import { readDependencies, readOperations, readServices } from '../read/pickers.ts'
import { findEach, findTrace } from '../read/read-trace.ts'
import { parseJaegerTraceId } from '../request/parameter-values.ts'
import { forms, openParameters, readContentBudget } from '../request/query-parameters.ts'
import { toTraceSearch } from '../request/search.ts'
import type { Answer, JaegerRequest, RouteOptions } from '../serve.ts'
import { traceNotFound, type V1Error, v1TraceList, v1Traces } from './answer.ts'
import { openPrettyJson } from './pretty-json.ts'
import { readV1Search, word } from './search.ts'

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
  return listed(url, services, services.length)
}

async function listOperationNames({ url, rest, read }: JaegerRequest): Promise<Answer> {
  const service = /^(.+)\/operations$/s.exec(rest)?.[1]
  if (service === undefined) throw notFound('there is nothing at this path')
  const operations = await readOperations({ ...read, service })
  const names = [...new Set(operations.map(({ name }) => name))]
  return listed(url, names, names.length)
}

async function listOperations({ url, read }: JaegerRequest): Promise<Answer> {
  const { name } = openParameters(url, word)
  const service = name('service')
  if (service === undefined) throw malformed("parameter 'service' is required")
  const operations = await readOperations({ ...read, service, kindName: name('spanKind') })
  return listed(url, operations, operations.length)
}

async function search(request: JaegerRequest, options: RouteOptions): Promise<Answer> {
  const { url, read, linkTo } = request
  const now = options.now()
  const parameters = openParameters(url, word)
  const { search, isRaw, traceIds } = readV1Search(parameters, now)
  if (traceIds.length === 0) {
    const found = await findTraces(read.database, { ...read, ...toTraceSearch(search, now) })
    return laidOut(url, await v1TraceList(found, { ...read, linkTo }))
  }
  const limits = { ...options, isRaw, answerBytesMax: traceBytesMax }
  const contents = readContentBudget(parameters, limits)
  const errors: V1Error[] = []
  const traces = findEach(traceIds, { ...read, order: 'time' }, (traceID) =>
    errors.push({ msg: traceNotFound, traceID }),
  )
  return eachLaidOut(url, v1Traces({ ...read, linkTo, isRaw, contents, traces, errors }))
}

async function oneTrace(request: JaegerRequest, options: RouteOptions): Promise<Answer> {
  const { url, rest, read, linkTo } = request
  const traceId = parseJaegerTraceId(rest)
  if (traceId === undefined) throw malformed('the trace id is neither hex nor base64')
  const parameters = openParameters(url, word)
  const from = parameters.read(forms.microseconds, 'start')
  const to = parameters.read(forms.microseconds, 'end')
  const isRaw = parameters.read(forms.boolean, 'raw') ?? false
  const limits = { ...options, isRaw, answerBytesMax: traceBytesMax }
  const contents = readContentBudget(parameters, limits)
  const trace = await findTrace(traceId, { ...read, order: 'time', from, to })
  if (trace === undefined) throw notFound(traceNotFound)
  const traces = [trace]
  return eachLaidOut(url, v1Traces({ ...read, linkTo, isRaw, contents, traces, errors: [] }))
}

async function listDependencies(
  { url, read }: JaegerRequest,
  { now }: RouteOptions,
): Promise<Answer> {
  const parameters = openParameters(url, word)
  const to = parameters.read(forms.milliseconds, 'endTs') ?? BigInt(now().getTime()) * 1_000_000n
  const from = to - (parameters.read(forms.milliseconds, 'lookback') ?? dependencyLookback)
  const service = parameters.name('service')
  const calls = await readDependencies({ ...read, from: from < 0n ? 0n : from, to })
  const data = calls.filter(
    ({ parent, child }) => service === undefined || parent === service || child === service,
  )
  return listed(url, data, 0)
}

function notFound(message: string): RefusedError {
  return new RefusedError({ httpStatus: 404, message })
}

function listed(url: string, data: readonly unknown[], total: number): string {
  return laidOut(url, JSON.stringify({ data, total, limit: 0, offset: 0, errors: null }))
}

function isPretty(url: string): boolean {
  const value = openParameters(url, word).name('prettyPrint')
  return value !== undefined && value !== 'false'
}

function laidOut(url: string, json: string): string {
  return isPretty(url) ? openPrettyJson()(json) : json
}

async function* eachLaidOut(url: string, pieces: AsyncIterable<string>): AsyncGenerator<string> {
  const layOut = isPretty(url) ? openPrettyJson() : (piece: string) => piece
  for await (const piece of pieces) yield layOut(piece)
}
