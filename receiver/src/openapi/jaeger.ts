/** Jaeger's query API in brief, enough to generate clients. Jaeger's own documents describe it. */
import { objectOf } from '../events/json-schema.ts'
import { integer, type Operation, readers, text } from './operations.ts'

interface JaegerEndpoint extends Pick<Operation, 'operationId' | 'summary' | 'querystring'> {
  /** The path with its parameters' names, when it has any. */
  readonly address?: string
}

const flag = { type: 'boolean' } as const
const duration = { ...text, description: 'Such as `1.2s` or `250ms`.' } as const
const microseconds = { ...integer, description: 'Microseconds since 1970.' } as const
const moment = { ...text, format: 'date-time' } as const

const shown = {
  maxAttributeBytes: {
    ...integer,
    minimum: 0,
    description: 'The size above which an attribute is cut.',
  },
  prettyPrint: flag,
  raw: { ...flag, description: 'As sent, without cuts.' },
} as const

const search = objectOf(
  {
    'query.serviceName': text,
    'query.operationName': text,
    'query.attributes': { ...text, description: 'A JSON object of strings.' },
    'query.startTimeMin': moment,
    'query.startTimeMax': moment,
    'query.durationMin': duration,
    'query.durationMax': duration,
    'query.searchDepth': { ...integer, minimum: 1, description: 'How many traces.' },
    'query.rawTraces': flag,
  },
  ['query.startTimeMin', 'query.startTimeMax'],
)

/** By the route's path. */
export const jaegerEndpoints: Readonly<Record<string, JaegerEndpoint>> = {
  '/api/services': { operationId: 'getServices', summary: 'The services.' },
  '/api/services/*': {
    address: '/api/services/:service/operations',
    operationId: 'getOperationNames',
    summary: 'The operations of a service.',
  },
  '/api/operations': {
    operationId: 'getOperations',
    summary: 'The operations of a service, with their kinds.',
    querystring: objectOf({ service: text, spanKind: text }, ['service']),
  },
  '/api/traces': {
    operationId: 'findTraces',
    summary: 'Traces by a search, or by their ids.',
    querystring: objectOf({
      service: { ...text, description: 'Needed without `traceID`.' },
      operation: text,
      start: microseconds,
      end: microseconds,
      lookback: { ...text, description: 'Such as `1h`; used without `start`.' },
      minDuration: duration,
      maxDuration: duration,
      limit: { ...integer, minimum: 1 },
      tags: { ...text, description: 'A JSON object of strings.' },
      tag: { type: 'array', items: text, description: 'Each is `key:value`.' },
      traceID: { type: 'array', items: text },
      ...shown,
    }),
  },
  '/api/traces/*': {
    address: '/api/traces/:traceID',
    operationId: 'getTrace',
    summary: 'One trace.',
    querystring: objectOf({ start: microseconds, end: microseconds, ...shown }),
  },
  '/api/dependencies': {
    operationId: 'getDependencies',
    summary: 'Which service calls which.',
    querystring: objectOf({
      endTs: { ...integer, description: 'Milliseconds since 1970.' },
      lookback: { ...integer, description: 'Milliseconds.' },
      service: text,
    }),
  },
  '/api/v3/services': { operationId: 'getServicesV3', summary: 'The services.' },
  '/api/v3/operations': {
    operationId: 'getOperationsV3',
    summary: 'The operations of a service.',
    querystring: objectOf({ service: text, spanKind: text }),
  },
  '/api/v3/traces': {
    operationId: 'findTracesV3',
    summary: 'Traces by a search, as OTLP.',
    querystring: search,
  },
  '/api/v3/traces/*': {
    address: '/api/v3/traces/:trace_id',
    operationId: 'getTraceV3',
    summary: 'One trace, as OTLP.',
    querystring: objectOf({ startTime: moment, endTime: moment, rawTraces: flag }),
  },
  '/api/v3/trace-summaries': {
    operationId: 'findTraceSummaries',
    summary: 'Summaries of traces by a search.',
    querystring: search,
  },
  '/api/v3/dependencies': {
    operationId: 'getDependenciesV3',
    summary: 'Which service calls which.',
    querystring: objectOf({ startTime: moment, endTime: moment }, ['startTime', 'endTime']),
  },
}

const asJaeger = { 'application/json': { schema: { type: 'object' } } } as const
const failure = (description: string) => ({ description, content: asJaeger })
const notFound = { 404: failure('Not found.') }
const failures = {
  400: failure('A parameter cannot be read.'),
  401: failure('Without a token, or with an unknown one.'),
  403: failure('With a token of another scope.'),
  503: failure('The database does not answer, or too much is being read.'),
  504: failure('It took too long.'),
}

/** Undefined for an endpoint that is not Jaeger's. */
export function jaegerEndpoint(url: string): { url: string; schema: Operation } | undefined {
  const endpoint = jaegerEndpoints[url]
  if (endpoint === undefined) return undefined
  const { address, ...operation } = endpoint
  const parameter = /:(\w+)/.exec(address ?? '')?.[1]
  return {
    url: address ?? url,
    schema: {
      ...operation,
      tags: ['Jaeger'],
      description: 'Scope: read; or a signed-in browser.',
      security: readers,
      ...(parameter && { params: objectOf({ [parameter]: text }, [parameter]) }),
      response: {
        200: { description: 'Jaeger’s answer.', content: asJaeger },
        ...(parameter && notFound),
        ...failures,
      },
    },
  }
}
