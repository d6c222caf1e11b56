create or replace view change_decisions with (security_invoker = true) as
select l.team_id, l.file_operation_id as operation_id,
       l.attributes ->> 'turnlog.decision.type' as decision,
       l.attributes ->> 'turnlog.decision.source' as source,
       turnlog_text(l.team_id, turnlog_day(l.time), l.attributes -> 'turnlog.decision.reason') as reason,
       l.attributes ->> 'turnlog.decision.outcome' as outcome,
       l.file_path as path,
       turnlog_seconds(l.attributes -> 'turnlog.decision.elapsed') as elapsed,
       l.time as decided_at,
       l.attributes ->> 'turnlog.decision.result.sha256' as result_sha256,
       l.trace_id, l.span_id, l.session_id, l.user_id, l.landed_at
  from log_records l
 where l.event_name = 'turnlog.change.decision';

comment on view change_decisions is 'Decisions about file operations: every accept, reject and revert.';
comment on column change_decisions.outcome is 'Its effect on disk: kept, restored, restored_with_later_edits, conflict or missing.';
comment on column change_decisions.elapsed is 'The time from the operation to the decision.';
comment on column change_decisions.result_sha256 is 'The hash of the file after the decision; null when there is no file.';
comment on column change_decisions.span_id is 'The span of the file operation.';
