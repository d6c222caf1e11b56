/** Jaeger's query API in brief, enough to generate clients. Jaeger's own documents describe it. */
import type { Schema } from '../events/json-schema.ts'
import type { Operation } from './operations.ts'

interface JaegerEndpoint {
  /** The path as OpenAPI writes it. */
  readonly address: string
  readonly operationId: string
  readonly summary: string
  readonly params?: Schema
  readonly querystring?: Schema
}

const text = { type: 'string' } as const
const flag = { type: 'boolean' } as const
const integer = { type: 'integer' } as const
const duration = { ...text, description: 'Such as `1.2s` or `250ms`.' } as const
const microseconds = { ...integer, description: 'Microseconds since 1970.' } as const
const moment = { ...text, format: 'date-time' } as const

function members(properties: Readonly<Record<string, Schema>>, required: readonly string[] = []) {
  return { type: 'object', properties, ...(required.length > 0 && { required }) }
}

const shown = {
  maxAttributeBytes: {
    ...integer,
    minimum: 0,
    description: 'The size above which an attribute is cut.',
  },
  prettyPrint: flag,
  raw: { ...flag, description: 'As sent, without cuts.' },
} as const

const search = members(
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
  '/api/services': {
    address: '/api/services',
    operationId: 'getServices',
    summary: 'The services.',
  },
  '/api/services/*': {
    address: '/api/services/:service/operations',
    operationId: 'getOperationNames',
    summary: 'The operations of a service.',
    params: members({ service: text }, ['service']),
  },
  '/api/operations': {
    address: '/api/operations',
    operationId: 'getOperations',
    summary: 'The operations of a service, with their kinds.',
    querystring: members({ service: text, spanKind: text }, ['service']),
  },
  '/api/traces': {
    address: '/api/traces',
    operationId: 'findTraces',
    summary: 'Traces by a search, or by their ids.',
    querystring: members({
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
    params: members({ traceID: text }, ['traceID']),
    querystring: members({ start: microseconds, end: microseconds, ...shown }),
  },
  '/api/dependencies': {
    address: '/api/dependencies',
    operationId: 'getDependencies',
    summary: 'Which service calls which.',
    querystring: members({
      endTs: { ...integer, description: 'Milliseconds since 1970.' },
      lookback: { ...integer, description: 'Milliseconds.' },
      service: text,
    }),
  },
  '/api/v3/services': {
    address: '/api/v3/services',
    operationId: 'getServicesV3',
    summary: 'The services.',
  },
  '/api/v3/operations': {
    address: '/api/v3/operations',
    operationId: 'getOperationsV3',
    summary: 'The operations of a service.',
    querystring: members({ service: text, spanKind: text }),
  },
  '/api/v3/traces': {
    address: '/api/v3/traces',
    operationId: 'findTracesV3',
    summary: 'Traces by a search, as OTLP.',
    querystring: search,
  },
  '/api/v3/traces/*': {
    address: '/api/v3/traces/:trace_id',
    operationId: 'getTraceV3',
    summary: 'One trace, as OTLP.',
    params: members({ trace_id: text }, ['trace_id']),
    querystring: members({ startTime: moment, endTime: moment, rawTraces: flag }),
  },
  '/api/v3/trace-summaries': {
    address: '/api/v3/trace-summaries',
    operationId: 'findTraceSummaries',
    summary: 'Summaries of traces by a search.',
    querystring: search,
  },
  '/api/v3/dependencies': {
    address: '/api/v3/dependencies',
    operationId: 'getDependenciesV3',
    summary: 'Which service calls which.',
    querystring: members({ startTime: moment, endTime: moment }, ['startTime', 'endTime']),
  },
}

const asJaeger = { 'application/json': { schema: { type: 'object' } } } as const
const failures = {
  400: { description: 'A parameter cannot be read.', content: asJaeger },
  401: { description: 'Without a token, or with an unknown one.', content: asJaeger },
  403: { description: 'With a token of another scope.', content: asJaeger },
  503: {
    description: 'The database does not answer, or too much is being read.',
    content: asJaeger,
  },
  504: { description: 'It took too long.', content: asJaeger },
} as const

/** Undefined for an endpoint that is not Jaeger's. */
export function jaegerEndpoint(url: string): { url: string; schema: Operation } | undefined {
  if (!url.startsWith('/api/') || url.startsWith('/api/v1/')) return undefined
  const endpoint = jaegerEndpoints[url]
  if (endpoint === undefined) return undefined
  const { address, operationId, summary, params, querystring } = endpoint
  return {
    url: address,
    schema: {
      operationId,
      tags: ['Jaeger'],
      summary,
      description: 'Scope: read; or a signed-in browser.',
      security: [{ token: [] }, { browser: [] }],
      ...(params && { params }),
      ...(querystring && { querystring }),
      response: {
        200: { description: 'Jaeger’s answer.', content: asJaeger },
        ...(params && { 404: { description: 'Not found.', content: asJaeger } }),
        ...failures,
      },
    },
  }
}
