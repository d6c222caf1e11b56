/** Writes spans and their processes as Jaeger's v1 JSON. Pure. */

import type { Parents } from '../read/parents.ts'
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
import type { Span, SpanEvent } from '../read/span.ts'
import { stringTag, type Tag, type TagOptions, type TagValue, tagsOf } from '../read/tags.ts'
import { nameOfKind } from '../request/parameter-values.ts'

/** The processes of one trace, numbered in the order of their first spans. */
export function openProcesses() {
  const ids = new Map<string, string>()
  const members: string[] = []
  return {
    idOf(shown: ShownSpan, linkTo: LinkTo): string {
      const { span } = shown
      const key = `${span.serviceName} ${span.resource.text}`
      const known = ids.get(key)
      if (known !== undefined) return known
      const id = `p${ids.size + 1}`
      ids.set(key, id)
      const options = { ...otherTags(shown, linkTo), without: shownAsName }
      const tags = tagsOf(span.resource.members, options)
      members.push(
        `"${id}":{"serviceName":${JSON.stringify(span.serviceName)},"tags":${toJson(tags)}}`,
      )
      return id
    },
    toJson: () => `{${members.join(',')}}`,
  }
}

const shownAsName: ReadonlySet<string> = new Set(['service.name'])

export function toV1Span(
  shown: ShownSpan,
  options: SpanOptions & { readonly processes: ReturnType<typeof openProcesses> },
): string {
  const { processes, linkTo, parents } = options
  const { span } = shown
  const others = otherTags(shown, linkTo)
  const warnings = warningsOf(span, parents)
  const members = [
    `"traceID":"${span.traceId}"`,
    `"spanID":"${span.spanId}"`,
    // The lower eight bits are the trace flags of W3C; the higher ones are OTLP's.
    `"flags":${span.flags & 0xff}`,
    `"operationName":${JSON.stringify(span.name)}`,
    `"references":${referencesOf(span, parents)}`,
    `"startTime":${span.start / 1_000n}`,
    `"duration":${durationOf(span) / 1_000n}`,
    `"tags":${toJson(spanTags(shown, linkTo))}`,
    `"logs":[${span.events.map((event) => toLog(event, others)).join(',')}]`,
    `"processID":"${processes.idOf(shown, linkTo)}"`,
    `"warnings":${warnings.length === 0 ? 'null' : JSON.stringify(warnings)}`,
  ]
  return `{${members.join(',')}}`
}

function durationOf({ start, end = start }: Span): bigint {
  return end > start ? end - start : 0n
}

/** The parent comes first: viewers take the first reference as the parent. */
function referencesOf(span: Span, parents: Parents | undefined): string {
  const parent = parentOf(span, parents)
  const links = span.links.map(({ attributes, traceId, spanId }) => {
    const isChildOf = attributes['opentracing.ref_type'] === 'child_of'
    return { refType: isChildOf ? 'CHILD_OF' : 'FOLLOWS_FROM', traceID: traceId, spanID: spanId }
  })
  if (parent === undefined) return JSON.stringify(links)
  return JSON.stringify([{ refType: 'CHILD_OF', traceID: span.traceId, spanID: parent }, ...links])
}

/** Attributes, and under OpenTelemetry's names the fields for which Jaeger's spans have no member. */
function spanTags(shown: ShownSpan, linkTo: LinkTo): readonly Tag[] {
  const { span } = shown
  const { scope, attributes } = span
  const tags: Tag[] = []
  const name = scope.members.name
  if (typeof name === 'string' && name !== '') tags.push(stringTag('otel.scope.name', name))
  const version = scope.members.version
  if (typeof version === 'string') tags.push(stringTag('otel.scope.version', version))
  for (const { key, value } of scopeTags(shown, linkTo)) {
    tags.push({ key: `otel.scope.${key}`, value })
  }
  tags.push(...tagsOf(attributes, ownTags(shown, linkTo)))
  const kind = nameOfKind(span.kind)
  if (kind !== '') tags.push(stringTag('span.kind', kind))
  if (span.statusCode === 1) tags.push(stringTag('otel.status_code', 'OK'))
  if (span.statusCode === 2) {
    tags.push(stringTag('otel.status_code', 'ERROR'))
    tags.push({ key: 'error', value: { type: 'bool', value: true } })
  }
  if (span.statusMessage !== '') tags.push(stringTag('otel.status_description', span.statusMessage))
  if (span.traceState !== '') tags.push(stringTag('w3c.tracestate', span.traceState))
  tags.push(...countTag('otel.dropped_attributes_count', span.droppedAttributes))
  tags.push(...countTag('otel.dropped_events_count', span.droppedEvents))
  tags.push(...countTag('otel.dropped_links_count', span.droppedLinks))
  return tags
}

function countTag(key: string, count: number): Tag[] {
  return count === 0 ? [] : [{ key, value: { type: 'int64', value: BigInt(count) } }]
}

function toLog(event: SpanEvent, options: TagOptions): string {
  const fields: Tag[] = []
  if (event.name !== '' && !Object.hasOwn(event.attributes, 'event')) {
    fields.push(stringTag('event', event.name))
  }
  fields.push(...tagsOf(event.attributes, options))
  fields.push(...countTag('otel.dropped_attributes_count', event.droppedAttributes))
  return `{"timestamp":${event.time / 1_000n},"fields":${toJson(fields)}}`
}

function toJson(tags: readonly Tag[]): string {
  return `[${tags.map(({ key, value }) => `{"key":${JSON.stringify(key)},${typeAndValue(value)}}`).join(',')}]`
}

function typeAndValue(value: TagValue): string {
  switch (value.type) {
    case 'string':
      return `"type":"string","value":${JSON.stringify(value.value)}`
    case 'bool':
      return `"type":"bool","value":${value.value}`
    case 'int64':
      return `"type":"int64","value":${toInteger(value.value)}`
    case 'float64':
      return `"type":"float64","value":${JSON.stringify(value.value)}`
    case 'binary':
      return `"type":"binary","value":"${Buffer.from(value.value).toString('base64')}"`
    case 'json':
      return `"type":"string","value":${JSON.stringify(value.text)}`
  }
}

/** Beyond 2^53 as text, as Jaeger writes it: a browser would round the number. */
function toInteger(value: bigint): string {
  const isSafe = value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER
  return isSafe ? String(value) : `"${value}"`
}
