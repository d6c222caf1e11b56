create or replace view tool_calls with (security_invoker = true) as
select s.team_id, s.trace_id, s.span_id, s.parent_span_id, s.session_id, s.user_id, s.tool_name as tool,
       s.tool_call_id as call_id, s.start_time as started_at, s.end_time as ended_at,
       turnlog_duration(s.start_time, s.end_time, s.attributes) as duration,
       turnlog_text(s.team_id, turnlog_day(s.start_time), s.attributes -> 'gen_ai.tool.call.arguments') as arguments,
       turnlog_text(s.team_id, turnlog_day(s.start_time), s.attributes -> 'gen_ai.tool.call.result') as result,
       s.error_type, turnlog_failure_message(s) as error_message,
       turnlog_boolean(s.attributes -> 'turnlog.tool_call.inferred') as inferred,
       turnlog_boolean(s.attributes -> 'turnlog.tool_call.unfinished') as unfinished,
       (select count(*) from spans c
         where c.team_id = s.team_id and c.trace_id = s.trace_id
           and c.parent_span_id = s.span_id and c.file_operation_type is not null) as file_operations,
       s.abandoned,
       turnlog_bytes(s.team_id, turnlog_day(s.start_time), s.attributes -> 'gen_ai.tool.call.arguments') as arguments_bytes,
       turnlog_bytes(s.team_id, turnlog_day(s.start_time), s.attributes -> 'gen_ai.tool.call.result') as result_bytes,
       s.landed_at,
       turnlog_seconds(s.attributes -> 'turnlog.tool_call.waited') as waited,
       (select l.attributes ->> 'turnlog.decision.type'
          from log_records l   -- index: log_records_by_trace
         where l.team_id = s.team_id and l.trace_id = s.trace_id and l.span_id = s.span_id
           and l.event_name = 'turnlog.tool.decision'
         order by l.time desc
         limit 1) as decision,
       turnlog_integer(s.attributes -> 'turnlog.file_operations.left_out') as file_operations_left_out,
       (select count(*)
          from log_records l   -- index: log_records_by_trace
         where l.team_id = s.team_id and l.trace_id = s.trace_id and l.span_id = s.span_id
           and l.event_name = 'turnlog.process.started') as processes,
       (select sum(turnlog_integer(l.attributes -> 'turnlog.process.files_changed'))::bigint
          from log_records l   -- index: log_records_by_trace
         where l.team_id = s.team_id and l.trace_id = s.trace_id and l.span_id = s.span_id
           and l.event_name = 'turnlog.process.ended') as process_files_changed,
       (select sum(turnlog_integer(l.attributes -> 'turnlog.process.files_not_compared'))::bigint
          from log_records l   -- index: log_records_by_trace
         where l.team_id = s.team_id and l.trace_id = s.trace_id and l.span_id = s.span_id
           and l.event_name = 'turnlog.process.ended') as process_files_not_compared,
       turnlog_boolean(s.attributes -> 'turnlog.aborted') as aborted
  from spans s
 where s.operation = 'execute_tool';

comment on view tool_calls is 'One execution of a tool that the model asked for, per row.';
comment on column tool_calls.arguments is 'The arguments from the model, JSON. Null when they are not text: see arguments_bytes.';
comment on column tool_calls.result is 'The result that was sent to the model. Null when it is not text: see result_bytes.';
comment on column tool_calls.error_type is 'The class of the exception; tool_error if only the result says that it failed; _OTHER if nothing else is known.';
comment on column tool_calls.error_message is 'What is known of the failure, else the result with which the model was told.';
comment on column tool_calls.aborted is 'The app or its user stopped it: that is no error.';
comment on column tool_calls.inferred is 'Derived from messages, not observed at the tool: its duration is an upper bound.';
comment on column tool_calls.unfinished is 'No result was sent to the model.';
comment on column tool_calls.file_operations_left_out is 'File operations that were not recorded, on purpose (in .git, node_modules) or at a limit.';
comment on column tool_calls.waited is 'How long a person was asked before it was run; part of its duration.';
comment on column tool_calls.decision is 'What a person last decided about it: accept or reject. See tool_decisions.';
comment on column tool_calls.processes is 'How many child processes it started, as far as they were seen. See processes.';
comment on column tool_calls.process_files_changed is 'Files that these changed. Null when none of them was compared.';
comment on column tool_calls.process_files_not_compared is 'Files that the comparisons left out, summed over the processes.';
