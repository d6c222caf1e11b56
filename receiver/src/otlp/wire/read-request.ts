/**
 * OTLP → request: reads parsed JSON and decoded protobuf alike.
 *
 * As lenient as proto3's JSON: unknown members are ignored, null is absent, 64-bit integers are numbers or strings, enums
 * integers or names, ids in upper or lower case. A record with a member of a wrong type keeps its first problem and is
 * rejected alone. A wrong type outside of records, such as a list that is not a list, damages the body, and this throws.
 */
import type { JsonObject } from '@turnlog/conventions/plain'
import {
  type Complain,
  collectProblems,
  recordOf,
  toCount,
  toEnum,
  toId,
  toList,
  toNanoseconds,
  toRecords,
  toText,
} from './fields.ts'
import { RecordLimit } from './limits.ts'
import { toPoints } from './read-points.ts'
import type {
  Group,
  InstrumentationScope,
  LogRecord,
  OtlpRequest,
  Resource,
  Signal,
  SpanRecord,
} from './request.ts'
import { toAttributes, toValue } from './values.ts'

const spanKinds = [
  'SPAN_KIND_UNSPECIFIED',
  'SPAN_KIND_INTERNAL',
  'SPAN_KIND_SERVER',
  'SPAN_KIND_CLIENT',
  'SPAN_KIND_PRODUCER',
  'SPAN_KIND_CONSUMER',
]
const statusCodes = ['STATUS_CODE_UNSET', 'STATUS_CODE_OK', 'STATUS_CODE_ERROR']
const severityNumbers = [
  'SEVERITY_NUMBER_UNSPECIFIED',
  ...['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'].flatMap((level) =>
    ['', '2', '3', '4'].map((step) => `SEVERITY_NUMBER_${level}${step}`),
  ),
]

/** Throws when the message is not a request, and `TooManyRecords` when it has too many records. */
export function readRequest(signal: Signal, message: unknown): OtlpRequest {
  const root = objectOf(message, 'the request')
  refuseOtherSignals(root, signal)
  switch (signal) {
    case 'traces': {
      const members = ['resourceSpans', 'scopeSpans', 'spans'] as const
      return { signal, ...readGroups(root, members, each(toSpan)) }
    }
    case 'logs': {
      const members = ['resourceLogs', 'scopeLogs', 'logRecords'] as const
      return { signal, ...readGroups(root, members, each(toLog)) }
    }
    case 'metrics': {
      const members = ['resourceMetrics', 'scopeMetrics', 'metrics'] as const
      return { signal, ...readGroups(root, members, toPoints) }
    }
  }
}

/** Without this check logs sent to `/v1/traces` would be unknown members, and be lost with a 200. */
function refuseOtherSignals(root: JsonObject, signal: Signal): void {
  for (const [member, path] of [
    ['resourceSpans', 'traces'],
    ['resourceLogs', 'logs'],
    ['resourceMetrics', 'metrics'],
  ] as const) {
    const value = root[member]
    const isSent = Array.isArray(value) && value.length > 0
    if (isSent && path !== signal) damaged(`${member} belong to /v1/${path}`)
  }
}

type RecordsReader<Record> = (list: readonly unknown[], limit: RecordLimit) => Record[]

/** For lists of which each entry is a record. */
function each<Record>(toRecord: (value: unknown) => Record): RecordsReader<Record> {
  return (list, limit) => {
    limit.add(list.length)
    return list.map(toRecord)
  }
}

function readGroups<Record>(
  root: JsonObject,
  [resourcesName, scopesName, recordsName]: readonly [string, string, string],
  toRecords: RecordsReader<Record>,
): { resources: Resource[]; groups: Group<Record>[] } {
  const resources: Resource[] = []
  const groups: Group<Record>[] = []
  const limit = new RecordLimit()
  for (const entry of listOf(root, resourcesName)) {
    const outer = objectOf(entry, resourcesName)
    const resource: Resource = {
      attributes: toAttributes(memberOf(outer, 'resource').attributes, 0, damaged),
      schemaUrl: toText(outer.schemaUrl, 'schemaUrl', damaged),
    }
    resources.push(resource)
    for (const inner of listOf(outer, scopesName)) {
      const scoped = objectOf(inner, scopesName)
      const records = toRecords(listOf(scoped, recordsName), limit)
      groups.push({ resource, scope: toScope(scoped), records })
    }
  }
  return { resources, groups }
}

function toScope(scoped: JsonObject): InstrumentationScope {
  const scope = memberOf(scoped, 'scope')
  return {
    name: toText(scope.name, 'scope.name', damaged),
    version: toText(scope.version, 'scope.version', damaged),
    attributes: toAttributes(scope.attributes, 0, damaged),
    schemaUrl: toText(scoped.schemaUrl, 'schemaUrl', damaged),
  }
}

function toSpan(value: unknown): SpanRecord {
  const { problems, complain } = collectProblems()
  const wire = recordOf(value, 'span', complain)
  const status = recordOf(wire.status ?? {}, 'status', complain)
  return {
    traceId: toId(wire.traceId, 'traceId', complain),
    spanId: toId(wire.spanId, 'spanId', complain),
    parentSpanId: toId(wire.parentSpanId, 'parentSpanId', complain),
    traceState: toText(wire.traceState, 'traceState', complain),
    flags: toCount(wire.flags, 'flags', complain),
    name: toText(wire.name, 'name', complain),
    kind: toEnum(wire.kind, 'kind', spanKinds, complain),
    startTime: toNanoseconds(wire.startTimeUnixNano, 'startTimeUnixNano', complain),
    endTime: toNanoseconds(wire.endTimeUnixNano, 'endTimeUnixNano', complain),
    attributes: toAttributes(wire.attributes, 0, complain),
    events: toRecords(wire.events, 'events', complain).map((event) => ({
      time: toNanoseconds(event.timeUnixNano, 'events.timeUnixNano', complain),
      name: toText(event.name, 'events.name', complain),
      attributes: toAttributes(event.attributes, 0, complain),
      droppedAttributes: toDropped(event, complain),
    })),
    links: toRecords(wire.links, 'links', complain).map((link) => ({
      traceId: toId(link.traceId, 'links.traceId', complain),
      spanId: toId(link.spanId, 'links.spanId', complain),
      traceState: toText(link.traceState, 'links.traceState', complain),
      flags: toCount(link.flags, 'links.flags', complain),
      attributes: toAttributes(link.attributes, 0, complain),
      droppedAttributes: toDropped(link, complain),
    })),
    droppedAttributes: toDropped(wire, complain),
    droppedEvents: toCount(wire.droppedEventsCount, 'droppedEventsCount', complain),
    droppedLinks: toCount(wire.droppedLinksCount, 'droppedLinksCount', complain),
    statusCode: toEnum(status.code, 'status.code', statusCodes, complain),
    statusMessage: toText(status.message, 'status.message', complain),
    problem: problems[0],
  }
}

function toLog(value: unknown): LogRecord {
  const { problems, complain } = collectProblems()
  const wire = recordOf(value, 'log record', complain)
  return {
    time: toNanoseconds(wire.timeUnixNano, 'timeUnixNano', complain),
    observedTime: toNanoseconds(wire.observedTimeUnixNano, 'observedTimeUnixNano', complain),
    severityNumber: toEnum(wire.severityNumber, 'severityNumber', severityNumbers, complain),
    severityText: toText(wire.severityText, 'severityText', complain),
    eventName: toText(wire.eventName, 'eventName', complain),
    body: toValue(wire.body, 0, complain),
    attributes: toAttributes(wire.attributes, 0, complain),
    droppedAttributes: toDropped(wire, complain),
    flags: toCount(wire.flags, 'flags', complain),
    traceId: toId(wire.traceId, 'traceId', complain),
    spanId: toId(wire.spanId, 'spanId', complain),
    problem: problems[0],
  }
}

function toDropped(wire: JsonObject, complain: Complain): number {
  return toCount(wire.droppedAttributesCount, 'droppedAttributesCount', complain)
}

function listOf(value: JsonObject, name: string): readonly unknown[] {
  return toList(value[name], name, damaged)
}

function memberOf(value: JsonObject, name: string): JsonObject {
  return recordOf(value[name] ?? {}, name, damaged)
}

function objectOf(value: unknown, name: string): JsonObject {
  return recordOf(value, name, damaged)
}

function damaged(problem: string): never {
  throw new Error(problem)
}
