/** Jaeger's v3 query API, as its UI asks it from version 2.20 on. */

import { findTraces } from '../../storage/queries/find-traces.ts'
import { traceSummaries } from '../../storage/queries/trace-summaries.ts'
import { traceBytesMax, tracesBytesMax } from '../read/content-budget.ts'
import { readDependencies, readOperations, readServices } from '../read/pickers.ts'
import type { ReadOptions } from '../read/read-contents.ts'
import { findTrace, type Trace } from '../read/read-trace.ts'
import { toTraceSearch } from '../read/search.ts'
import { linksFrom } from '../read/shown-span.ts'
import { kindOf, nameOfKind } from '../request/kinds.ts'
import {
  openParameters,
  readBoolean,
  readName,
  readParameter,
} from '../request/query-parameters.ts'
import type { Asked, RouteOptions } from '../request/request-facts.ts'
import type { Answer } from '../request/serve.ts'
import { parseJaegerTraceId } from '../request/trace-id.ts'
import { readContentBudget } from '../request/trace-options.ts'
import { noTracesFound, toV3Summary, v3Failure, v3Traces } from './answer.ts'
import { parseV3Search, time, word } from './search.ts'

export function v3Routes(options: RouteOptions): void {
  const { get } = options

  get('/api/v3/services', async ({ read }) => ok({ services: await readServices(read) }))

  get('/api/v3/operations', async ({ url, read }) => {
    const parameters = openParameters(url)
    const service = readName(parameters, 'service') ?? ''
    const kindName = readName(parameters, 'spanKind', 'span_kind')
    // -1: one that no span is of.
    const kind = kindName === undefined ? undefined : (kindOf(kindName) ?? -1)
    const operations = await readOperations({ ...read, service, kind })
    return ok({
      operations: operations.map((operation) => ({
        name: operation.name,
        spanKind: nameOfKind(operation.kind),
      })),
    })
  })

  get('/api/v3/traces/*', async (asked) => {
    const { url, rest, read } = asked
    const parameters = openParameters(url)
    const traceId = parseJaegerTraceId(rest)
    const from = readParameter(parameters, { ...time, names: ['startTime', 'start_time'] })
    const to = readParameter(parameters, { ...time, names: ['endTime', 'end_time'] })
    const isRaw = readBoolean(parameters, { names: ['rawTraces', 'raw_traces'], word })
    const show = showing(asked, { ...options, isRaw, answerBytesMax: traceBytesMax })
    if (traceId === undefined) {
      return failed(400, word('trace_id', 'it is neither hex nor base64'))
    }
    const problem = parameters.problem() ?? show.problem
    if (problem !== undefined) return failed(400, problem)
    const trace = await findTrace(traceId, { ...read, order: 'origin', from, to })
    if (trace === undefined) return failed(404, noTracesFound)
    return show.answer(only(trace))
  })

  get('/api/v3/traces', async (asked) => {
    const { url, read } = asked
    const query = parseV3Search(url)
    if (query.status === 'malformed') return failed(400, query.reason)
    const { isRaw } = query
    const show = showing(asked, { ...options, isRaw, answerBytesMax: tracesBytesMax })
    if (show.problem !== undefined) return failed(400, show.problem)
    const search = toTraceSearch(query.search, options.now())
    const traceIds = await findTraces(read.database, { ...read, ...search })
    if (traceIds.length === 0) return failed(404, noTracesFound)
    return show.answer(eachOf(traceIds, read))
  })

  get('/api/v3/trace-summaries', async ({ url, read }) => {
    const { database, ...limits } = read
    const query = parseV3Search(url)
    if (query.status === 'malformed') return failed(400, query.reason)
    const search = toTraceSearch(query.search, options.now())
    const traceIds = await findTraces(database, { ...limits, ...search })
    const summaries = await traceSummaries(database, { ...limits, traceIds })
    return ok({ summaries: summaries.map(toV3Summary) })
  })

  get('/api/v3/dependencies', async ({ url, read }) => {
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
    // 64-bit numbers are text, as everywhere in protobuf's JSON.
    const dependencies = calls.map((call) => ({ ...call, callCount: String(call.callCount) }))
    return ok({ dependencies })
  })
}

/** How traces are shown to who asked. */
function showing(
  { url, read, baseUrl }: Asked,
  options: RouteOptions & { readonly isRaw: boolean; readonly answerBytesMax: number },
) {
  const { isRaw, attributeBytesMax, answerBytesMax } = options
  const parameters = openParameters(url)
  const contents = readContentBudget(parameters, {
    isRaw,
    word,
    attributeBytesMax,
    answerBytesMax,
  })
  return {
    problem: parameters.problem(),
    answer(traces: AsyncIterable<Trace>): Answer {
      const linkTo = linksFrom(baseUrl)
      return { status: 200, pieces: v3Traces(traces, { ...read, linkTo, isRaw, contents }) }
    },
  }
}

async function* only(trace: Trace): AsyncGenerator<Trace> {
  yield trace
}

async function* eachOf(traceIds: readonly string[], read: ReadOptions): AsyncGenerator<Trace> {
  for (const traceId of traceIds) {
    const trace = await findTrace(traceId, { ...read, order: 'origin' })
    if (trace !== undefined) yield trace
  }
}

function ok(body: object): Answer {
  return { status: 200, body: JSON.stringify(body) }
}

function failed(status: number, message: string): Answer {
  return { status, body: JSON.stringify(v3Failure(status, message)) }
}
