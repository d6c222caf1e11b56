/** What is known of recorders and sessions, kept up with every batch. Bringing the same again changes nothing. */
import type { Item, RecorderRow, Reject, SessionOrigin } from '../../otlp/rows/batch.ts'
import type { Client } from '../database.ts'
import { insertRows } from './insert.ts'

type Record = Item<{
  readonly recorder_id: string | null
  readonly sequence: bigint | null
  readonly session_id: string | null
  readonly user_id: string | null
  readonly service_name: string | null
}>

interface Landing {
  readonly teamId: string
  readonly items: readonly Record[]
  readonly recorders: readonly RecorderRow[]
  readonly rejects: readonly Reject[]
}

interface RecorderState extends RecorderRow {
  startedAt: string | null
  endedAt: string | null
  isEndAbandoned: boolean | null
  exitCode: bigint | null
  lastSequence: bigint | null
}

/** Only who numbers records, or says how many there are, is a recorder; other SDKs' instances are not kept. */
export async function landRecorders(client: Client, landing: Landing): Promise<void> {
  const states = recorderStates(landing)
  await insertRows(client, {
    table: 'recorders',
    columns: [
      'team_id',
      'recorder_id',
      'session_id',
      'user_id',
      'service_name',
      'service_version',
      'resource',
      'recorded_through',
      'last_sequence',
      'started_at',
      'ended_at',
      'is_end_abandoned',
      'exit_code',
    ],
    rows: states,
    valuesOf: (state) => [
      landing.teamId,
      state.recorderId,
      state.sessionId,
      state.userId,
      state.serviceName,
      state.serviceVersion,
      state.resource,
      state.recordedThrough,
      state.lastSequence,
      state.startedAt,
      state.endedAt,
      state.isEndAbandoned,
      state.exitCode,
    ],
    // An end is taken when there is none yet, or when a true one comes after an abandoned one.
    conflict: `
      on conflict (team_id, recorder_id) do update
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

function recorderStates({ items, recorders, rejects }: Landing): RecorderState[] {
  const states = new Map<string, RecorderState>()
  const numbering = new Set<string | null>()
  for (const { row } of items) if (row.sequence !== null) numbering.add(row.recorder_id)
  for (const reject of rejects) if (reject.sequence !== null) numbering.add(reject.recorderId)
  for (const recorder of recorders) {
    const { recorderId, recordedThrough } = recorder
    if (recordedThrough === null && !numbering.has(recorderId)) continue
    const known = states.get(recorderId)
    states.set(recorderId, {
      ...recorder,
      recordedThrough: greatest(known?.recordedThrough ?? null, recordedThrough),
      startedAt: null,
      endedAt: null,
      isEndAbandoned: null,
      exitCode: null,
      lastSequence: null,
    })
  }
  for (const { row, news } of items) {
    const state = row.recorder_id === null ? undefined : states.get(row.recorder_id)
    if (state === undefined || news === undefined) continue
    if (news.startedAt !== undefined) state.startedAt = earliest(state.startedAt, news.startedAt)
    if (news.endedAt === undefined) continue
    state.lastSequence = greatest(state.lastSequence, news.lastSequence ?? null)
    if (state.endedAt !== null && !(state.isEndAbandoned && !news.isEndAbandoned)) continue
    state.endedAt = news.endedAt
    state.isEndAbandoned = news.isEndAbandoned ?? false
    state.exitCode = news.exitCode ?? null
  }
  return [...states.values()].sort((left, right) => (left.recorderId < right.recorderId ? -1 : 1))
}

function greatest(left: bigint | null, right: bigint | null): bigint | null {
  if (left === null || right === null) return left ?? right
  return left > right ? left : right
}

function earliest(left: string | null, right: string): string {
  return left !== null && left < right ? left : right
}

interface SessionState {
  readonly sessionId: string
  userId: string | null
  serviceName: string | null
  first: string
  last: string
  startedAt: string | null
  endedAt: string | null
  exitCode: bigint | null
  origin: SessionOrigin
}

/** The first and last record of each session that is named, and what its `session.start` and `session.end` say. */
export async function landSessions(
  client: Client,
  { teamId, items }: Omit<Landing, 'recorders' | 'rejects'>,
): Promise<void> {
  await insertRows(client, {
    table: 'session_lifetimes',
    columns: [
      'team_id',
      'session_id',
      'user_id',
      'service_name',
      'first_time',
      'last_time',
      'started_at',
      'ended_at',
      'exit_code',
      'service_version',
      'resource',
    ],
    rows: sessionStates(items).sort((left, right) => (left.sessionId < right.sessionId ? -1 : 1)),
    valuesOf: (session) => [
      teamId,
      session.sessionId,
      session.userId,
      session.serviceName,
      session.first,
      session.last,
      session.startedAt,
      session.endedAt,
      session.exitCode,
      session.origin.serviceVersion,
      session.origin.small(),
    ],
    // The first start that is told counts, as of a recorder; and the last end, of several processes.
    conflict: `
      on conflict (team_id, session_id) do update
         set first_time = least(session_lifetimes.first_time, excluded.first_time),
             last_time = greatest(session_lifetimes.last_time, excluded.last_time),
             user_id = coalesce(session_lifetimes.user_id, excluded.user_id),
             service_name = coalesce(session_lifetimes.service_name, excluded.service_name),
             started_at = least(session_lifetimes.started_at, excluded.started_at),
             ended_at = greatest(session_lifetimes.ended_at, excluded.ended_at),
             exit_code = case when excluded.ended_at > coalesce(session_lifetimes.ended_at, '-infinity')
                              then excluded.exit_code else session_lifetimes.exit_code end,
             service_version = ${byWhomStarted('service_version')},
             resource = ${byWhomStarted('resource')}
       where excluded.first_time < session_lifetimes.first_time
          or excluded.last_time > session_lifetimes.last_time
          or excluded.started_at < coalesce(session_lifetimes.started_at, 'infinity')
          or excluded.ended_at > coalesce(session_lifetimes.ended_at, '-infinity')
          or (session_lifetimes.user_id is null and excluded.user_id is not null)
          or (session_lifetimes.service_name is null and excluded.service_name is not null)`,
  })
}

/** What came with a start counts before what came without. */
function byWhomStarted(column: string): string {
  const [known, said] = [`session_lifetimes.${column}`, `excluded.${column}`]
  return `case when session_lifetimes.started_at is null and excluded.started_at is not null
                  then coalesce(${said}, ${known}) else coalesce(${known}, ${said}) end`
}

function sessionStates(items: readonly Record[]): SessionState[] {
  const sessions = new Map<string, SessionState>()
  for (const { row, time, origin, news } of items) {
    if (row.session_id === null) continue
    const session = sessions.get(row.session_id) ?? {
      sessionId: row.session_id,
      userId: row.user_id,
      serviceName: row.service_name,
      first: time,
      last: time,
      startedAt: null,
      endedAt: null,
      exitCode: null,
      origin,
    }
    sessions.set(row.session_id, session)
    session.userId ??= row.user_id
    session.serviceName ??= row.service_name
    if (time < session.first) session.first = time
    if (time > session.last) session.last = time
    if (news?.endedAt !== undefined && news.endedAt > (session.endedAt ?? '')) {
      session.endedAt = news.endedAt
      session.exitCode = news.exitCode ?? null
    }
    if (news?.startedAt === undefined) continue
    if (session.startedAt === null) session.origin = origin
    session.startedAt = earliest(session.startedAt, news.startedAt)
  }
  return [...sessions.values()]
}
