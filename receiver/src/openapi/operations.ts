/** The requests and answers of each endpoint, by method and path. A test compares this with the routes. */
import { objectOf, type Schema } from '../events/json-schema.ts'

export interface Operation {
  /** The name in generated clients. */
  readonly operationId: string
  readonly tags: readonly [string]
  readonly summary: string
  readonly description?: string
  /** The bearer token when absent. */
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[]
  readonly querystring?: Schema
  readonly params?: Schema
  readonly headers?: Schema
  readonly body?: Schema
  readonly response: Readonly<Record<number, Schema>>
}

export const tags = [
  { name: 'Plain events', description: 'For clients without OpenTelemetry: docs/CLIENTS.md.' },
  { name: 'OTLP', description: 'OpenTelemetry’s own protocol over HTTP.' },
  { name: 'Completeness', description: 'Which records have landed, and which are missing.' },
  { name: 'Health', description: 'Whether the receiver works.' },
  { name: 'Jaeger', description: 'Jaeger’s query API, for its UI and for Grafana.' },
  { name: 'Description', description: 'This document, and the schemas of events.' },
] as const

const open = [] as const
/** A token, or a signed-in browser. */
export const readers = [{ token: [] }, { browser: [] }] as const
export const text = { type: 'string' } as const
export const integer = { type: 'integer' } as const
export const date = { ...text, format: 'date' } as const
const sha256 = { ...text, pattern: '^(sha256:)?[0-9a-fA-F]{64}$' } as const
const ofRecord = 'The UTC day of the record that refers to the content.'

const bytes = { schema: { ...text, format: 'binary' } } as const

function json(schema: Schema): Schema {
  return { content: { 'application/json': { schema } } }
}

function answer(description: string, name: string): Schema {
  return { description, ...json({ $ref: name }) }
}

function failure(description: string): Schema {
  return answer(description, 'Failure')
}

const retryAfter = {
  'retry-after': {
    ...integer,
    description: 'Seconds to wait before sending the same request again.',
  },
} as const

/** Answers of every endpoint that needs a token. */
const failures = {
  401: failure('Without a token, or with an unknown one.'),
  403: failure('With a token of another scope.'),
  503: { ...failure('Not now: send the same request again later.'), headers: retryAfter },
} as const

const bodyFailures = {
  400: failure('The body cannot be read; do not send it again.'),
  413: failure('The body is too large: send it in parts.'),
  415: failure('The receiver does not read this content type or coding.'),
} as const

function otlp(operationId: string, signal: string): Operation {
  return {
    operationId,
    tags: ['OTLP'],
    summary: `Lands ${signal}.`,
    description:
      'OTLP/HTTP in protobuf or JSON, plain, gzip, zstd or deflate. The answer comes after the commit; send again after 503. Scopes: ingest, gateway.',
    body: {
      content: {
        'application/x-protobuf': bytes,
        'application/json': { schema: { $ref: 'OtlpRequest' } },
      },
    },
    response: {
      200: answer('Every record that can land has landed.', 'OtlpAnswer'),
      ...bodyFailures,
      ...failures,
    },
  }
}

const health = {
  200: answer('Yes.', 'Health'),
  503: answer('The database does not answer.', 'Health'),
} as const

export const operations: Readonly<Record<string, Operation>> = {
  'POST /api/v1/events': {
    operationId: 'postEvents',
    tags: ['Plain events'],
    summary: 'Lands events; each is landed or rejected alone.',
    description:
      'An array of events, or one event; plain, gzip, zstd or deflate. 200 means that each event was looked at: see `results`. Scopes: ingest, gateway.',
    body: json({ oneOf: [{ type: 'array', items: { $ref: 'Event' } }, { $ref: 'Event' }] }),
    response: {
      200: answer('Committed: the result for each event.', 'EventAnswer'),
      ...bodyFailures,
      ...failures,
    },
  },
  'GET /api/v1/events/schema': {
    operationId: 'getEventsSchema',
    tags: ['Description'],
    summary: 'The JSON Schema of the body of POST /api/v1/events.',
    security: open,
    response: {
      200: {
        description: 'JSON Schema, 2020-12.',
        content: { 'application/schema+json': { schema: { type: 'object' } } },
      },
    },
  },
  'POST /api/v1/attachments': {
    operationId: 'postAttachment',
    tags: ['Plain events'],
    summary: 'Lands a content that is too large for an event.',
    description:
      'The body is the content; plain, gzip, zstd or deflate. State its SHA-256 in one of three ways. Scopes: ingest, gateway.',
    querystring: objectOf({
      sha256: { ...sha256, description: 'SHA-256 of the content.' },
      day: { ...date, description: `${ofRecord} Rarely needed: the receiver finds the day.` },
    }),
    headers: objectOf({
      'content-digest': {
        ...text,
        description: 'RFC 9530, `sha-256=:…:`, of the content or of the bytes as sent.',
      },
      'x-content-sha256': { ...text, description: 'SHA-256 of the content, in hex.' },
    }),
    body: { content: { 'application/octet-stream': bytes, 'text/plain': bytes } },
    response: {
      200: answer('The content had landed before.', 'AttachmentAnswer'),
      201: answer('The content has landed.', 'AttachmentAnswer'),
      ...bodyFailures,
      422: failure('The content has another SHA-256.'),
      ...failures,
    },
  },
  'GET /api/v1/attachments/:sha256': {
    operationId: 'getAttachment',
    tags: ['Plain events'],
    summary: 'A content by its hash, whoever sent it.',
    description:
      'Text, or a download. Ranges, `If-None-Match`, `HEAD`, and gzip where it is accepted. Scope: read; or a signed-in browser.',
    security: readers,
    params: objectOf({ sha256 }, ['sha256']),
    querystring: objectOf({ day: { ...date, description: ofRecord } }),
    response: {
      200: {
        description: 'The content.',
        content: { 'text/plain': { schema: text }, 'application/octet-stream': bytes },
      },
      206: { description: 'The requested range.' },
      304: { description: 'The client has the content already.' },
      400: failure('The hash or the day is malformed.'),
      404: failure('There is no such content, or none of that day.'),
      416: failure('The content is shorter than the range.'),
      ...failures,
    },
  },
  'POST /v1/traces': otlp('postTraces', 'spans'),
  'POST /v1/logs': otlp('postLogs', 'log records'),
  'POST /v1/metrics': otlp('postMetrics', 'data points of metrics'),
  'GET /api/v1/completeness': {
    operationId: 'getCompleteness',
    tags: ['Completeness'],
    summary: 'Which records of a recorder have landed, were rejected, were dropped or are missing.',
    description:
      'For recorders and contents by name (scopes read, gateway, and ingest for its own user’s recorders), or a list of sessions, or of one session’s recorders (scope read).',
    security: readers,
    querystring: objectOf({
      recorder: { type: 'array', items: text },
      from: { type: 'array', items: { ...integer, minimum: 1 } },
      content: {
        type: 'array',
        items: { ...text, pattern: '^\\d{4}-\\d{2}-\\d{2}/[0-9a-f]{64}$' },
      },
      session: text,
      limit: { ...integer, minimum: 1, maximum: 100 },
      after: text,
    }),
    response: {
      200: answer('The ledger’s ranges or counts.', 'Completeness'),
      400: failure('A parameter cannot be read.'),
      ...failures,
    },
  },
  'GET /api/v1/health': {
    operationId: 'getHealth',
    tags: ['Health'],
    summary: 'Whether the receiver and its database work and records land, with counts of records.',
    security: open,
    response: {
      200: health[200],
      503: answer('The database does not answer, or no record can land now.', 'Health'),
    },
  },
  'GET /api/v1/health/live': {
    operationId: 'getLiveness',
    tags: ['Health'],
    summary: 'Whether the process answers.',
    security: open,
    response: { 200: health[200] },
  },
  'GET /api/v1/health/ready': {
    operationId: 'getReadiness',
    tags: ['Health'],
    summary: 'Whether the database answers.',
    security: open,
    response: health,
  },
  'GET /openapi.json': {
    operationId: 'getOpenapi',
    tags: ['Description'],
    summary: 'This document.',
    security: open,
    response: { 200: { description: 'OpenAPI 3.1.', ...json({ type: 'object' }) } },
  },
}
