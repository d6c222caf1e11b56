/** The schemas of bodies, by name; `$ref` is the name of another schema. */
import { eventSchemas, objectOf, type Schema } from '../events/json-schema.ts'
import { date, integer, text } from './operations.ts'

const count = { ...integer, minimum: 0 } as const
const hash = { ...text, pattern: '^sha256:[0-9a-f]{64}$' } as const

/** Of events or records. */
const counts = { received: count, landed: count, duplicate: count, rejected: count } as const

const events = eventSchemas()

export const schemas: Readonly<Record<string, Schema>> = {
  ...events,
  Event: { ...events.Event, discriminator: { propertyName: 'type' } },
  EventAnswer: {
    description: 'The result for each event. received = landed + duplicate + rejected.',
    ...objectOf({ ...counts, results: { type: 'array', items: { $ref: 'EventResult' } } }, [
      ...Object.keys(counts),
      'results',
    ]),
    examples: [
      {
        received: 2,
        landed: 1,
        duplicate: 0,
        rejected: 1,
        results: [
          { index: 0, status: 'landed', eventId: 'e-4711', sessionId: 's-1' },
          { index: 1, status: 'rejected', reason: 'toolName is missing' },
        ],
      },
    ],
  },
  EventResult: objectOf(
    {
      index: { ...count, description: 'Its index in the array.' },
      status: {
        enum: ['landed', 'duplicate', 'rejected'],
        description:
          '`landed` and `duplicate` are both success; a `rejected` event will never land.',
      },
      eventId: { ...text, description: 'The event’s own id, or its SHA-256 without one.' },
      sessionId: text,
      traceId: { ...text, description: 'The turn’s page is at `/turns/{traceId}`.' },
      spanId: text,
      reason: {
        type: 'string',
        description: 'Why the event was rejected, or that another one landed under its id.',
      },
    },
    ['index', 'status'],
  ),
  AttachmentAnswer: objectOf(
    {
      status: { enum: ['landed', 'duplicate'] },
      ref: { ...hash, description: 'The reference that an event has in the place of the content.' },
      size: { ...count, description: 'In bytes.' },
      days: {
        type: 'array',
        items: date,
        description: 'The days with which the content is stored.',
      },
    },
    ['status', 'ref', 'size', 'days'],
  ),
  Failure: {
    description: 'The reason in a sentence, and a code of google.rpc.',
    ...objectOf({ code: integer, message: text }, ['code', 'message']),
  },
  Health: objectOf(
    {
      status: { enum: ['ok', 'unavailable'] },
      database: { enum: ['ok', 'unavailable'] },
      landing: {
        description: 'Whether records land; everything else works when the database is `ok`.',
        enum: ['ok', 'unavailable', 'TL_DATABASE_FULL', 'TL_CLOCKS_DISAGREE'],
      },
      records: {
        ...objectOf(counts),
        description: 'Since the receiver started. received = landed + duplicate + rejected.',
      },
    },
    ['status'],
  ),
  OtlpRequest: {
    description:
      'An ExportTraceServiceRequest, ExportLogsServiceRequest or ExportMetricsServiceRequest.',
    type: 'object',
  },
  OtlpAnswer: {
    description: 'Empty, or with `partialSuccess` when records were rejected.',
    type: 'object',
  },
  Completeness: {
    description:
      'Ranges of sequences of recorders by name, or a list of sessions or recorders. Of sessions also how much was noticed and not recorded (`unseen`; null when the session is of a version that does not tell).',
    type: 'object',
  },
}
