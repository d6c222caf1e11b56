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
 where l.event_name = 'exception' or l.error_type is not null
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
       coalesce(s.error_type, turnlog_text(s.team_id, turnlog_day(s.start_time), e.attributes -> 'exception.type')) as type,
       coalesce(s.status_message,
                turnlog_text(s.team_id, turnlog_day(s.start_time), e.attributes -> 'exception.message'),
                case when s.operation = 'execute_tool' then
                  turnlog_text(s.team_id, turnlog_day(s.start_time), s.attributes -> 'gen_ai.tool.call.result')
                end) as message,
       turnlog_text(s.team_id, turnlog_day(s.start_time), e.attributes -> 'exception.stacktrace') as stacktrace,
       null::text as origin, s.name, s.trace_id, s.span_id, s.session_id, s.user_id, s.service_name,
       s.landed_at, s.start_time as started_at
  from spans s
  -- Older instrumentations record exceptions as events of the span.
  left join lateral (
    select event -> 'attributes' as attributes
      from jsonb_array_elements(s.events) event
     where event ->> 'name' = 'exception'
     limit 1
  ) e on true
 where s.status_code = 2 or s.error_type is not null;

comment on view errors is 'Exceptions that surfaced in the app, and every turn, model call, tool call or other span that failed.';
comment on column errors.kind is 'exception, turn, model_call, tool_call, file_operation or span.';
comment on column errors.message is 'For a tool call without a message: its result.';
comment on column errors.origin is 'Where an exception surfaced: uncaught_exception, unhandled_rejection, framework or tool.';
comment on column errors.span_id is 'The span that was running.';
comment on column errors.started_at is 'When the failed span began, by which records are partitioned; for an exception, when it occurred.';
