/** What was observed in these sessions, by the last self-check of each? */
import { asArray, asObject, asString, parseJson } from '@turnlog/conventions/plain'
import type { Database } from '../database.ts'

export interface LastSelfCheck {
  readonly sessionId: string
  readonly bound: readonly string[]
  /** The parts that are not observed, each with the reason. */
  readonly notBound: readonly (readonly [part: string, reason: string])[]
  readonly versions: readonly (readonly [name: string, version: string])[]
}

interface Row {
  readonly sessionId: string
  readonly bound: unknown
  readonly notBound: string | null
  readonly versions: string | null
}

const text = `
  select distinct on (session_id) session_id as "sessionId", bound, not_bound as "notBound", versions
    from self_checks
   where team_id = $1 and session_id = any ($2)   -- index: log_records_by_session
   order by session_id, checked_at desc`

export async function lastSelfChecks(
  database: Database,
  { teamId, sessions }: { readonly teamId: string; readonly sessions: readonly string[] },
): Promise<readonly LastSelfCheck[]> {
  const rows = await database.query<Row>(text, [teamId, sessions])
  return rows.map(({ sessionId, bound, notBound, versions }) => ({
    sessionId,
    bound: (asArray(bound) ?? []).flatMap((part) => asString(part) ?? []),
    notBound: pairsOf(notBound),
    versions: pairsOf(versions),
  }))
}

/** Clients may send anything. */
function pairsOf(json: string | null): readonly (readonly [string, string])[] {
  const members = Object.entries(asObject(parseJson(json ?? '')) ?? {})
  return members.flatMap(([name, value]) => {
    const text = asString(value)
    return text === undefined ? [] : [[name, text] as const]
  })
}
