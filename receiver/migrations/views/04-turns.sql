-- `security_invoker`, here and in all views: a role that reads a view needs the rights on the tables below it. A missing value
-- is null, never 0.

create or replace view turns with (security_invoker = true) as
select s.team_id, s.trace_id, s.span_id, s.session_id, s.user_id, s.conversation_id,
       coalesce(s.agent_name, s.service_name) as agent,
       s.attributes ->> 'turnlog.turn.transport' as transport,
       s.start_time as started_at, s.end_time as ended_at,
       turnlog_duration(s.start_time, s.end_time, s.attributes) as duration,
       coalesce(s.attributes ->> 'turnlog.turn.outcome',
                case when s.status_code = 2 then 'failed' end) as outcome,
       turnlog_text(s.team_id, turnlog_day(s.start_time), s.attributes -> 'turnlog.turn.prompt') as prompt,
       turnlog_text(s.team_id, turnlog_day(s.start_time), s.attributes -> 'turnlog.turn.answer') as answer,
       coalesce(s.request_model, s.response_model) as model,
       (select count(*) from model_calls c
         where c.team_id = s.team_id and c.trace_id = s.trace_id) as model_calls,
       (select count(*) from spans c
         where c.team_id = s.team_id and c.trace_id = s.trace_id
           and c.operation = 'execute_tool') as tool_calls,
       (select count(*) from spans c
         where c.team_id = s.team_id and c.trace_id = s.trace_id
           and c.file_operation_type is not null) as file_operations,
       coalesce(s.input_tokens, (
         select sum(c.input_tokens)::bigint from model_calls c
          where c.team_id = s.team_id and c.trace_id = s.trace_id)) as input_tokens,
       coalesce(s.output_tokens, (
         select sum(c.output_tokens)::bigint from model_calls c
          where c.team_id = s.team_id and c.trace_id = s.trace_id)) as output_tokens,
       s.cache_read_tokens, s.cache_write_tokens, s.error_type, s.abandoned,
       s.attributes ->> 'url.path' as url_path,
       turnlog_integer(s.attributes -> 'http.response.status_code') as http_status,
       s.attributes ->> 'turnlog.capture.mode' as capture_mode,
       coalesce(
         s.attributes #>> '{turnlog.turn.prompt,preview}',
         left(turnlog_text(s.team_id, turnlog_day(s.start_time), s.attributes -> 'turnlog.turn.prompt'), 200)
       ) as prompt_preview,
       coalesce(
         s.attributes #>> '{turnlog.turn.answer,preview}',
         left(turnlog_text(s.team_id, turnlog_day(s.start_time), s.attributes -> 'turnlog.turn.answer'), 200)
       ) as answer_preview,
       turnlog_bytes(s.team_id, turnlog_day(s.start_time), s.attributes -> 'turnlog.turn.prompt') as prompt_bytes,
       turnlog_bytes(s.team_id, turnlog_day(s.start_time), s.attributes -> 'turnlog.turn.answer') as answer_bytes,
       s.service_name, s.landed_at,
       turnlog_integer(s.attributes -> 'turnlog.file_operations.left_out') as file_operations_left_out,
       (select count(*)
          from log_records l   -- index: log_records_by_trace
         where l.team_id = s.team_id and l.trace_id = s.trace_id
           and l.event_name = 'turnlog.process.started') as processes,
       turnlog_boolean(s.attributes -> 'turnlog.turn.inferred') as inferred,
       turnlog_failure_message(s) as error_message,
       turnlog_previous_turn(s.links) ->> 'trace_id' as previous_trace_id,
       turnlog_previous_turn(s.links) ->> 'span_id' as previous_span_id
  from spans s
 where s.operation = 'invoke_agent'
   -- An app that was recorded knows which agents worked in its turns.
   and turnlog_boolean(s.attributes -> 'turnlog.agent.in_turn') is not true
   -- A sub-agent works inside a turn: its parent is a model call, a tool call or another agent.
   and (s.parent_span_id is null
        or not exists (
          select
            from spans p
           where p.team_id = s.team_id and p.trace_id = s.trace_id
             and p.span_id = s.parent_span_id and p.span_id <> s.span_id
             and p.operation is not null));

comment on view turns is 'One user message and everything until its answer; one trace per row.';
comment on column turns.transport is 'rest or websocket.';
comment on column turns.outcome is 'completed, failed, aborted (the client left, a signal ended the app, or the app stopped the last model call), abandoned (the process died) or waiting (its tool calls wait for a person).';
comment on column turns.prompt is 'The user’s message. Null when it is not text: see prompt_bytes.';
comment on column turns.answer is 'The final answer, or as much of it as was produced. Null when it is not text: see answer_bytes.';
comment on column turns.file_operations_left_out is 'File operations outside of its tool calls that were not recorded, on purpose or at a limit.';
comment on column turns.model_calls is 'How many model calls its trace has; tool_calls and file_operations likewise.';
comment on column turns.input_tokens is 'The sum of its model calls, including cached tokens.';
comment on column turns.abandoned is 'Its recorder died, and another one closed it; a true end replaces this one.';
comment on column turns.prompt_preview is 'The first 200 characters; stored in the row, so that lists read no contents.';
comment on column turns.landed_at is 'When it was committed to this database.';
comment on column turns.duration is 'Null when it is unknown; likewise in tool_calls and file_operations.';
comment on column turns.inferred is 'It came in on no server: it begins with the first model call that asks what the user wrote.';
comment on column turns.error_type is 'Why it failed: the type of its last model call’s error, of an exception, process_exit, or the HTTP status of the answer.';
comment on column turns.processes is 'How many child processes its tools started, as far as they were seen. See processes.';
comment on column turns.previous_trace_id is 'The turn that it goes on from, if that was in the same process and the messages show it; previous_span_id is that turn’s span_id. Null: it is not known. Turns with one conversation_id belong together, too.';
