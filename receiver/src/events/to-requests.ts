/** Events → OTLP requests, of which everything else is made as of any client's. Pure. */
import { type AttributeName, schemaVersion, severity } from '@turnlog/conventions'
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
import type { EventType } from './definitions.ts'
import type { MemberValue } from './member-values.ts'
import { type Place, textOf } from './place.ts'
import { membersOf, type PlainEvent } from './read-event.ts'

export interface PlacedEvent {
  readonly event: PlainEvent
  readonly place: Place
}

export interface Requests {
  readonly traces: OtlpRequest & { readonly signal: 'traces' }
  readonly logs: OtlpRequest & { readonly signal: 'logs' }
}

/** Who emits, where an SDK names itself. */
const scope: InstrumentationScope = {
  name: '@turnlog/receiver/events',
  version: '',
  attributes: new Map(),
  schemaUrl: '',
}

/** Members beyond the contract that become an attribute each; when there are more, all go into one. */
export const othersMax = 64
const otherNameLengthMax = 256
const otherPrefix = 'turnlog.event.member.'

const internalKind = 1
const errorCode = 2

export function toRequests(events: readonly PlacedEvent[]): Requests {
  const spans = openGroups<SpanRecord>()
  const logs = openGroups<LogRecord>()
  for (const placed of events) {
    const resource = resourceOf(placed)
    if (isSpanType(placed.event.type)) spans.add(resource, toSpan(placed))
    else logs.add(resource, toLog(placed))
  }
  return {
    traces: { signal: 'traces', resources: [], groups: spans.groups() },
    logs: { signal: 'logs', resources: [], groups: logs.groups() },
  }
}

export function isSpanType(type: EventType): boolean {
  return type === 'ChatTurn' || type === 'ToolCall' || type === 'FileOperation'
}

function toSpan({ event, place }: PlacedEvent): SpanRecord {
  const failure = event.members.get('error')
  const isFailed = failure?.kind === 'failure'
  const attributes = attributesOf({ event, place })
  if (!event.hasDuration) attributes.set(named('turnlog.duration.unknown'), true)
  if (isFailed) attributes.set(named('error.type'), failure.type ?? unnamedError(event.type))
  for (const [name, value] of Object.entries(spanAttributes(event))) attributes.set(name, value)
  return {
    traceId: place.traceId,
    spanId: place.spanId,
    parentSpanId: place.parentSpanId,
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
    claim: { id: place.claim, hash: event.hash },
  }
}

function toLog({ event, place }: PlacedEvent): LogRecord {
  const attributes = attributesOf({ event, place })
  attributes.set(named('log.record.uid'), place.claim)
  return {
    time: event.endTime,
    observedTime: 0n,
    severityNumber: event.type === 'Error' ? severity.error : severity.info,
    severityText: '',
    eventName: logEventName(event.type),
    body: null,
    attributes,
    droppedAttributes: 0,
    flags: 0,
    traceId: place.traceId,
    spanId: place.spanId,
    problem: undefined,
    claim: { id: place.claim, hash: event.hash },
  }
}

function logEventName(type: EventType): string {
  switch (type) {
    case 'SessionStart':
      return 'session.start'
    case 'ChangeDecision':
      return 'turnlog.change.decision'
    default:
      return 'exception'
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

/** Beside what the tables name. */
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

/** One message of one text, as the GenAI convention has it. */
function messagesOf(role: string, value: MemberValue | undefined): string | undefined {
  if (value?.kind === 'text') {
    const messages = [{ role, parts: [{ type: 'text', content: value.text }] }]
    return restoreLoneSurrogates(JSON.stringify(messages))
  }
  if (value?.kind !== 'reference') return undefined
  const size = value.size === undefined ? {} : { 'content.size': Number(value.size) }
  return JSON.stringify([{ role, parts: [{ type: 'text', 'content.ref': value.hash, ...size }] }])
}

/** OpenTelemetry's name for an error without one, and ours for a tool's. */
function unnamedError(type: EventType): string {
  return type === 'ToolCall' ? 'tool_error' : '_OTHER'
}

/** What an app's process is known by stands on the resource, as an SDK would have it. */
const resourceMembers: ReadonlySet<string> = new Set(['machineId', 'appVersion'])

function attributesOf({ event, place }: PlacedEvent): Map<string, AnyValue> {
  const attributes = new Map<string, AnyValue>()
  if (place.sessionId !== null) attributes.set(named('session.id'), place.sessionId)
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

function resourceOf({ event, place }: PlacedEvent): Resource {
  const attributes = new Map<string, AnyValue>([[named('turnlog.schema.version'), schemaVersion]])
  const appName = textOf(event, 'appName')
  if (appName !== undefined) attributes.set(named('service.name'), appName)
  if (event.type === 'SessionStart') {
    for (const [name, value] of processOf({ event, place })) attributes.set(name, value)
  }
  return { attributes, schemaUrl: '' }
}

function processOf({ event, place }: PlacedEvent): [AttributeName, string][] {
  const system = event.members.get('os')
  const { type, version } = system?.kind === 'system' ? system : {}
  const process: [AttributeName, string | null | undefined][] = [
    ['session.id', place.sessionId],
    ['user.id', textOf(event, 'userId')],
    ['host.id', textOf(event, 'machineId')],
    ['service.version', textOf(event, 'appVersion')],
    ['os.type', type],
    ['os.version', version],
  ]
  return process.flatMap(([name, value]) => (value ? [[name, value]] : []))
}

/** Records of equal resources share one group, and so what is made of the resource. */
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

/** Only names of the conventions compile. */
function named(name: AttributeName): AttributeName {
  return name
}
