/** Spans, log records and data points: one row for each key, however often and by whomever it is sent. */
import type { Item, LogRow, PointRow, SpanRow } from '../../otlp/rows/batch.ts'
import { logRecords, metricPoints, spans, type Table } from '../../otlp/rows/columns.ts'
import type { Client } from '../database.ts'
import { insertRows } from './insert.ts'

interface Landing<Row> {
  readonly teamId: string
  /** Each key once. */
  readonly items: readonly Item<Row>[]
}

/**
 * Returns the new ones. A true end replaces an abandoned one, and both replace the record of a span that waits, never the
 * reverse.
 */
export async function landSpans(
  client: Client,
  landing: Landing<SpanRow>,
): Promise<Item<SpanRow>[]> {
  return landRows(client, landing, {
    table: spans,
    idText: `trace_id || ' ' || span_id || ' ' || start_unix_nano`,
    idOf: (row) => `${row.trace_id} ${row.span_id} ${row.start_unix_nano}`,
    rankOf: (of) =>
      `case when ${of}.abandoned then 1
            when ${of}.attributes @> '{"turnlog.waiting": true}' then 0
            else 2 end`,
  })
}

/** Returns the new ones. A true end replaces an abandoned one, never the reverse. */
export async function landLogs(client: Client, landing: Landing<LogRow>): Promise<Item<LogRow>[]> {
  return landRows(client, landing, {
    table: logRecords,
    idText: `record_key || ' ' || time_unix_nano`,
    idOf: (row) => `${row.record_key} ${row.time_unix_nano}`,
    rankOf: (of) => `(not ${of}.abandoned)::integer`,
  })
}

/** Returns how many rows are new. */
export async function landPoints(
  client: Client,
  { teamId, items }: Landing<PointRow>,
): Promise<number> {
  const returned = await insertRows(client, metricPoints, {
    teamId,
    rows: rowsInKeyOrder(items),
    bytesOf: ({ bucket_counts }) => bytesPerNumber * (bucket_counts?.length ?? 0),
    onConflict: 'do nothing returning true',
  })
  return returned.length
}

/** About what a number takes in the text of an array. */
const bytesPerNumber = 16

function rowsInKeyOrder<Row>(items: readonly Item<Row>[]): Row[] {
  const sorted = [...items].sort((left, right) => (left.key < right.key ? -1 : 1))
  return sorted.map(({ row }) => row)
}

async function landRows<Row extends object>(
  client: Client,
  { teamId, items }: Landing<Row>,
  options: {
    readonly table: Pick<Table<Row>, 'name' | 'names' | 'key'>
    /** An expression that identifies a row among those of a batch; `idOf` gives the same text. */
    readonly idText: string
    readonly idOf: (row: Row) => string
    /** An expression for a row of the table `of`: a row replaces one of a lower rank. */
    readonly rankOf: (of: string) => string
  },
): Promise<Item<Row>[]> {
  const { table, idText, idOf, rankOf } = options
  const replaced = table.names.filter((column) => !table.key.includes(column))
  const landed = await insertRows<Row, { id: string; is_new: boolean }>(client, table, {
    teamId,
    rows: rowsInKeyOrder(items),
    onConflict: `do update
         set ${replaced.map((column) => `${column} = excluded.${column}`).join(', ')},
             replaced_at = now()
       where ${rankOf(table.name)} < ${rankOf('excluded')}
      returning ${idText} as id, replaced_at is null as is_new`,
  })
  const fresh = new Set(landed.filter((row) => row.is_new).map(({ id }) => id))
  return items.filter(({ row }) => fresh.has(idOf(row)))
}
