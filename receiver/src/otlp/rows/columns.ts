/**
 * The tables that the rows of a batch are inserted into, with each column declared once, as in `create table`. The types
 * of the rows, the column lists of the inserts, and the keys they conflict on come from here; a test compares all of it
 * with the database.
 *
 * `team_id` is the same for a whole batch: it is part of every table and every key, and of no row.
 */

/** The types of PostgreSQL that are used, and of what type a parameter of each is. */
interface ParameterTypes {
  readonly text: string
  readonly integer: number
  readonly bigint: bigint
  readonly boolean: boolean
  readonly 'double precision': number
  readonly bytea: Buffer
  /** ISO 8601 with microseconds, which a `Date` cannot hold. */
  readonly timestamptz: string
  /** JSON text. */
  readonly jsonb: string
  readonly 'bigint[]': readonly bigint[]
  readonly 'double precision[]': readonly number[]
}
type SqlType = keyof ParameterTypes
type Column = SqlType | `${SqlType} not null`
type Columns = Readonly<Record<string, Column>>

type ParameterOf<Declared> = Declared extends SqlType
  ? ParameterTypes[Declared] | null
  : Declared extends `${infer Type extends SqlType} not null`
    ? ParameterTypes[Type]
    : never

/** A row of these columns. `Narrower` gives columns a type of which PostgreSQL has none, such as one of a few texts. */
export type RowOf<TableColumns, Narrower = object> = {
  readonly [Name in keyof TableColumns]: Name extends keyof Narrower
    ? Narrower[Name]
    : ParameterOf<TableColumns[Name]>
}

export interface Table<TableColumns = Columns> {
  readonly name: string
  /** The primary key without `team_id`. */
  readonly key: readonly (keyof TableColumns & string)[]
  readonly columns: TableColumns
  /** The names of `columns`, in one order for all inserts. */
  readonly names: readonly (keyof TableColumns & string)[]
  /** Columns that have a default, or are set by a statement: no row has them. */
  readonly setInDatabase: readonly string[]
}

function table<const TableColumns extends Columns>(
  declared: Omit<Table<TableColumns>, 'names'>,
): Table<TableColumns> {
  const names = Object.keys(declared.columns) as (keyof TableColumns & string)[]
  return { ...declared, names }
}

const ofAll = {
  flags: 'bigint not null',
  service_name: 'text',
  session_id: 'text',
  user_id: 'text',
  recorder_id: 'text',
  attributes: 'jsonb not null',
  resource: 'jsonb not null',
  scope: 'jsonb not null',
} as const satisfies Columns

const ofSpansAndLogs = {
  ...ofAll,
  sequence: 'bigint',
  conversation_id: 'text',
  file_path: 'text',
  file_operation_id: 'text',
  error_type: 'text',
  abandoned: 'boolean not null',
  dropped_counts: 'jsonb',
} as const satisfies Columns

export const spans = table({
  name: 'spans',
  key: ['trace_id', 'span_id', 'start_time'],
  columns: {
    ...ofSpansAndLogs,
    trace_id: 'text not null',
    span_id: 'text not null',
    start_time: 'timestamptz not null',
    end_time: 'timestamptz',
    start_unix_nano: 'bigint not null',
    end_unix_nano: 'bigint',
    parent_span_id: 'text',
    trace_state: 'text',
    name: 'text not null',
    kind: 'integer not null',
    status_code: 'integer not null',
    status_message: 'text',
    operation: 'text',
    agent_name: 'text',
    tool_name: 'text',
    tool_call_id: 'text',
    request_model: 'text',
    response_model: 'text',
    input_tokens: 'bigint',
    output_tokens: 'bigint',
    cache_read_tokens: 'bigint',
    cache_write_tokens: 'bigint',
    reasoning_tokens: 'bigint',
    file_operation_type: 'text',
    events: 'jsonb',
    links: 'jsonb',
  },
  setInDatabase: ['landed_at', 'replaced_at'],
})

export const logRecords = table({
  name: 'log_records',
  key: ['record_key', 'time'],
  columns: {
    ...ofSpansAndLogs,
    record_key: 'text not null',
    time: 'timestamptz not null',
    time_unix_nano: 'bigint not null',
    observed_time: 'timestamptz',
    event_name: 'text',
    severity_number: 'integer not null',
    severity_text: 'text',
    body: 'jsonb not null',
    trace_id: 'text',
    span_id: 'text',
  },
  setInDatabase: ['landed_at', 'replaced_at'],
})

export const metricPoints = table({
  name: 'metric_points',
  key: ['stream_sha256', 'time', 'point_sha256'],
  columns: {
    ...ofAll,
    stream_sha256: 'bytea not null',
    point_sha256: 'bytea not null',
    time: 'timestamptz not null',
    time_unix_nano: 'bigint not null',
    start_time: 'timestamptz',
    start_unix_nano: 'bigint',
    name: 'text not null',
    description: 'text',
    unit: 'text',
    kind: 'text not null',
    temporality: 'text',
    monotonic: 'boolean',
    value: 'double precision',
    value_integer: 'bigint',
    count: 'bigint',
    sum: 'double precision',
    min: 'double precision',
    max: 'double precision',
    bucket_counts: 'bigint[]',
    bucket_bounds: 'double precision[]',
    exponential: 'jsonb',
    quantiles: 'jsonb',
    exemplars: 'jsonb',
    metadata: 'jsonb',
  },
  setInDatabase: ['landed_at'],
})

export const recorders = table({
  name: 'recorders',
  key: ['recorder_id'],
  columns: {
    recorder_id: 'text not null',
    session_id: 'text',
    user_id: 'text',
    service_name: 'text',
    service_version: 'text',
    resource: 'jsonb',
    recorded_through: 'bigint',
    last_sequence: 'bigint',
    started_at: 'timestamptz',
    ended_at: 'timestamptz',
    is_end_abandoned: 'boolean',
    exit_code: 'bigint',
  },
  setInDatabase: ['first_seen_at', 'last_seen_at'],
})

export const sessionLifetimes = table({
  name: 'session_lifetimes',
  key: ['session_id'],
  columns: {
    session_id: 'text not null',
    user_id: 'text',
    service_name: 'text',
    first_time: 'timestamptz not null',
    last_time: 'timestamptz not null',
    started_at: 'timestamptz',
    ended_at: 'timestamptz',
    exit_code: 'bigint',
    service_version: 'text',
    resource: 'jsonb',
  },
  setInDatabase: [],
})

export const tables = [spans, logRecords, metricPoints, recorders, sessionLifetimes]
