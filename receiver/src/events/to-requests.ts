/** Events → OTLP requests, which land like the requests of any client. Pure. */
import { type AttributeName, type EventName, schemaVersion, severity } from '@turnlog/conventions'
import { toJsonText } from '../otlp/wire/json.ts'
import type {
  AnyValue,
  Group,
  InstrumentationScope,
  LogRecord,
  OtlpRequest,
  Resource,
  SpanRecord,
} from '../otlp/wire/request.ts'
import { restoreLoneSurrogates } from '../otlp/wire/text.ts'
import { type Definition, definitions, type EventType } from './definitions.ts'
import type { EventIds } from './event-ids.ts'
import type { MemberValue } from './member-values.ts'
import { membersOf, type PlainEvent, textOf } from './read-event.ts'

export interface EventWithIds {
  readonly event: PlainEvent
  readonly ids: EventIds
}

export interface Requests {
  readonly traces: OtlpRequest & { readonly signal: 'traces' }
  readonly logs: OtlpRequest & { readonly signal: 'logs' }
}

/** The instrumentation scope, in which an SDK would name itself. */
const scope: InstrumentationScope = {
  name: '@turnlog/receiver/events',
  version: '',
  attributes: new Map(),
  schemaUrl: '',
}

/** Members beyond the contract become an attribute each; when there are more, all become one attribute. */
export const othersMax = 64
const otherNameLengthMax = 256
const otherPrefix = 'turnlog.event.member.'

const internalKind = 1
const errorCode = 2

export function toRequests(events: readonly EventWithIds[]): Requests {
  const spans = openGroups<SpanRecord>()
  const logs = openGroups<LogRecord>()
  for (const each of events) {
    const resource = resourceOf(each)
    const eventName = logEventOf(each.event.type)
    if (eventName === undefined) spans.add(resource, toSpan(each))
    else logs.add(resource, toLog(each, eventName))
  }
  return {
    traces: { signal: 'traces', resources: [], groups: spans.groups() },
    logs: { signal: 'logs', resources: [], groups: logs.groups() },
  }
}

/** The log event that an event of this type becomes; undefined if it becomes a span. */
export function logEventOf(type: EventType): EventName | undefined {
  const definition: Definition = definitions[type]
  return definition.logEvent
}

function toSpan({ event, ids }: EventWithIds): SpanRecord {
  const failure = event.members.get('error')
  const isFailed = failure?.kind === 'failure'
  const attributes = attributesOf({ event, ids })
  if (!event.hasDuration) attributes.set(named('turnlog.duration.unknown'), true)
  // The type of an error without one: OpenTelemetry's `_OTHER`, and our own for a tool call.
  const unnamedError = event.type === 'ToolCall' ? 'tool_error' : '_OTHER'
  if (isFailed) attributes.set(named('error.type'), failure.type ?? unnamedError)
  for (const [name, value] of Object.entries(spanAttributes(event))) attributes.set(name, value)
  return {
    traceId: ids.traceId,
    spanId: ids.spanId,
    parentSpanId: ids.parentSpanId,
    traceState: '',
    flags: 0,
    name: spanName(event),
    kind: internalKind,
    startTime: event.startTime,
    endTime: event.endTime,
    attributes,
    events: [],
    links: [],
    droppedAttributes: 0,
    droppedEvents: 0,
    droppedLinks: 0,
    statusCode: isFailed ? errorCode : 0,
    statusMessage: isFailed ? (failure.message ?? '') : '',
    problem: undefined,
    claim: { id: ids.claim, hash: event.hash },
  }
}

function toLog({ event, ids }: EventWithIds, eventName: EventName): LogRecord {
  const attributes = attributesOf({ event, ids })
  attributes.set(named('log.record.uid'), ids.claim)
  return {
    time: event.endTime,
    observedTime: 0n,
    severityNumber: event.type === 'Error' ? severity.error : severity.info,
    severityText: '',
    eventName,
    body: null,
    attributes,
    droppedAttributes: 0,
    flags: 0,
    traceId: ids.traceId,
    spanId: ids.spanId,
    problem: undefined,
    claim: { id: ids.claim, hash: event.hash },
  }
}

function spanName(event: PlainEvent): string {
  switch (event.type) {
    case 'ChatTurn':
      return ['invoke_agent', textOf(event, 'appName')].filter(Boolean).join(' ')
    case 'ToolCall':
      return `execute_tool ${textOf(event, 'toolName')}`
    default:
      return `file.${textOf(event, 'opType')}`
  }
}

/** The attributes that are not in the tables. */
function spanAttributes(event: PlainEvent): Readonly<Partial<Record<AttributeName, AnyValue>>> {
  switch (event.type) {
    case 'ChatTurn': {
      const agent = textOf(event, 'appName')
      const input = messagesOf('user', event.members.get('userPrompt'))
      const output = messagesOf('assistant', event.members.get('assistantFinal'))
      return {
        'gen_ai.operation.name': 'invoke_agent',
        ...(agent === undefined ? {} : { 'gen_ai.agent.name': agent }),
        ...(input === undefined ? {} : { 'gen_ai.input.messages': input }),
        ...(output === undefined ? {} : { 'gen_ai.output.messages': output }),
      }
    }
    case 'ToolCall':
      return { 'gen_ai.operation.name': 'execute_tool' }
    default:
      return {
        'turnlog.file_operation.source': 'api',
        ...(event.isDiffed ? { 'turnlog.file_operation.diff.by_receiver': true } : {}),
      }
  }
}

/** One message with one text, in the form of the GenAI convention. */
function messagesOf(role: string, value: MemberValue | undefined): string | undefined {
  if (value?.kind === 'text') {
    const messages = [{ role, parts: [{ type: 'text', content: value.text }] }]
    return restoreLoneSurrogates(JSON.stringify(messages))
  }
  if (value?.kind !== 'reference') return undefined
  const size = value.size === undefined ? {} : { 'content.size': Number(value.size) }
  return JSON.stringify([{ role, parts: [{ type: 'text', 'content.ref': value.hash, ...size }] }])
}

/** Members that describe the app's process: they become attributes of the resource, as from an SDK. */
const resourceMembers: ReadonlySet<string> = new Set(['machineId', 'appVersion'])

function attributesOf({ event, ids }: EventWithIds): Map<string, AnyValue> {
  const attributes = new Map<string, AnyValue>()
  if (ids.sessionId !== null) attributes.set(named('session.id'), ids.sessionId)
  for (const [name, { attribute }] of Object.entries(membersOf(event.type))) {
    const value = event.members.get(name)
    if (attribute === undefined || value === undefined || resourceMembers.has(name)) continue
    for (const [key, one] of toAttributes(attribute, value)) attributes.set(key, one)
  }
  for (const [key, one] of othersOf(event)) attributes.set(key, one)
  return attributes
}

function toAttributes(name: AttributeName, value: MemberValue): [string, AnyValue][] {
  switch (value.kind) {
    case 'text':
      return [[name, value.text]]
    case 'bytes':
      return [[name, value.bytes]]
    case 'count':
      return [[name, value.count]]
    case 'reference': {
      const reference: [string, AnyValue] = [`${name}.ref`, value.hash]
      return value.size === undefined ? [reference] : [reference, [`${name}.size`, value.size]]
    }
    default:
      return []
  }
}

function othersOf({ others }: PlainEvent): Iterable<readonly [string, AnyValue]> {
  const areMany =
    others.size > othersMax || [...others.keys()].some((name) => name.length > otherNameLengthMax)
  if (areMany) return [[named('turnlog.event.members'), toJsonText(others)]]
  return [...others].map(([name, value]) => [`${otherPrefix}${name}`, value] as const)
}

function resourceOf({ event, ids }: EventWithIds): Resource {
  const attributes = new Map<string, AnyValue>([[named('turnlog.schema.version'), schemaVersion]])
  const appName = textOf(event, 'appName')
  if (appName !== undefined) attributes.set(named('service.name'), appName)
  if (event.type === 'SessionStart') {
    for (const [name, value] of processOf({ event, ids })) attributes.set(name, value)
  }
  return { attributes, schemaUrl: '' }
}

function processOf({ event, ids }: EventWithIds): [AttributeName, string][] {
  const system = event.members.get('os')
  const { type, version } = system?.kind === 'system' ? system : {}
  const process = [
    ['session.id', ids.sessionId],
    ['user.id', textOf(event, 'userId')],
    ['host.id', textOf(event, 'machineId')],
    ['service.version', textOf(event, 'appVersion')],
    ['os.type', type],
    ['os.version', version],
  ] as const
  return process.flatMap(([name, value]) => (value ? [[name, value]] : []))
}

/** Records with equal resources share one group, so that the resource is handled once. */
function openGroups<Record>() {
  const groups = new Map<string, Group<Record> & { readonly records: Record[] }>()
  return {
    add(resource: Resource, record: Record): void {
      const key = toJsonText(resource.attributes)
      const group = groups.get(key) ?? { resource, scope, records: [] }
      groups.set(key, group)
      group.records.push(record)
    },
    groups: () => [...groups.values()],
  }
}

/** Checks at compile time that the name is one of the conventions. */
function named(name: AttributeName): AttributeName {
  return name
}
