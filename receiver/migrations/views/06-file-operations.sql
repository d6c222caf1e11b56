create or replace view file_operations with (security_invoker = true) as
select s.team_id, s.file_operation_id as operation_id, s.trace_id, s.span_id, s.parent_span_id, s.session_id,
       s.user_id, s.file_operation_type as type, s.file_path as path,
       s.attributes ->> 'turnlog.file_operation.previous_path' as previous_path,
       s.start_time as started_at, s.end_time as ended_at,
       turnlog_duration(s.start_time, s.end_time, s.attributes) as duration,
       turnlog_text(s.team_id, turnlog_day(s.start_time), s.attributes -> 'turnlog.file_operation.before') as before,
       turnlog_text(s.team_id, turnlog_day(s.start_time), s.attributes -> 'turnlog.file_operation.after') as after,
       turnlog_text(s.team_id, turnlog_day(s.start_time), s.attributes -> 'turnlog.file_operation.diff') as diff,
       turnlog_text(s.team_id, turnlog_day(s.start_time), s.attributes -> 'turnlog.file_operation.overwritten') as overwritten,
       turnlog_integer(s.attributes -> 'turnlog.file_operation.lines_added') as lines_added,
       turnlog_integer(s.attributes -> 'turnlog.file_operation.lines_removed') as lines_removed,
       coalesce(s.attributes ->> 'turnlog.file_operation.before.sha256',
                s.attributes #>> '{turnlog.file_operation.before,turnlog.content}') as before_sha256,
       coalesce(s.attributes ->> 'turnlog.file_operation.after.sha256',
                s.attributes #>> '{turnlog.file_operation.after,turnlog.content}') as after_sha256,
       turnlog_integer(coalesce(s.attributes -> 'turnlog.file_operation.before.size',
                                s.attributes #> '{turnlog.file_operation.before,size}')) as before_size,
       turnlog_integer(coalesce(s.attributes -> 'turnlog.file_operation.after.size',
                                s.attributes #> '{turnlog.file_operation.after,size}')) as after_size,
       s.attributes ->> 'turnlog.file_operation.before.omitted' as before_omitted,
       s.attributes ->> 'turnlog.file_operation.after.omitted' as after_omitted,
       turnlog_boolean(s.attributes -> 'turnlog.file_operation.binary') as binary,
       s.attributes ->> 'turnlog.file_operation.source' as source,
       turnlog_boolean(s.attributes -> 'turnlog.file_operation.outside_workspace') as outside_workspace,
       turnlog_boolean(s.attributes -> 'turnlog.file_operation.shared') as shared,
       turnlog_boolean(s.attributes -> 'turnlog.file_operation.diff.whole_file') as diff_whole_file,
       (select p.tool_name
          from spans p
         where p.team_id = s.team_id and p.trace_id = s.trace_id and p.span_id = s.parent_span_id
           and p.operation = 'execute_tool'
         limit 1) as tool,
       (select p.tool_call_id
          from spans p
         where p.team_id = s.team_id and p.trace_id = s.trace_id and p.span_id = s.parent_span_id
           and p.operation = 'execute_tool'
         limit 1) as tool_call_id,
       (select l.attributes ->> 'turnlog.decision.type'
          from log_records l
         where l.team_id = s.team_id and l.file_operation_id = s.file_operation_id
           and l.event_name = 'turnlog.change.decision'
         order by l.time desc, l.sequence desc
         limit 1) as decision,
       (select l.attributes ->> 'turnlog.decision.outcome'
          from log_records l
         where l.team_id = s.team_id and l.file_operation_id = s.file_operation_id
           and l.event_name = 'turnlog.change.decision'
         order by l.time desc, l.sequence desc
         limit 1) as decision_outcome,
       s.error_type, s.abandoned,
       turnlog_bytes(s.team_id, turnlog_day(s.start_time), s.attributes -> 'turnlog.file_operation.before') as before_bytes,
       turnlog_bytes(s.team_id, turnlog_day(s.start_time), s.attributes -> 'turnlog.file_operation.after') as after_bytes,
       turnlog_bytes(s.team_id, turnlog_day(s.start_time), s.attributes -> 'turnlog.file_operation.overwritten') as overwritten_bytes,
       turnlog_bytes(s.team_id, turnlog_day(s.start_time), s.attributes -> 'turnlog.file_operation.diff') as diff_bytes,
       s.landed_at,
       turnlog_boolean(s.attributes -> 'turnlog.file_operation.open') as open,
       turnlog_integer(s.attributes -> 'turnlog.file_operation.merged') as merged
  from spans s
 where s.file_operation_type is not null;

comment on view file_operations is 'One create, write, edit, delete or rename of one file per row, with the file before and after.';
comment on column file_operations.type is 'create, edit, delete or rename; write when the bytes did not change, or it is not known whether they did.';
comment on column file_operations.path is 'Relative to the workspace, absolute outside it.';
comment on column file_operations.before is 'The file before. Null when there was no file, when it is not text (before_bytes), or when it was omitted (before_omitted has the reason).';
comment on column file_operations.after is 'The file after. Null when there is no file, when it is not text (after_bytes), or when it was omitted (after_omitted has the reason).';
comment on column file_operations.overwritten is 'For a rename over another file: the file that was replaced.';
comment on column file_operations.before_sha256 is 'sha256: and the hash of the (redacted) bytes, also when the content itself was omitted.';
comment on column file_operations.tool is 'The tool call in which it happened; null outside tool calls.';
comment on column file_operations.error_type is 'The call failed, and had changed the file nevertheless.';
comment on column file_operations.open is 'The file was still open for writing when the turn or the process ended: after is its content then.';
comment on column file_operations.merged is 'How many other operations this one stands for: they overlapped, and the states in between cannot be known.';
comment on column file_operations.decision is 'The last decision: accept, reject or revert; null when no decision was made.';
