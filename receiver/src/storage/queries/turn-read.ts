/** What the queries of a turn's page have in common: which turn is read, and how much of it. */
import type { Database } from '../database.ts'

export interface TurnRead {
  readonly teamId: string
  readonly traceId: string
  /** Characters of each content. */
  readonly lengthMax: number
  readonly rowsMax: number
}

/** A query by team (`$1`) and trace (`$2`), of contents up to a length (`$3`) and some rows (`$4`). */
export function queryOfTurn<Row extends object>(text: string) {
  return (database: Database, { teamId, traceId, lengthMax, rowsMax }: TurnRead): Promise<Row[]> =>
    database.query<Row>(text, [teamId, traceId, lengthMax, rowsMax])
}
