create or replace view self_checks with (security_invoker = true) as
select l.team_id, l.session_id, l.recorder_id, l.user_id, l.service_name,
       l.event_name = 'session.start' as at_start,
       l.attributes -> 'turnlog.self_check.bound' as bound,
       turnlog_text(l.team_id, turnlog_day(l.time), l.attributes -> 'turnlog.self_check.not_bound') as not_bound,
       turnlog_text(l.team_id, turnlog_day(l.time), l.attributes -> 'turnlog.self_check.versions') as versions,
       l.time as checked_at, l.landed_at
  from log_records l   -- index: log_records_by_event
 where l.event_name in ('session.start', 'turnlog.self_check')
   and l.attributes ? 'turnlog.self_check.bound';

comment on view self_checks is 'What of an app was observed when its process started, and each time that changed. The last row of a session is true.';
comment on column self_checks.bound is 'The parts of the app that are observed: a list of names.';
comment on column self_checks.not_bound is 'JSON: the parts that are not, each with the reason. Null when there are none.';
comment on column self_checks.versions is 'JSON: versions of Node, undici, Turnlog, OpenTelemetry’s API, and packages that speak to models.';
