/** Jaeger's v1 query API, as Grafana's data source and older UIs ask it. */

import { findTraces } from '../../storage/queries/find-traces.ts'
import { traceBytesMax } from '../read/content-budget.ts'
import { readDependencies, readOperations, readServices } from '../read/pickers.ts'
import type { ReadOptions } from '../read/read-contents.ts'
import { findTrace, type Trace } from '../read/read-trace.ts'
import { toTraceSearch } from '../read/search.ts'
import { linksFrom } from '../read/shown-span.ts'
import { kindOf, nameOfKind } from '../request/kinds.ts'
import { parseUnixMilliseconds, parseUnixTime } from '../request/moment.ts'
import { openPrettyJson } from '../request/pretty-json.ts'
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
import {
  traceNotFound,
  type V1Error,
  v1Answer,
  v1Failure,
  v1TraceList,
  v1Traces,
} from './answer.ts'
import { parseV1Search, word } from './search.ts'

/** A day, as in Jaeger. */
const dependencyLookback = 86_400_000_000_000n

export function v1Routes(options: RouteOptions): void {
  const { get } = options

  get('/api/services', async ({ url, read }) => {
    const services = await readServices(read)
    return ok(url, v1Answer(services, { total: services.length }))
  })

  // A slash in the service's name may come as it is.
  get('/api/services/*', async ({ url, rest, read }) => {
    const service = /^(.+)\/operations$/s.exec(rest)?.[1]
    if (service === undefined) return failed(404, 'there is nothing at this path')
    const operations = await readOperations({ ...read, service })
    const names = [...new Set(operations.map(({ name }) => name))]
    return ok(url, v1Answer(names, { total: names.length }))
  })

  get('/api/operations', async ({ url, read }) => {
    const parameters = openParameters(url)
    const service = readName(parameters, 'service')
    if (service === undefined) return failed(400, "parameter 'service' is required")
    const kindName = readName(parameters, 'spanKind')
    // -1: one that no span is of.
    const kind = kindName === undefined ? undefined : (kindOf(kindName) ?? -1)
    const operations = await readOperations({ ...read, service, kind })
    const data = operations.map((operation) => ({
      name: operation.name,
      spanKind: nameOfKind(operation.kind),
    }))
    return ok(url, v1Answer(data, { total: data.length }))
  })

  get('/api/traces', (asked) => search(asked, options))

  get('/api/traces/*', async (asked) => {
    const { url, rest } = asked
    const parameters = openParameters(url)
    const traceId = parseJaegerTraceId(rest)
    const time = { word, parse: parseUnixTime, expected: 'a time in microseconds' }
    const from = readParameter(parameters, { ...time, names: ['start'] })
    const to = readParameter(parameters, { ...time, names: ['end'] })
    const isRaw = readBoolean(parameters, { names: ['raw'], word })
    const show = showing(asked, { ...options, isRaw })
    if (traceId === undefined) return failed(400, 'the trace id is neither hex nor base64')
    const problem = parameters.problem() ?? show.problem
    if (problem !== undefined) return failed(400, problem)
    const trace = await findTrace(traceId, { ...asked.read, order: 'time', from, to })
    if (trace === undefined) return failed(404, traceNotFound)
    return show.answer(only(trace), () => [])
  })

  get('/api/dependencies', async ({ url, read }) => {
    const parameters = openParameters(url)
    const time = { word, parse: parseUnixMilliseconds, expected: 'milliseconds' }
    const to =
      readParameter(parameters, { ...time, names: ['endTs'] }) ?? nanoseconds(options.now())
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
  })
}

async function search(asked: Asked, options: RouteOptions): Promise<Answer> {
  const { url, read, baseUrl } = asked
  const now = options.now()
  const query = parseV1Search(url, now)
  switch (query.status) {
    case 'malformed':
      return failed(400, query.reason)
    case 'search': {
      const traceIds = await findTraces(read.database, {
        ...read,
        ...toTraceSearch(query.search, now),
      })
      const list = await v1TraceList(traceIds, { ...read, linkTo: linksFrom(baseUrl) })
      return { status: 200, body: laidOut(url, list) }
    }
    case 'traces': {
      const show = showing(asked, { ...options, isRaw: query.isRaw })
      if (show.problem !== undefined) return failed(400, show.problem)
      const missing: V1Error[] = []
      return show.answer(eachOf(query.traceIds, { read, missing }), () => missing)
    }
  }
}

/** How traces are shown to who asked. */
function showing(asked: Asked, options: RouteOptions & { readonly isRaw: boolean }) {
  const { url, read, baseUrl } = asked
  const { isRaw, attributeBytesMax } = options
  const parameters = openParameters(url)
  const contents = readContentBudget(parameters, {
    isRaw,
    word,
    attributeBytesMax,
    answerBytesMax: traceBytesMax,
  })
  return {
    problem: parameters.problem(),
    answer(traces: AsyncIterable<Trace>, errors: () => readonly V1Error[]): Answer {
      const pieces = v1Traces(traces, {
        ...read,
        linkTo: linksFrom(baseUrl),
        isRaw,
        contents,
        errors,
      })
      return { status: 200, pieces: isPretty(url) ? eachLaidOut(pieces) : pieces }
    },
  }
}

async function* only(trace: Trace): AsyncGenerator<Trace> {
  yield trace
}

async function* eachOf(
  traceIds: readonly string[],
  { read, missing }: { readonly read: ReadOptions; readonly missing: V1Error[] },
): AsyncGenerator<Trace> {
  for (const traceId of traceIds) {
    const trace = await findTrace(traceId, { ...read, order: 'time' })
    if (trace === undefined) missing.push({ msg: traceNotFound, traceID: traceId })
    else yield trace
  }
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

function nanoseconds(date: Date): bigint {
  return BigInt(date.getTime()) * 1_000_000n
}
