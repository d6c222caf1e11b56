/** Which answer an error of the database calls for. Pure. */
import { errorCode } from '@turnlog/conventions/plain'

export type Failure =
  /** The data is refused, and would be refused again. */
  | { readonly kind: 'data'; readonly sqlState: string }
  /** The transaction was ended in favour of another one, and can be repeated at once. */
  | { readonly kind: 'conflict'; readonly sqlState: string }
  /** Everything else: down, full, read-only, slow, restarting. It may recover, so the client should repeat the request. */
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
  const code = errorCode(error)
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) ? code : undefined
}
