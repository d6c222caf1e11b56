create or replace view unseen_work with (security_invoker = true) as
select l.team_id, l.session_id, l.recorder_id, l.user_id, l.service_name,
       l.attributes ->> 'turnlog.unseen.reason' as reason,
       l.attributes ->> 'turnlog.unseen.why' as why,
       l.attributes ->> 'server.address' as host,
       turnlog_integer(l.attributes -> 'server.port') as port,
       l.attributes ->> 'url.template' as path,
       turnlog_integer(l.attributes -> 'turnlog.unseen.count') as count,
       l.time as recorded_at, l.landed_at
  from log_records l   -- index: log_records_by_event
 where l.event_name = 'turnlog.unseen';

comment on view unseen_work is 'Work that an app’s recorder noticed and did not record. The counts of all rows add up.';
comment on column unseen_work.reason is 'model_traffic (requests that look like calls of a model API, and are of none that is understood), model_call_bytes (calls whose answer was not seen), ambiguous_model_call (calls that may belong to several turns), agent_child (agents that the app has started, and that did not trace themselves), workspace_change (files that were changed, or child processes that were not compared) or failed_step (a step of Turnlog itself failed).';
comment on column unseen_work.why is 'How it was noticed, or what failed.';
comment on column unseen_work.path is 'The path of the requests, without query; ids in it are {id}.';
comment on column unseen_work.count is 'How many came since the last row of the same recorder, reason, why, host, port and path.';
