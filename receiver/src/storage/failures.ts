/** What an error of the database means for who sent the data. Pure. */

export type Failure =
  /** The data itself; the same data will fail again. */
  | { readonly kind: 'data'; readonly sqlState: string }
  /** Ended in favour of another transaction; at once again. */
  | { readonly kind: 'conflict'; readonly sqlState: string }
  /** Everything else: down, full, read-only, slow, restarting. It can heal, so the client shall come again. */
  | { readonly kind: 'unwell'; readonly sqlState: string | undefined }

/** SQLSTATE classes: data exception, integrity constraint violation, program limit exceeded. */
const dataClasses = new Set(['22', '23', '54'])
/** Serialization failure, deadlock. */
const conflicts = new Set(['40001', '40P01'])

export function failureOf(error: unknown): Failure {
  const sqlState = sqlStateOf(error)
  if (sqlState === undefined) return { kind: 'unwell', sqlState }
  if (conflicts.has(sqlState)) return { kind: 'conflict', sqlState }
  if (dataClasses.has(sqlState.slice(0, 2))) return { kind: 'data', sqlState }
  return { kind: 'unwell', sqlState }
}

function sqlStateOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined
}
