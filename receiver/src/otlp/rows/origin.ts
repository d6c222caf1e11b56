/** The resource and scope of records, read once for all records of one group. */

import { toJsonText } from '../wire/json.ts'
import type { AnyValue, AttributeMap, InstrumentationScope, Resource } from '../wire/request.ts'
import { clean } from '../wire/text.ts'
import { columnTextOf, identifierOf, sequenceOf } from './attribute-values.ts'
import { storeAttributes } from './attributes.ts'
import type { NamedRecorder } from './batch.ts'
import type { ContentSink } from './contents.ts'
import { fingerprintOfOrigin, recordedThroughName } from './fingerprint.ts'

/** `resource` and `scope` give JSON text for rows of the sink's day. */
export type Origin = ReturnType<typeof openOrigin>

export function openOrigin(resource: Resource, scope: InstrumentationScope) {
  const stored = withoutRecordedThrough(resource.attributes)
  let fingerprint: Buffer | undefined
  return {
    attributes: resource.attributes,
    serviceName: columnTextOf(resource.attributes.get('service.name')),
    recorderId: identifierOf(resource.attributes.get('service.instance.id')),
    serviceVersion: columnTextOf(resource.attributes.get('service.version')),
    small: () => smallTextOf(resource),
    resource: oncePerDay((sink) => storeAttributes(stored, sink)),
    scope: oncePerDay((sink) => storeAttributes(scopeMembers(resource, scope), sink)),
    fingerprint: () => {
      fingerprint ??= fingerprintOfOrigin(resource, scope)
      return fingerprint
    },
  }
}

/** Records of one day share one text: a request may hold many thousands of one resource. */
function oncePerDay(store: (sink: ContentSink) => string): (sink: ContentSink) => string {
  const stored = new Map<string, { readonly text: string; readonly keys: readonly string[] }>()
  return (sink) => {
    const known = stored.get(sink.day)
    if (known !== undefined) {
      sink.refer(known.keys)
      return known.text
    }
    const keysBefore = sink.keys.length
    const text = store(sink)
    stored.set(sink.day, { text, keys: sink.keys.slice(keysBefore) })
    return text
  }
}

/** Records carry the session and the user themselves, or their resource does. */
export function sessionIdOf(attributes: AttributeMap, origin: Origin): string | null {
  return identifierOf(attributes.get('session.id') ?? origin.attributes.get('session.id'))
}

export function claimedUserOf(attributes: AttributeMap, origin: Origin): string | null {
  return identifierOf(attributes.get('user.id') ?? origin.attributes.get('user.id'))
}

/** The recorder that a resource names. */
export function recorderOf(
  resource: Resource,
  userId: string | undefined,
): NamedRecorder | undefined {
  const { attributes } = resource
  const recorderId = identifierOf(attributes.get('service.instance.id'))
  if (recorderId === null) return undefined
  return {
    recorder_id: recorderId,
    session_id: identifierOf(attributes.get('session.id')),
    user_id: userId ?? identifierOf(attributes.get('user.id')),
    service_name: columnTextOf(attributes.get('service.name')),
    service_version: columnTextOf(attributes.get('service.version')),
    resource: smallTextOf(resource),
    recorded_through: sequenceOf(attributes.get(recordedThroughName)),
  }
}

function smallTextOf({ attributes }: Resource): string {
  const small = new Map<string, AnyValue>()
  for (const [key, value] of withoutRecordedThrough(attributes)) {
    if (value === null || typeof value === 'object') continue
    if (typeof value !== 'string') small.set(clean(key), value)
    else if (value.length <= 256) small.set(clean(key), clean(value))
  }
  return toJsonText(small)
}

function withoutRecordedThrough(attributes: AttributeMap): AttributeMap {
  if (!attributes.has(recordedThroughName)) return attributes
  return new Map([...attributes].filter(([key]) => key !== recordedThroughName))
}

function scopeMembers(resource: Resource, scope: InstrumentationScope): AttributeMap {
  const members = new Map<string, AnyValue>([['name', scope.name]])
  if (scope.version !== '') members.set('version', scope.version)
  if (scope.attributes.size > 0) members.set('attributes', scope.attributes)
  if (scope.schemaUrl !== '') members.set('schema_url', scope.schemaUrl)
  if (resource.schemaUrl !== '') members.set('resource_schema_url', resource.schemaUrl)
  return members
}
