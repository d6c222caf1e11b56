/** The partitions that a query would read, from PostgreSQL's plan. */

export interface PartitionRead {
  readonly partition: string
  readonly table: string
  /** `2026-11-23`; undefined for the default partition. */
  readonly day: string | undefined
  /** Read by the key of one trace, session, operation or content, which is cheap in any number of partitions. */
  readonly isByKey: boolean
}

interface PlanNode {
  readonly 'Relation Name'?: string
  readonly 'Index Cond'?: string
  /** The condition on the index, for a bitmap scan. */
  readonly 'Recheck Cond'?: string
  readonly Plans?: readonly PlanNode[]
}

const partitionName =
  /^(spans|log_records|contents|message_links|metric_points)_(?:(\d{4})(\d\d)(\d\d)|rest)$/
const key = /\((?:trace_id|session_id|file_operation_id|sha256) = /

/** `explain` is the answer of `explain (format json)`. */
export function partitionsRead(explain: unknown): PartitionRead[] {
  const [first] = explain as readonly { readonly Plan: PlanNode }[]
  return first === undefined ? [] : reads(first.Plan)
}

function reads(node: PlanNode): PartitionRead[] {
  const below = (node.Plans ?? []).flatMap(reads)
  const name = node['Relation Name'] ?? ''
  const [, table, year, month, day] = partitionName.exec(name) ?? []
  if (table === undefined) return below
  const isByKey = key.test(node['Index Cond'] ?? node['Recheck Cond'] ?? '')
  return [
    {
      partition: name,
      table,
      day: year === undefined ? undefined : `${year}-${month}-${day}`,
      isByKey,
    },
    ...below,
  ]
}
