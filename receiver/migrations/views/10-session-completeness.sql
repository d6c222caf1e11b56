-- What a recorder noticed and could not record, as functions, so that only a query that asks for it pays for it. The times of the
-- session bound the partitions that are read.
create or replace function turnlog_unseen(team text, session text, recorder text) returns bigint
language sql stable parallel safe
return (
  select sum(turnlog_integer(u.attributes -> 'turnlog.unseen.count'))::bigint
    from session_lifetimes s
    join log_records u   -- index: log_records_by_session
      on u.time between s.first_time and s.last_time
     and u.team_id = team and u.session_id = session and u.event_name = 'turnlog.unseen'
   where s.team_id = team and s.session_id = session and u.recorder_id = recorder);

create or replace function turnlog_unseen_by_reason(team text, session text, recorder text) returns jsonb
language sql stable parallel safe
return (
  select jsonb_object_agg(reason, n)
    from (
      select coalesce(u.attributes ->> 'turnlog.unseen.reason', 'unknown') as reason,
             sum(turnlog_integer(u.attributes -> 'turnlog.unseen.count'))::bigint as n
        from session_lifetimes s
        join log_records u   -- index: log_records_by_session
          on u.time between s.first_time and s.last_time
         and u.team_id = team and u.session_id = session and u.event_name = 'turnlog.unseen'
       where s.team_id = team and s.session_id = session and u.recorder_id = recorder
       group by 1
    ) c);

-- Whether the session is of a version that tells what it did not see: it has a self-check.
create or replace function turnlog_tells_unseen(team text, session text) returns boolean
language sql stable parallel safe
return exists (
  select
    from session_lifetimes s
    join log_records c   -- index: log_records_by_session
      on c.time between s.first_time and s.last_time
     and c.team_id = team and c.session_id = session
     and c.event_name in ('session.start', 'turnlog.self_check')
   where s.team_id = team and s.session_id = session
     and c.attributes ? 'turnlog.self_check.bound');

create or replace view session_completeness with (security_invoker = true) as
select r.team_id, r.session_id, r.recorder_id, r.user_id, r.service_name, n.recorded,
       turnlog_count(n.landed) as landed,
       turnlog_count(n.rejected - n.landed) as rejected,
       turnlog_count(n.dropped - n.landed - n.rejected) as dropped,
       turnlog_count(n.missing) as missing,
       n.missing as missing_sequences,
       r.ended_at is not null as ended,
       r.last_seen_at,
       coalesce(turnlog_unseen(r.team_id, r.session_id, r.recorder_id),
                case when turnlog_tells_unseen(r.team_id, r.session_id) then 0 end) as unseen,
       coalesce(turnlog_unseen_by_reason(r.team_id, r.session_id, r.recorder_id),
                case when turnlog_tells_unseen(r.team_id, r.session_id) then '{}'::jsonb end) as unseen_by_reason
  from recorders r
  cross join lateral (
    select coalesce(range_agg(g.sequences) filter (where g.state = 'landed'), '{}') as landed,
           coalesce(range_agg(g.sequences) filter (where g.state = 'rejected'), '{}') as rejected,
           coalesce(range_agg(g.sequences) filter (where g.state = 'dropped'), '{}') as dropped,
           greatest(r.recorded_through, r.last_sequence, max(upper(g.sequences)) - 1) as recorded
      from ledger g
     where g.team_id = r.team_id and g.recorder_id = r.recorder_id
  ) g
  cross join lateral (
    select g.*,
           case when g.recorded is not null
                then int8multirange(int8range(1, g.recorded + 1)) - g.landed - g.rejected - g.dropped
           end as missing
  ) n;

comment on view session_completeness is 'For each recorder: recorded = landed + rejected + dropped + missing; and what it noticed and could not record.';
comment on column session_completeness.recorded is 'How many records it is known to have numbered; null when it never said.';
comment on column session_completeness.rejected is 'Refused; one that landed later counts as landed.';
comment on column session_completeness.dropped is 'The recorder declared them lost.';
comment on column session_completeness.missing is 'Not arrived: in transit, waiting in a spool, or lost.';
comment on column session_completeness.missing_sequences is 'The ranges of missing sequences.';
comment on column session_completeness.unseen is 'How much work it noticed and did not record: see unseen_work. Null when it is of a version that does not tell, or its records have expired.';
comment on column session_completeness.unseen_by_reason is 'The same by reason, such as {"model_traffic": 3}.';
