/** Inserts many rows in few statements. */
import type { Client } from '../database.ts'

/** PostgreSQL accepts 65 535 parameters a statement; shorter statements are parsed faster. */
const parametersMax = 20_000
/** Bytes of parameters a statement, as far as the caller knows them: the driver copies them twice. */
const bytesMax = 8 * 1024 ** 2

interface Insertion<Row> {
  /** Of all rows: it is the first column of every table. */
  readonly teamId: string
  /** Sorted by key: two transactions that insert in different orders may deadlock. */
  readonly rows: readonly Row[]
  bytesOf?(row: Row): number
  /** What follows `on conflict (…)`, with `returning …` where rows are to be returned. */
  readonly onConflict: string
}

interface Target<Row> {
  readonly name: string
  /** The columns to insert, which are members of the rows. */
  readonly names: readonly (keyof Row & string)[]
  /** The primary key without `team_id`. */
  readonly key: readonly string[]
}

/** The names of table and columns are put into the statement: they must never come from a client. */
export async function insertRows<Row extends object, Returned extends object = object>(
  client: Client,
  { name, names, key }: Target<Row>,
  insertion: Insertion<Row>,
): Promise<Returned[]> {
  const { teamId, onConflict } = insertion
  const returned: Returned[] = []
  for (const rows of chunksOf(insertion, names.length + 1)) {
    const parameters: unknown[] = [teamId]
    const tuples = rows.map((row) => {
      const values = names.map((column) => `$${parameters.push(row[column])}`)
      return `($1,${values.join(',')})`
    })
    const text = `insert into ${name} (team_id, ${names.join(', ')}) values ${tuples.join(',')}
      on conflict (team_id, ${key.join(', ')}) ${onConflict}`
    for (const row of await client.query<Returned>(text, parameters)) returned.push(row)
  }
  return returned
}

function* chunksOf<Row>(
  { rows, bytesOf }: Insertion<Row>,
  parametersPerRow: number,
): Generator<Row[]> {
  const rowsMax = Math.floor(parametersMax / parametersPerRow)
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
