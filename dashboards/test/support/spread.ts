/**
 * Copies the landed records, with new ids, to every day of a month, each with its partitions, as after a month with a
 * receiver. With so many rows PostgreSQL makes realistic plans; on a few rows it takes any plan.
 */
import { type Database, ensurePartitions } from '@turnlog/receiver/storage'

const days = 30
const copiesPerDay = 6

const spans = `
  insert into spans
  select copied.*
    from (select * from spans order by start_time desc limit 200) s
   cross join generate_series(1, $1::int * $2::int) number
   cross join make_interval(days => number % $1::int) back
   cross join jsonb_populate_record(null::spans, to_jsonb(s) || jsonb_build_object(
           'trace_id', md5(s.trace_id || number),
           'span_id', left(md5(s.span_id || number), 16),
           'parent_span_id', left(md5(s.parent_span_id || number), 16),
           'session_id', s.session_id || number,
           'recorder_id', s.recorder_id || number,
           'file_operation_id', s.file_operation_id || number,
           'start_time', s.start_time - back,
           'end_time', s.end_time - back)) copied
   where s.start_time - back > now() - make_interval(days => $1::int)`

const logs = `
  insert into log_records
  select copied.*
    from (select * from log_records order by time desc limit 100) l
   cross join generate_series(1, $1::int * $2::int) number
   cross join make_interval(days => number % $1::int) back
   cross join jsonb_populate_record(null::log_records, to_jsonb(l) || jsonb_build_object(
           'body', '', 'record_key', l.record_key || number,
           'trace_id', md5(l.trace_id || number),
           'span_id', left(md5(l.span_id || number), 16),
           'session_id', l.session_id || number,
           'recorder_id', l.recorder_id || number,
           'file_operation_id', l.file_operation_id || number,
           'time', l.time - back)) copied
   where l.time - back > now() - make_interval(days => $1::int)`

const sessions = `
  insert into session_lifetimes
  select team_id, session_id, max(user_id), max(service_name), min(start_time), max(start_time)
    from spans
   group by team_id, session_id
  on conflict do nothing`

export async function spread(database: Database): Promise<void> {
  await database.query(spans, [days, copiesPerDay])
  await database.query(logs, [days, copiesPerDay])
  await ensurePartitions(database, new Date())
  await database.query(sessions)
  await database.query('vacuum analyze')
}
