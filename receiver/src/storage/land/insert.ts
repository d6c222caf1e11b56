/** Inserts many rows in few statements. */
import type { Table } from '../../otlp/rows/columns.ts'
import type { Client } from '../database.ts'

/** PostgreSQL accepts 65 535 parameters a statement; shorter statements are parsed faster. */
const parametersMax = 20_000
/** Bytes of parameters a statement, as far as the caller knows them: the driver copies them twice. */
const bytesMax = 8 * 1024 ** 2

export interface Insertion<Row> {
  readonly table: string
  /** Column names, in the order of `valuesOf`. */
  readonly columns: readonly string[]
  /** Sorted by key: two transactions that insert in different orders may deadlock. */
  readonly rows: readonly Row[]
  valuesOf(row: Row): readonly unknown[]
  bytesOf?(row: Row): number
  /** `on conflict …`, and `returning …` where rows are to be returned. */
  readonly conflict: string
}

/** The names of table and columns are put into the statement: they must never come from a client. */
export async function insertRows<Row, Returned extends object = object>(
  client: Client,
  insertion: Insertion<Row>,
): Promise<Returned[]> {
  const { table, columns, conflict, valuesOf } = insertion
  const returned: Returned[] = []
  for (const rows of chunksOf(insertion)) {
    const parameters: unknown[] = []
    const tuples = rows.map((row) => {
      const places = valuesOf(row).map((value) => `$${parameters.push(value)}`)
      return `(${places.join(',')})`
    })
    const text = `insert into ${table} (${columns.join(', ')}) values ${tuples.join(',')} ${conflict}`
    for (const row of await client.query<Returned>(text, parameters)) returned.push(row)
  }
  return returned
}

/** `insertRows` for a declared table; `onConflict` is what follows `on conflict (its key)`. */
export async function insertInto<
  Columns,
  Row extends { readonly [Name in keyof Columns]: unknown },
  Returned extends object = object,
>(
  client: Client,
  { name, key, names }: Table<Columns>,
  options: {
    readonly teamId: string
    readonly rows: readonly Row[]
    bytesOf?(row: Row): number
    readonly onConflict: string
  },
): Promise<Returned[]> {
  const { teamId, onConflict, ...rest } = options
  return insertRows<Row, Returned>(client, {
    ...rest,
    table: name,
    columns: ['team_id', ...names],
    valuesOf: (row) => [teamId, ...names.map((column) => row[column])],
    conflict: `on conflict (${key.join(', ')}, team_id) ${onConflict}`,
  })
}

function* chunksOf<Row>({ rows, columns, bytesOf }: Insertion<Row>): Generator<Row[]> {
  const rowsMax = Math.floor(parametersMax / columns.length)
  let chunk: Row[] = []
  let bytes = 0
  for (const row of rows) {
    chunk.push(row)
    bytes += bytesOf?.(row) ?? 0
    if (chunk.length < rowsMax && bytes < bytesMax) continue
    yield chunk
    chunk = []
    bytes = 0
  }
  if (chunk.length > 0) yield chunk
}
