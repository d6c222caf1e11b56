/**
 * Request → batch: rows for every record that can land, a reason for every one that cannot. Pure.
 * received = items + content parts + rejects.
 */
import type { Period } from '../../period.ts'
import type { AttributeMap, Claim, Group, OtlpRequest } from '../wire/request.ts'
import { sequenceOf } from './attribute-values.ts'
import type { Batch, Item, Reject } from './batch.ts'
import { type ContentPart, isContentPart, joinParts, toContentPart } from './content-parts.ts'
import { BatchContents } from './contents.ts'
import { type EqualsSeen, eventNameOf, toLogRow } from './log-rows.ts'
import { type Origin, openOrigin, recorderOf } from './origin.ts'
import { toPointRow } from './point-rows.ts'
import { toSpanRow } from './span-rows.ts'

type RowResult<Row> =
  | { readonly status: 'row'; readonly item: Item<Row> }
  /** A part of a content becomes no row. */
  | { readonly status: 'part' }
  | { readonly status: 'rejected'; readonly reason: string }

/** `userId` is the token's user; undefined: the client's claim counts. */
export function toBatch(
  request: OtlpRequest,
  options: { readonly period: Period; readonly userId: string | undefined },
): Batch {
  const contents = new BatchContents()
  const recorders = request.resources
    .map((resource) => recorderOf(resource, options))
    .filter((recorder) => recorder !== undefined)
  const shared = { recorders, contents: contents.contents, links: contents.links }
  if (request.signal === 'traces') {
    const rows = toRows(request.groups, (span, origin) =>
      toSpanRow(span, { origin, contents, ...options }),
    )
    return { signal: 'traces', ...rows, ...shared }
  }
  if (request.signal === 'metrics') {
    const rows = toRows(request.groups, (point, origin) =>
      toPointRow(point, { origin, contents, ...options }),
    )
    return { signal: 'metrics', ...rows, ...shared }
  }
  const seen: EqualsSeen = new Map()
  const received: ContentPart[] = []
  const rows = toRows(request.groups, (log, origin) => {
    if (!isContentPart(eventNameOf(log))) {
      return toLogRow(log, { origin, contents, seen, ...options })
    }
    const result = toContentPart(log, { origin, ...options })
    if (result.status === 'part') received.push(result.part)
    return result
  })
  const { contentParts, rejects } = joinParts(received, (row) => contents.put(row))
  return {
    signal: 'logs',
    ...rows,
    rejects: [...rows.rejects, ...rejects],
    ...shared,
    contentParts,
  }
}

function toRows<Record extends { readonly attributes: AttributeMap; readonly claim?: Claim }, Row>(
  groups: readonly Group<Record>[],
  toRow: (record: Record, origin: Origin) => RowResult<Row>,
): { items: Item<Row>[]; rejects: Reject[] } {
  const items: Item<Row>[] = []
  const rejects: Reject[] = []
  for (const { resource, scope, records } of groups) {
    const origin = openOrigin(resource, scope)
    for (const record of records) {
      const result = contained(() => toRow(record, origin))
      if (result.status === 'row') items.push(result.item)
      else if (result.status === 'rejected') rejects.push(toReject(result.reason, record, origin))
    }
  }
  return { items, rejects }
}

/** When a bug of ours throws, one record is rejected, and the others land. */
function contained<Result>(
  toRow: () => Result,
): Result | { readonly status: 'rejected'; readonly reason: string } {
  try {
    return toRow()
  } catch {
    return { status: 'rejected', reason: 'record cannot be read' }
  }
}

function toReject(
  reason: string,
  { attributes, claim }: { readonly attributes: AttributeMap; readonly claim?: Claim },
  origin: Origin,
): Reject {
  return {
    reason,
    recorderId: origin.recorderId,
    sequence: sequenceOf(attributes.get('turnlog.sequence')),
    claim,
  }
}
