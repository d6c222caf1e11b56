/** What is known of recorders and sessions, brought up to date with every batch. Landing the same batch again changes nothing. */
import type {
  Item,
  NamedRecorder,
  RecorderRow,
  Reject,
  SessionOrigin,
  SessionRow,
} from '../../otlp/rows/batch.ts'
import { recorders, sessionLifetimes } from '../../otlp/rows/columns.ts'
import type { Client } from '../database.ts'
import { insertRows } from './insert.ts'

type OriginItem = Item<
  Pick<RecorderRow, 'session_id' | 'user_id' | 'service_name'> & {
    readonly recorder_id: string | null
    readonly sequence: bigint | null
  }
>

interface Landing {
  readonly teamId: string
  readonly items: readonly OriginItem[]
  readonly recorders: readonly NamedRecorder[]
  readonly rejects: readonly Reject[]
}

type Mutable<Row> = { -readonly [Name in keyof Row]: Row[Name] }

/**
 * Only an instance that numbers its records, or says how many there are, is a recorder; those of other SDKs are not
 * stored.
 */
export async function landRecorders(client: Client, landing: Landing): Promise<void> {
  await insertRows(client, recorders, {
    teamId: landing.teamId,
    rows: recorderRows(landing),
    // An end is taken when there is none yet, or when a true one comes after an abandoned one.
    onConflict: `do update
         set session_id = coalesce(recorders.session_id, excluded.session_id),
             user_id = coalesce(recorders.user_id, excluded.user_id),
             service_name = coalesce(recorders.service_name, excluded.service_name),
             service_version = coalesce(recorders.service_version, excluded.service_version),
             recorded_through = greatest(recorders.recorded_through, excluded.recorded_through),
             last_sequence = greatest(recorders.last_sequence, excluded.last_sequence),
             started_at = least(recorders.started_at, excluded.started_at),
             ended_at = case when ${takesEnd} then excluded.ended_at else recorders.ended_at end,
             exit_code = case when ${takesEnd} then excluded.exit_code else recorders.exit_code end,
             is_end_abandoned =
               case when ${takesEnd} then excluded.is_end_abandoned else recorders.is_end_abandoned end,
             last_seen_at = now()`,
  })
}

const takesEnd = `excluded.ended_at is not null and (
  recorders.ended_at is null or (recorders.is_end_abandoned and not excluded.is_end_abandoned))`

function recorderRows({ items, recorders, rejects }: Landing): RecorderRow[] {
  const rows = new Map<string, Mutable<RecorderRow>>()
  const numbering = new Set<string | null>()
  for (const { row } of items) if (row.sequence !== null) numbering.add(row.recorder_id)
  for (const reject of rejects) if (reject.sequence !== null) numbering.add(reject.recorderId)
  for (const named of recorders) {
    const { recorder_id: id, recorded_through } = named
    if (recorded_through === null && !numbering.has(id)) continue
    rows.set(id, {
      ...named,
      recorded_through: greatest(rows.get(id)?.recorded_through ?? null, recorded_through),
      started_at: null,
      ended_at: null,
      is_end_abandoned: null,
      exit_code: null,
      last_sequence: null,
    })
  }
  for (const { row, news } of items) {
    const recorder = row.recorder_id === null ? undefined : rows.get(row.recorder_id)
    if (recorder === undefined || news === undefined) continue
    if (news.startedAt !== undefined) {
      recorder.started_at = earliest(recorder.started_at, news.startedAt)
    }
    if (news.endedAt === undefined) continue
    recorder.last_sequence = greatest(recorder.last_sequence, news.lastSequence ?? null)
    if (recorder.ended_at !== null && !(recorder.is_end_abandoned && !news.isEndAbandoned)) continue
    recorder.ended_at = news.endedAt
    recorder.is_end_abandoned = news.isEndAbandoned ?? false
    recorder.exit_code = news.exitCode ?? null
  }
  return [...rows.values()].sort((left, right) => (left.recorder_id < right.recorder_id ? -1 : 1))
}

function greatest(left: bigint | null, right: bigint | null): bigint | null {
  if (left === null || right === null) return left ?? right
  return left > right ? left : right
}

function earliest(left: string | null, right: string): string {
  return left !== null && left < right ? left : right
}

/** The first and last record of each session that is named, and what its `session.start` and `session.end` say. */
export async function landSessions(
  client: Client,
  { teamId, items }: Pick<Landing, 'teamId' | 'items'>,
): Promise<void> {
  await insertRows(client, sessionLifetimes, {
    teamId,
    rows: sessionRows(items),
    // Of several starts the first counts, as for a recorder; of the ends of several processes the last.
    onConflict: `do update
         set first_time = least(session_lifetimes.first_time, excluded.first_time),
             last_time = greatest(session_lifetimes.last_time, excluded.last_time),
             user_id = coalesce(session_lifetimes.user_id, excluded.user_id),
             service_name = coalesce(session_lifetimes.service_name, excluded.service_name),
             started_at = least(session_lifetimes.started_at, excluded.started_at),
             ended_at = greatest(session_lifetimes.ended_at, excluded.ended_at),
             exit_code = case when excluded.ended_at > coalesce(session_lifetimes.ended_at, '-infinity')
                              then excluded.exit_code else session_lifetimes.exit_code end,
             service_version = ${fromFirstStart('service_version')},
             resource = ${fromFirstStart('resource')}
       where excluded.first_time < session_lifetimes.first_time
          or excluded.last_time > session_lifetimes.last_time
          or excluded.started_at < coalesce(session_lifetimes.started_at, 'infinity')
          or excluded.ended_at > coalesce(session_lifetimes.ended_at, '-infinity')
          or (session_lifetimes.user_id is null and excluded.user_id is not null)
          or (session_lifetimes.service_name is null and excluded.service_name is not null)`,
  })
}

/** A value that came with a start is preferred to one that came without. */
function fromFirstStart(column: string): string {
  const [stored, sent] = [`session_lifetimes.${column}`, `excluded.${column}`]
  return `case when session_lifetimes.started_at is null and excluded.started_at is not null
                  then coalesce(${sent}, ${stored}) else coalesce(${stored}, ${sent}) end`
}

interface SessionState {
  readonly row: Mutable<Omit<SessionRow, 'service_version' | 'resource'>>
  /** Read once per session, when all records have been seen. */
  origin: SessionOrigin
}

function sessionRows(items: readonly OriginItem[]): SessionRow[] {
  const sessions = new Map<string, SessionState>()
  for (const item of items) {
    const { session_id } = item.row
    if (session_id === null) continue
    const session = sessions.get(session_id) ?? newSession(session_id, item)
    sessions.set(session_id, session)
    addToSession(session, item)
  }
  return [...sessions.values()]
    .map(({ row, origin }) => ({
      ...row,
      service_version: origin.serviceVersion,
      resource: origin.small(),
    }))
    .sort((left, right) => (left.session_id < right.session_id ? -1 : 1))
}

function newSession(session_id: string, { row, time, origin }: OriginItem): SessionState {
  return {
    row: {
      session_id,
      user_id: row.user_id,
      service_name: row.service_name,
      first_time: time,
      last_time: time,
      started_at: null,
      ended_at: null,
      exit_code: null,
    },
    origin,
  }
}

function addToSession(session: SessionState, { row, time, origin, news }: OriginItem): void {
  const known = session.row
  known.user_id ??= row.user_id
  known.service_name ??= row.service_name
  if (time < known.first_time) known.first_time = time
  if (time > known.last_time) known.last_time = time
  if (news?.endedAt !== undefined && news.endedAt > (known.ended_at ?? '')) {
    known.ended_at = news.endedAt
    known.exit_code = news.exitCode ?? null
  }
  if (news?.startedAt === undefined) return
  if (known.started_at === null) session.origin = origin
  known.started_at = earliest(known.started_at, news.startedAt)
}
