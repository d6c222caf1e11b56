create or replace view session_completeness with (security_invoker = true) as
select r.team_id, r.session_id, r.recorder_id, r.user_id, r.service_name, n.recorded,
       turnlog_count(n.landed) as landed,
       turnlog_count(n.rejected - n.landed) as rejected,
       turnlog_count(n.dropped - n.landed - n.rejected) as dropped,
       turnlog_count(n.missing) as missing,
       n.missing as missing_sequences,
       r.ended_at is not null as ended,
       r.last_seen_at
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

comment on view session_completeness is 'For each recorder: recorded = landed + rejected + dropped + missing.';
comment on column session_completeness.recorded is 'How many records it is known to have numbered; null when it never said.';
comment on column session_completeness.rejected is 'Refused; one that landed later counts as landed.';
comment on column session_completeness.dropped is 'The recorder declared them lost.';
comment on column session_completeness.missing is 'Not arrived: in transit, waiting in a spool, or lost.';
comment on column session_completeness.missing_sequences is 'The ranges of missing sequences.';
