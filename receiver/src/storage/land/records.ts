/** Spans, log records and data points: one row for each key, whoever brings it and how often. */
import type { Item, LogRow, PointRow, SpanRow } from '../../otlp/rows/batch.ts'
import type { Client } from '../database.ts'
import { insertRows } from './insert.ts'

const spanColumns = [
  'trace_id',
  'span_id',
  'start_time',
  'end_time',
  'start_unix_nano',
  'end_unix_nano',
  'parent_span_id',
  'trace_state',
  'flags',
  'name',
  'kind',
  'status_code',
  'status_message',
  'service_name',
  'session_id',
  'user_id',
  'recorder_id',
  'sequence',
  'conversation_id',
  'operation',
  'agent_name',
  'tool_name',
  'tool_call_id',
  'request_model',
  'response_model',
  'input_tokens',
  'output_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'reasoning_tokens',
  'file_path',
  'file_operation_id',
  'file_operation_type',
  'error_type',
  'abandoned',
  'attributes',
  'events',
  'links',
  'resource',
  'scope',
  'dropped_counts',
] as const satisfies readonly (keyof SpanRow)[]

const logColumns = [
  'record_key',
  'time',
  'time_unix_nano',
  'observed_time',
  'event_name',
  'severity_number',
  'severity_text',
  'body',
  'trace_id',
  'span_id',
  'flags',
  'service_name',
  'session_id',
  'user_id',
  'recorder_id',
  'sequence',
  'conversation_id',
  'file_path',
  'file_operation_id',
  'error_type',
  'abandoned',
  'attributes',
  'resource',
  'scope',
  'dropped_counts',
] as const satisfies readonly (keyof LogRow)[]

const pointColumns = [
  'stream_sha256',
  'point_sha256',
  'time',
  'time_unix_nano',
  'start_time',
  'start_unix_nano',
  'name',
  'description',
  'unit',
  'kind',
  'temporality',
  'monotonic',
  'flags',
  'value',
  'value_integer',
  'count',
  'sum',
  'min',
  'max',
  'bucket_counts',
  'bucket_bounds',
  'exponential',
  'quantiles',
  'exemplars',
  'metadata',
  'service_name',
  'session_id',
  'user_id',
  'recorder_id',
  'attributes',
  'resource',
  'scope',
] as const satisfies readonly (keyof PointRow)[]

interface Landing<Row> {
  readonly teamId: string
  /** Each key once. */
  readonly items: readonly Item<Row>[]
}

/** Returns the new ones. A true end takes the place of an abandoned one, never the reverse. */
export async function landSpans(
  client: Client,
  landing: Landing<SpanRow>,
): Promise<Item<SpanRow>[]> {
  return landRows(client, landing, {
    table: 'spans',
    columns: spanColumns,
    key: ['trace_id', 'span_id', 'start_time'],
    returned: `trace_id || ' ' || span_id || ' ' || start_unix_nano`,
    returnedOf: (row) => `${row.trace_id} ${row.span_id} ${row.start_unix_nano}`,
  })
}

/** As `landSpans`. */
export async function landLogs(client: Client, landing: Landing<LogRow>): Promise<Item<LogRow>[]> {
  return landRows(client, landing, {
    table: 'log_records',
    columns: logColumns,
    key: ['record_key', 'time'],
    returned: `record_key || ' ' || time_unix_nano`,
    returnedOf: (row) => `${row.record_key} ${row.time_unix_nano}`,
  })
}

/** Returns how many rows are new. */
export async function landPoints(
  client: Client,
  { teamId, items }: Landing<PointRow>,
): Promise<number> {
  const returned = await insertRows<Item<PointRow>>(client, {
    table: 'metric_points',
    columns: ['team_id', ...pointColumns],
    rows: inKeyOrder(items),
    valuesOf: ({ row }) => [teamId, ...pointColumns.map((column) => row[column])],
    bytesOf: ({ row }) => bytesPerNumber * (row.bucket_counts?.length ?? 0),
    conflict: 'on conflict (stream_sha256, time, point_sha256, team_id) do nothing returning true',
  })
  return returned.length
}

/** About what a number takes in the text of an array. */
const bytesPerNumber = 16

function inKeyOrder<Row>(items: readonly Item<Row>[]): Item<Row>[] {
  return [...items].sort((left, right) => (left.key < right.key ? -1 : 1))
}

async function landRows<Row extends object>(
  client: Client,
  { teamId, items }: Landing<Row>,
  {
    table,
    columns,
    key,
    returned,
    returnedOf,
  }: {
    readonly table: string
    readonly columns: readonly (keyof Row & string)[]
    readonly key: readonly string[]
    /** What tells the rows of a batch apart: in SQL, and here. */
    readonly returned: string
    readonly returnedOf: (row: Row) => string
  },
): Promise<Item<Row>[]> {
  const replaced = columns.filter((column) => !key.includes(column))
  const landed = await insertRows<Item<Row>, { id: string; is_new: boolean }>(client, {
    table,
    columns: ['team_id', ...columns],
    rows: inKeyOrder(items),
    valuesOf: ({ row }) => [teamId, ...columns.map((column) => row[column])],
    conflict: `
      on conflict (${key.join(', ')}, team_id) do update
         set ${replaced.map((column) => `${column} = excluded.${column}`).join(', ')},
             replaced_at = now()
       where ${table}.abandoned and not excluded.abandoned
      returning ${returned} as id, replaced_at is null as is_new`,
  })
  const fresh = new Set(landed.filter((row) => row.is_new).map(({ id }) => id))
  return items.filter(({ row }) => fresh.has(returnedOf(row)))
}
