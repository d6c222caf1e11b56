/** Many rows in few statements. */
import type { Client } from '../database.ts'

/** PostgreSQL takes 65 535 parameters a statement. Shorter statements are parsed faster. */
const parametersMax = 20_000
/** Bytes of parameters a statement, as far as the caller knows them: they are copied twice on their way. */
const bytesMax = 8 * 1024 ** 2

export interface Insertion<Row> {
  readonly table: string
  /** Column names, in the order of `valuesOf`. */
  readonly columns: readonly string[]
  /** Sorted by key: two transactions that insert in different orders would wait for each other. */
  readonly rows: readonly Row[]
  valuesOf(row: Row): readonly unknown[]
  bytesOf?(row: Row): number
  /** `on conflict …`, and `returning …` if anything is to come back. */
  readonly conflict: string
}

/** Names come from this folder, never from a client. */
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
