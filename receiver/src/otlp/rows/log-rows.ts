/** One log record → its row, or why it is rejected. Pure. */
import { type AttributeName, parseSpanId, parseTraceId } from '@turnlog/conventions'
import type { Period } from '../../period.ts'
import type { AttributeMap, LogRecord } from '../wire/request.ts'
import {
  columnTextOf,
  identifierOf,
  integerOf,
  isTrue,
  sequenceOf,
  textOf,
} from './attribute-values.ts'
import { referenceOf, storeAttributes, storeValue } from './attributes.ts'
import { type LogRow, type RecorderNews, type RowResult, rejected } from './batch.ts'
import { fingerprintOfLog } from './fingerprint.ts'
import { claimedUserOf, sessionIdOf } from './origin.ts'
import type { RowOptions } from './span-rows.ts'
import { dayOf, problemOfTime, timestampOf } from './time.ts'

/** By fingerprint, how many equal records came earlier in this request. */
export type EqualsSeen = Map<string, number>

export function toLogRow(
  log: LogRecord,
  options: RowOptions & { readonly seen: EqualsSeen },
): RowResult<LogRow> {
  // Many SDKs send only the time at which they observed the record.
  const nanoseconds = log.time === 0n ? log.observedTime : log.time
  const problem = log.problem ?? problemOfLog(log, nanoseconds, options.period)
  if (problem !== undefined) return rejected(problem)
  const time = timestampOf(nanoseconds)
  if (time === null) return rejected('log record has no time')

  const { attributes } = log
  const { origin } = options
  const sink = options.contents.open(dayOf(nanoseconds))
  const eventName = eventNameOf(log)
  const bodyReference = log.body === null ? referenceOf(attributes, bodyName) : undefined
  const stored = bodyReference === undefined ? attributes : withoutBody(attributes)
  const recordKey = keyOf(log, options)
  const row: LogRow = {
    record_key: recordKey,
    time,
    time_unix_nano: nanoseconds,
    observed_time: timestampOf(log.observedTime),
    event_name: eventName,
    severity_number: log.severityNumber,
    severity_text: textOf(log.severityText),
    body: bodyReference === undefined ? storeValue(log.body, sink) : sink.referTo(bodyReference),
    trace_id: parseTraceId(log.traceId) ?? null,
    span_id: parseSpanId(log.spanId) ?? null,
    flags: log.flags,
    service_name: origin.serviceName,
    session_id: sessionIdOf(attributes, origin),
    user_id: options.userId ?? claimedUserOf(attributes, origin),
    recorder_id: origin.recorderId,
    sequence: sequenceOf(attributes.get('turnlog.sequence')),
    conversation_id: identifierOf(attributes.get('gen_ai.conversation.id')),
    file_path: columnTextOf(attributes.get('file.path')),
    file_operation_id: identifierOf(attributes.get('turnlog.file_operation.id')),
    error_type: columnTextOf(attributes.get('exception.type') ?? attributes.get('error.type')),
    abandoned: isTrue(attributes.get('turnlog.abandoned')),
    attributes: storeAttributes(stored, sink),
    resource: origin.resource(sink),
    scope: origin.scope(sink),
    dropped_counts:
      log.droppedAttributes === 0 ? null : JSON.stringify({ attributes: log.droppedAttributes }),
  }
  return {
    status: 'row',
    item: {
      key: `${recordKey} ${time}`,
      row,
      time,
      contentKeys: sink.keys,
      origin,
      news: newsOf(log, { eventName, time }),
      claim: log.claim,
    },
  }
}

/** The attribute that holds the reference of a body that travels apart: a body has no name. */
const bodyName = 'turnlog.log.body' satisfies AttributeName

function withoutBody(attributes: AttributeMap): AttributeMap {
  return new Map([...attributes].filter(([key]) => !key.startsWith(`${bodyName}.`)))
}

/** Some clients send a position in their source as `eventName`, and the event's name as an attribute. */
export function eventNameOf({ attributes, eventName }: LogRecord): string | null {
  return identifierOf(attributes.get('event.name')) ?? identifierOf(eventName)
}

function problemOfLog(log: LogRecord, nanoseconds: bigint, period: Period): string | undefined {
  if (!isAbsent(log.traceId) && parseTraceId(log.traceId) === undefined) {
    return 'trace id is not 16 bytes'
  }
  if (!isAbsent(log.spanId) && parseSpanId(log.spanId) === undefined) {
    return 'span id is not 8 bytes'
  }
  const problem = problemOfTime(nanoseconds, period)
  return problem === undefined ? undefined : `log record ${problem}`
}

/** Ids of a log record are optional; zeros are the same as absent. */
function isAbsent(id: string): boolean {
  return id === '' || /^(0{16}|0{32})$/.test(id)
}

/** The client's own id, or the fingerprint and the record's index among equal records. */
function keyOf(
  log: LogRecord,
  { origin, seen }: RowOptions & { readonly seen: EqualsSeen },
): string {
  const uid = identifierOf(log.attributes.get('log.record.uid'))
  if (uid !== null) return uid
  const fingerprint = fingerprintOfLog(origin.fingerprint(), log)
  const index = seen.get(fingerprint) ?? 0
  seen.set(fingerprint, index + 1)
  return `#${fingerprint}/${index}`
}

function newsOf(
  { attributes }: LogRecord,
  { eventName, time }: { readonly eventName: string | null; readonly time: string },
): RecorderNews | undefined {
  switch (eventName) {
    case 'session.start':
      return { startedAt: time }
    case 'session.end':
      return {
        endedAt: time,
        isEndAbandoned: isTrue(attributes.get('turnlog.abandoned')),
        exitCode: integerOf(attributes.get('turnlog.exit_code')),
        lastSequence: sequenceOf(attributes.get('turnlog.recorder.last_sequence')),
      }
    case 'turnlog.records.dropped': {
      const first = sequenceOf(attributes.get('turnlog.drop.first_sequence'))
      const last = sequenceOf(attributes.get('turnlog.drop.last_sequence'))
      if (first === null || last === null || first > last) return undefined
      return { dropped: [first, last] }
    }
    default:
      return undefined
  }
}
