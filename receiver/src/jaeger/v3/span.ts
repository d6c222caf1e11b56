/**
 * Writes spans as OTLP/JSON, as Jaeger's v3 API does: ids in hex, 64-bit numbers as text, and exactly one value per
 * attribute, because Jaeger's UI refuses the trace otherwise. Pure.
 */
import type { ShownSpan } from '../read/read-trace.ts'
import {
  type LinkTo,
  otherTags,
  ownTags,
  parentOf,
  type SpanOptions,
  scopeTags,
  warningsOf,
} from '../read/shown-span.ts'
import { type SpanEvent, type SpanLink, textOf } from '../read/span.ts'
import { isStoredObject, membersOf, type StoredValue } from '../read/stored-json.ts'
import { type Tag, type TagOptions, type TagValue, tagsOf, toTagValue } from '../read/tags.ts'

/** Writes the elements of `resourceSpans`. Adjacent spans of one resource and scope share an element. */
export function openResourceSpans() {
  let before: ShownSpan['span'] | undefined

  function opening(shown: ShownSpan, linkTo: LinkTo): string {
    const { span } = shown
    const last = before
    before = span
    if (last?.resource.text === span.resource.text && last.scope.text === span.scope.text)
      return ','
    const scope = `{${scopeOf(shown, linkTo)},"spans":[`
    const isSameResource =
      last?.resource.text === span.resource.text &&
      last.scope.members.resource_schema_url === span.scope.members.resource_schema_url
    if (isSameResource) return `]},${scope}`
    return `${last === undefined ? '' : ']}]},'}{${resourceOf(shown, linkTo)},"scopeSpans":[${scope}`
  }

  return {
    add: (shown: ShownSpan, options: SpanOptions): string =>
      opening(shown, options.linkTo) + toOtlpSpan(shown, options),
    end: () => (before === undefined ? '' : ']}]}'),
  }
}

function resourceOf(shown: ShownSpan, linkTo: LinkTo): string {
  const { resource, scope } = shown.span
  const attributes = attributesOf(tagsOf(resource.members, otherTags(shown, linkTo)))
  return `"resource":{"attributes":${attributes}}${schemaUrl(scope.members.resource_schema_url)}`
}

function scopeOf(shown: ShownSpan, linkTo: LinkTo): string {
  const { name, version, schema_url: url } = shown.span.scope.members
  const attributes = scopeTags(shown, linkTo)
  const members = [
    `"name":${JSON.stringify(textOf(name))}`,
    ...(textOf(version) === '' ? [] : [`"version":${JSON.stringify(version)}`]),
    ...(attributes.length === 0 ? [] : [`"attributes":${attributesOf(attributes)}`]),
  ]
  return `"scope":{${members.join(',')}}${schemaUrl(url)}`
}

function schemaUrl(value: StoredValue | undefined): string {
  const url = textOf(value)
  return url === '' ? '' : `,"schemaUrl":${JSON.stringify(url)}`
}

/** The attribute in which Jaeger's own server puts its warnings. */
const warningsKey = 'jaeger.internal.warnings'

function toOtlpSpan(shown: ShownSpan, { linkTo, parents }: SpanOptions): string {
  const { span } = shown
  const others = otherTags(shown, linkTo)
  const attributes = [...tagsOf(span.attributes, ownTags(shown, linkTo))]
  const warnings = warningsOf(span, parents)
  if (warnings.length > 0) {
    const value: TagValue = { type: 'json', value: warnings, text: JSON.stringify(warnings) }
    attributes.push({ key: warningsKey, value })
  }
  const parent = parentOf(span, parents)
  // A viewer needs an end to draw the span; a warning says that there is none.
  const end = span.end ?? (parents === undefined ? undefined : span.start)
  const members = [
    `"traceId":"${span.traceId}"`,
    `"spanId":"${span.spanId}"`,
    ...(parent === undefined ? [] : [`"parentSpanId":"${parent}"`]),
    ...(span.traceState === '' ? [] : [`"traceState":${JSON.stringify(span.traceState)}`]),
    ...count('flags', span.flags),
    `"name":${JSON.stringify(span.name)}`,
    `"kind":${Math.max(span.kind, 0)}`,
    `"startTimeUnixNano":"${span.start}"`,
    ...(end === undefined ? [] : [`"endTimeUnixNano":"${end}"`]),
    `"attributes":${attributesOf(attributes)}`,
    ...count('droppedAttributesCount', span.droppedAttributes),
    ...list(
      'events',
      span.events.map((event) => toEvent(event, others)),
    ),
    ...count('droppedEventsCount', span.droppedEvents),
    ...list(
      'links',
      span.links.filter(isLink).map((link) => toLink(link, others)),
    ),
    ...count('droppedLinksCount', span.droppedLinks),
    `"status":${toStatus(span)}`,
  ]
  return `{${members.join(',')}}`
}

function toStatus({ statusCode, statusMessage }: ShownSpan['span']): string {
  return JSON.stringify({
    message: statusMessage === '' ? undefined : statusMessage,
    code: statusCode > 0 ? statusCode : undefined,
  })
}

function toEvent(event: SpanEvent, options: TagOptions): string {
  const members = [
    `"timeUnixNano":"${event.time}"`,
    `"name":${JSON.stringify(event.name)}`,
    `"attributes":${attributesOf(tagsOf(event.attributes, options))}`,
    ...count('droppedAttributesCount', event.droppedAttributes),
  ]
  return `{${members.join(',')}}`
}

/** Links land with any ids; a link with invalid ones is left out. */
function isLink({ traceId, spanId }: SpanLink): boolean {
  return /^(?!0+$)[0-9a-f]{32}$/.test(traceId) && /^(?!0+$)[0-9a-f]{16}$/.test(spanId)
}

function toLink(link: SpanLink, options: TagOptions): string {
  const members = [
    `"traceId":"${link.traceId}"`,
    `"spanId":"${link.spanId}"`,
    ...(link.traceState === '' ? [] : [`"traceState":${JSON.stringify(link.traceState)}`]),
    `"attributes":${attributesOf(tagsOf(link.attributes, options))}`,
    ...count('droppedAttributesCount', link.droppedAttributes),
    ...count('flags', link.flags),
  ]
  return `{${members.join(',')}}`
}

function count(name: string, value: number): string[] {
  return value === 0 ? [] : [`"${name}":${value}`]
}

function list(name: string, elements: readonly string[]): string[] {
  return elements.length === 0 ? [] : [`"${name}":[${elements.join(',')}]`]
}

function attributesOf(tags: readonly Tag[]): string {
  const members = tags.map(
    ({ key, value }) => `{"key":${JSON.stringify(key)},"value":${toAnyValue(value)}}`,
  )
  return `[${members.join(',')}]`
}

function toAnyValue(value: TagValue): string {
  switch (value.type) {
    case 'string':
      return `{"stringValue":${JSON.stringify(value.value)}}`
    case 'bool':
      return `{"boolValue":${value.value}}`
    case 'int64':
      return `{"intValue":"${value.value}"}`
    case 'float64':
      return `{"doubleValue":${JSON.stringify(value.value)}}`
    case 'binary':
      return `{"bytesValue":"${Buffer.from(value.value).toString('base64')}"}`
    case 'json':
      return toStructure(value.value)
  }
}

/** A value inside a list or map. Landing has bounded its depth. */
function toStructure(value: StoredValue): string {
  if (Array.isArray(value)) return `{"arrayValue":{"values":[${value.map(toStructure).join(',')}]}}`
  if (!isStoredObject(value)) return toAnyValue(toTagValue(value))
  const members = membersOf(value).map(
    ([key, member]) => `{"key":${JSON.stringify(key)},"value":${toStructure(member)}}`,
  )
  return `{"kvlistValue":{"values":[${members.join(',')}]}}`
}
