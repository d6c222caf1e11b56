-- `started_at` is the start of the failed span, by which spans are partitioned: a list of some days reads no others.
create or replace view errors with (security_invoker = true) as
select l.team_id, l.time as occurred_at,
       'exception' as kind,
       l.error_type as type,
       turnlog_text(l.team_id, turnlog_day(l.time), l.attributes -> 'exception.message') as message,
       turnlog_text(l.team_id, turnlog_day(l.time), l.attributes -> 'exception.stacktrace') as stacktrace,
       l.attributes ->> 'turnlog.error.origin' as origin,
       null::text as name, l.trace_id, l.span_id, l.session_id, l.user_id, l.service_name, l.landed_at,
       l.time as started_at
  from log_records l
 where (l.event_name = 'exception' or l.error_type is not null)
   and turnlog_boolean(l.attributes -> 'turnlog.aborted') is not true
   and turnlog_boolean(l.attributes -> 'turnlog.error.repeated') is not true
   -- What a tool threw is the failure of its call, which is a row below.
   and not (
     coalesce(l.attributes ->> 'turnlog.error.origin', '') = 'tool'
     and exists (
       select
         from spans t   -- index: spans_by_trace
        where t.team_id = l.team_id and t.trace_id = l.trace_id and t.span_id = l.span_id
          and t.operation = 'execute_tool'))
union all
select s.team_id,
       coalesce(s.end_time, s.start_time) as occurred_at,
       case
         when s.operation = 'invoke_agent' then 'turn'
         when s.operation in ('chat', 'text_completion', 'generate_content') then 'model_call'
         when s.operation = 'execute_tool' then 'tool_call'
         when s.file_operation_type is not null then 'file_operation'
         else 'span'
       end as kind,
       s.error_type as type,
       turnlog_failure_message(s) as message,
       coalesce(
         turnlog_of_exception(s.team_id, turnlog_day(s.start_time), s.events, 'exception.stacktrace'),
         case when s.operation = 'execute_tool' then (
           select turnlog_text(l.team_id, turnlog_day(l.time), l.attributes -> 'exception.stacktrace')
             from log_records l   -- index: log_records_by_trace
            where l.team_id = s.team_id and l.trace_id = s.trace_id and l.span_id = s.span_id
              and l.event_name = 'exception'
            limit 1)
         end) as stacktrace,
       null::text as origin, s.name, s.trace_id, s.span_id, s.session_id, s.user_id, s.service_name,
       s.landed_at, s.start_time as started_at
  from spans s
 where (s.status_code = 2 or s.error_type is not null)
   and turnlog_boolean(s.attributes -> 'turnlog.aborted') is not true
   and turnlog_boolean(s.attributes -> 'turnlog.error.repeated') is not true;

comment on view errors is 'Each failure once: exceptions that surfaced in the app, and turns, model calls, tool calls and other spans that failed. One that failed because of another row, such as a turn because of its model call or of the exception that ended the app, is not here, and neither is what was stopped: see turns.outcome.';
comment on column errors.kind is 'exception, turn, model_call, tool_call, file_operation or span.';
comment on column errors.message is 'For a tool call without a message: its result.';
comment on column errors.origin is 'Where an exception surfaced: uncaught_exception, unhandled_rejection, framework or tool.';
comment on column errors.span_id is 'The span that was running.';
comment on column errors.started_at is 'When the failed span began, by which records are partitioned; for an exception, when it occurred.';
