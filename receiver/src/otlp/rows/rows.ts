/**
 * Request → batch: rows for every record that can land, a reason for every one that cannot. Pure.
 * received = items + content parts + rejects.
 */
import type { Period } from '../../period.ts'
import type { AttributeMap, Claim, Group, OtlpRequest } from '../wire/request.ts'
import { sequenceOf } from './attribute-values.ts'
import {
  type Batch,
  type Item,
  type Reject,
  type Rejected,
  type RowResult,
  rejected,
} from './batch.ts'
import { type ContentPart, isContentPart, joinParts, toContentPart } from './content-parts.ts'
import { BatchContents } from './contents.ts'
import { type EqualsSeen, eventNameOf, toLogRow } from './log-rows.ts'
import { type Origin, openOrigin, recorderOf } from './origin.ts'
import { toPointRow } from './point-rows.ts'
import { toSpanRow } from './span-rows.ts'

/** `userId` is the token's user; undefined: the client's claim counts. */
export function toBatch(
  request: OtlpRequest,
  options: { readonly period: Period; readonly userId: string | undefined },
): Batch {
  const contents = new BatchContents()
  const recorders = request.resources
    .map((resource) => recorderOf(resource, options.userId))
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
  rows.rejects.push(...rejects)
  return { signal: 'logs', ...rows, ...shared, contentParts }
}

function toRows<Record extends { readonly attributes: AttributeMap; readonly claim?: Claim }, Row>(
  groups: readonly Group<Record>[],
  /** A part of a content becomes no row. */
  toRow: (record: Record, origin: Origin) => RowResult<Row> | { readonly status: 'part' },
): { items: Item<Row>[]; rejects: Reject[] } {
  const items: Item<Row>[] = []
  const rejects: Reject[] = []
  for (const { resource, scope, records } of groups) {
    const origin = openOrigin(resource, scope)
    for (const record of records) {
      const result = contained(() => toRow(record, origin))
      if (result.status === 'row') items.push(result.item)
      else if (result.status === 'rejected') {
        const { attributes, claim } = record
        const sequence = sequenceOf(attributes.get('turnlog.sequence'))
        rejects.push({ reason: result.reason, recorderId: origin.recorderId, sequence, claim })
      }
    }
  }
  return { items, rejects }
}

/** When a bug of ours throws, one record is rejected, and the others land. */
function contained<Result>(toRow: () => Result): Result | Rejected {
  try {
    return toRow()
  } catch {
    return rejected('record cannot be read')
  }
}
