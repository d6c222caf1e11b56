-- The public SQL interface: the words of the domain, one view each. Missing is null, never 0.
-- `security_invoker`: who reads a view needs the rights on what it reads.

-- Each count here looks into every day's partition, which takes microseconds, but is estimated as so
-- much work that PostgreSQL compiles the query first: seconds for a page of sessions (measured, PG 15).
do $$
begin
  execute format('alter database %I set jit = off', current_database());
exception
  when insufficient_privilege then
    raise notice 'Only the owner of the database can switch JIT off for it; lists will be slower.';
end
$$;

create view turns with (security_invoker = true) as
select s.team_id,
       s.trace_id,
       s.span_id,
       s.session_id,
       s.user_id,
       s.conversation_id,
       coalesce(s.agent_name, s.service_name) as agent,
       s.attributes ->> 'turnlog.turn.transport' as transport,
       s.start_time as started_at,
       s.end_time as ended_at,
       s.end_time - s.start_time as duration,
       coalesce(s.attributes ->> 'turnlog.turn.outcome',
                case when s.status_code = 2 then 'failed' end) as outcome,
       turnlog_text(s.team_id, turnlog_day(s.start_time), s.attributes -> 'turnlog.turn.prompt') as prompt,
       turnlog_text(s.team_id, turnlog_day(s.start_time), s.attributes -> 'turnlog.turn.answer') as answer,
       coalesce(s.request_model, s.response_model) as model,
       (select count(*)
          from spans c
         where c.team_id = s.team_id and c.trace_id = s.trace_id
           and c.operation in ('chat', 'text_completion', 'generate_content')) as model_calls,
       (select count(*)
          from spans c
         where c.team_id = s.team_id and c.trace_id = s.trace_id
           and c.operation = 'execute_tool') as tool_calls,
       (select count(*)
          from spans c
         where c.team_id = s.team_id and c.trace_id = s.trace_id
           and c.file_operation_type is not null) as file_operations,
       coalesce(s.input_tokens, (
         select sum(c.input_tokens)::bigint
           from spans c
          where c.team_id = s.team_id and c.trace_id = s.trace_id
            and c.operation in ('chat', 'text_completion', 'generate_content'))) as input_tokens,
       coalesce(s.output_tokens, (
         select sum(c.output_tokens)::bigint
           from spans c
          where c.team_id = s.team_id and c.trace_id = s.trace_id
            and c.operation in ('chat', 'text_completion', 'generate_content'))) as output_tokens,
       s.cache_read_tokens,
       s.cache_write_tokens,
       s.error_type,
       s.abandoned,
       s.attributes ->> 'url.path' as url_path,
       turnlog_integer(s.attributes -> 'http.response.status_code') as http_status,
       s.attributes ->> 'turnlog.capture.mode' as capture_mode,
       s.attributes #>> '{turnlog.turn.prompt,preview}' as prompt_preview,
       s.attributes #>> '{turnlog.turn.answer,preview}' as answer_preview,
       turnlog_bytes(s.team_id, turnlog_day(s.start_time), s.attributes -> 'turnlog.turn.prompt') as prompt_bytes,
       turnlog_bytes(s.team_id, turnlog_day(s.start_time), s.attributes -> 'turnlog.turn.answer') as answer_bytes,
       s.service_name,
       s.landed_at
  from spans s
 where s.operation = 'invoke_agent'
   -- A sub-agent works inside a turn: its parent is itself a model or tool call, or an agent.
   and (s.parent_span_id is null
        or not exists (
          select
            from spans p
           where p.team_id = s.team_id and p.trace_id = s.trace_id
             and p.span_id = s.parent_span_id and p.span_id <> s.span_id
             and p.operation is not null));

comment on view turns is 'One user message and all that followed until its answer; one trace each.';
comment on column turns.transport is 'rest or websocket.';
comment on column turns.outcome is 'completed, failed, aborted (the client left) or abandoned (the process died).';
comment on column turns.prompt is 'The user’s message. Null when it is no text: see prompt_bytes.';
comment on column turns.answer is 'The final answer, or as much of it as there was. Null when it is no text: see answer_bytes.';
comment on column turns.model_calls is 'Model calls of its trace; tool_calls and file_operations likewise.';
comment on column turns.input_tokens is 'Summed over its model calls, cached ones included.';
comment on column turns.abandoned is 'Closed by whoever adopted its dead recorder; a true end takes its place.';
comment on column turns.prompt_preview is 'The first 200 characters; kept on the row, so that a list reads no contents.';
comment on column turns.landed_at is 'When it was committed here.';

create view model_calls with (security_invoker = true) as
select s.team_id,
       s.trace_id,
       s.span_id,
       s.parent_span_id,
       s.session_id,
       s.user_id,
       coalesce(s.conversation_id, (
         select t.conversation_id
           from spans t
          where t.team_id = s.team_id and t.trace_id = s.trace_id and t.operation = 'invoke_agent'
            and t.conversation_id is not null
          order by t.start_time
          limit 1)) as conversation_id,
       s.name,
       coalesce(s.attributes ->> 'gen_ai.provider.name', s.attributes ->> 'gen_ai.system') as provider,
       s.start_time as started_at,
       s.end_time as ended_at,
       s.end_time - s.start_time as duration,
       turnlog_seconds(s.attributes -> 'gen_ai.response.time_to_first_chunk') as time_to_first_chunk,
       s.request_model,
       s.response_model,
       s.attributes ->> 'gen_ai.response.id' as response_id,
       turnlog_text(s.team_id, turnlog_day(s.start_time), s.attributes -> 'gen_ai.system_instructions') as system_instructions,
       turnlog_text(s.team_id, turnlog_day(s.start_time), s.attributes -> 'gen_ai.input.messages') as input_messages,
       turnlog_text(s.team_id, turnlog_day(s.start_time), s.attributes -> 'gen_ai.output.messages') as output_messages,
       turnlog_text(s.team_id, turnlog_day(s.start_time), s.attributes -> 'gen_ai.tool.definitions') as tool_definitions,
       s.input_tokens,
       s.output_tokens,
       s.cache_read_tokens,
       s.cache_write_tokens,
       s.reasoning_tokens,
       s.attributes -> 'gen_ai.response.finish_reasons' as finish_reasons,
       turnlog_boolean(s.attributes -> 'gen_ai.request.stream') as stream,
       turnlog_integer(s.attributes -> 'http.response.status_code') as http_status,
       turnlog_integer(s.attributes -> 'turnlog.model_call.attempt') as attempts,
       s.error_type,
       s.status_message as error_message,
       s.abandoned,
       turnlog_bytes(s.team_id, turnlog_day(s.start_time), s.attributes -> 'gen_ai.input.messages') as input_messages_bytes,
       turnlog_bytes(s.team_id, turnlog_day(s.start_time), s.attributes -> 'gen_ai.output.messages') as output_messages_bytes,
       s.landed_at
  from spans s
 where s.operation in ('chat', 'text_completion', 'generate_content');

comment on view model_calls is 'One request to an LLM each, with everything that was sent and answered.';
comment on column model_calls.input_messages is 'The messages that were sent, a JSON array, exactly as recorded. Null when they are no text: see input_messages_bytes.';
comment on column model_calls.output_messages is 'The answer, a JSON array, exactly as recorded.';
comment on column model_calls.system_instructions is 'The system prompt, a JSON array of parts.';
comment on column model_calls.input_tokens is 'Cached ones included; see cache_read_tokens and cache_write_tokens.';
comment on column model_calls.finish_reasons is 'Why the model stopped, a JSON array.';
comment on column model_calls.attempts is 'How many requests it took; null when one.';

create view tool_calls with (security_invoker = true) as
select s.team_id,
       s.trace_id,
       s.span_id,
       s.parent_span_id,
       s.session_id,
       s.user_id,
       s.tool_name as tool,
       s.tool_call_id as call_id,
       s.start_time as started_at,
       s.end_time as ended_at,
       s.end_time - s.start_time as duration,
       turnlog_text(s.team_id, turnlog_day(s.start_time), s.attributes -> 'gen_ai.tool.call.arguments') as arguments,
       turnlog_text(s.team_id, turnlog_day(s.start_time), s.attributes -> 'gen_ai.tool.call.result') as result,
       s.error_type,
       s.status_message as error_message,
       turnlog_boolean(s.attributes -> 'turnlog.tool_call.inferred') as inferred,
       turnlog_boolean(s.attributes -> 'turnlog.tool_call.unfinished') as unfinished,
       (select count(*)
          from spans c
         where c.team_id = s.team_id and c.trace_id = s.trace_id
           and c.parent_span_id = s.span_id and c.file_operation_type is not null) as file_operations,
       s.abandoned,
       turnlog_bytes(s.team_id, turnlog_day(s.start_time), s.attributes -> 'gen_ai.tool.call.arguments') as arguments_bytes,
       turnlog_bytes(s.team_id, turnlog_day(s.start_time), s.attributes -> 'gen_ai.tool.call.result') as result_bytes,
       s.landed_at
  from spans s
 where s.operation = 'execute_tool';

comment on view tool_calls is 'One execution of a tool the model asked for each.';
comment on column tool_calls.arguments is 'What the model gave, JSON. Null when it is no text: see arguments_bytes.';
comment on column tool_calls.result is 'What the model was told. Null when it is no text: see result_bytes.';
comment on column tool_calls.inferred is 'Seen in the messages, not at the tool: its duration is an upper bound.';
comment on column tool_calls.unfinished is 'The model was never told a result.';

create view file_operations with (security_invoker = true) as
select s.team_id,
       s.file_operation_id as operation_id,
       s.trace_id,
       s.span_id,
       s.parent_span_id,
       s.session_id,
       s.user_id,
       s.file_operation_type as type,
       s.file_path as path,
       s.attributes ->> 'turnlog.file_operation.previous_path' as previous_path,
       s.start_time as started_at,
       s.end_time as ended_at,
       s.end_time - s.start_time as duration,
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
       s.error_type,
       s.abandoned,
       turnlog_bytes(s.team_id, turnlog_day(s.start_time), s.attributes -> 'turnlog.file_operation.before') as before_bytes,
       turnlog_bytes(s.team_id, turnlog_day(s.start_time), s.attributes -> 'turnlog.file_operation.after') as after_bytes,
       turnlog_bytes(s.team_id, turnlog_day(s.start_time), s.attributes -> 'turnlog.file_operation.overwritten') as overwritten_bytes,
       turnlog_bytes(s.team_id, turnlog_day(s.start_time), s.attributes -> 'turnlog.file_operation.diff') as diff_bytes,
       s.landed_at
  from spans s
 where s.file_operation_type is not null;

comment on view file_operations is 'One create, write, edit, delete or rename of one file each, with what was before and after.';
comment on column file_operations.type is 'create, edit, delete, rename; write when the bytes stayed equal or the before could not be had.';
comment on column file_operations.path is 'Relative to the workspace, absolute outside it.';
comment on column file_operations.before is 'The file before. Null when there was none, when it is no text (before_bytes), or when it was left out (before_omitted says why).';
comment on column file_operations.after is 'The file after. Null when there is none, when it is no text (after_bytes), or when it was left out (after_omitted says why).';
comment on column file_operations.overwritten is 'On a rename over another file: what was lost.';
comment on column file_operations.before_sha256 is 'sha256: and the hash of the (redacted) bytes, also when the content itself was left out.';
comment on column file_operations.tool is 'The tool call it happened in, null outside any.';
comment on column file_operations.decision is 'The last decision: accept, reject or revert; null while there is none.';

create view change_decisions with (security_invoker = true) as
select l.team_id,
       l.file_operation_id as operation_id,
       l.attributes ->> 'turnlog.decision.type' as decision,
       l.attributes ->> 'turnlog.decision.source' as source,
       turnlog_text(l.team_id, turnlog_day(l.time), l.attributes -> 'turnlog.decision.reason') as reason,
       l.attributes ->> 'turnlog.decision.outcome' as outcome,
       l.file_path as path,
       turnlog_seconds(l.attributes -> 'turnlog.decision.elapsed') as elapsed,
       l.time as decided_at,
       l.attributes ->> 'turnlog.decision.result.sha256' as result_sha256,
       l.trace_id,
       l.span_id,
       l.session_id,
       l.user_id,
       l.landed_at
  from log_records l
 where l.event_name = 'turnlog.change.decision';

comment on view change_decisions is 'What was said of file operations: every accept, reject and revert.';
comment on column change_decisions.outcome is 'What it did on disk: kept, restored, restored_with_later_edits, conflict or missing.';
comment on column change_decisions.elapsed is 'From the operation to the decision.';
comment on column change_decisions.result_sha256 is 'The file after the decision; null when there is none.';
comment on column change_decisions.span_id is 'The file operation’s.';

create view errors with (security_invoker = true) as
select l.team_id,
       l.time as occurred_at,
       'exception' as kind,
       l.error_type as type,
       turnlog_text(l.team_id, turnlog_day(l.time), l.attributes -> 'exception.message') as message,
       turnlog_text(l.team_id, turnlog_day(l.time), l.attributes -> 'exception.stacktrace') as stacktrace,
       l.attributes ->> 'turnlog.error.origin' as origin,
       null::text as name,
       l.trace_id,
       l.span_id,
       l.session_id,
       l.user_id,
       l.service_name,
       l.landed_at
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
       null::text as origin,
       s.name,
       s.trace_id,
       s.span_id,
       s.session_id,
       s.user_id,
       s.service_name,
       s.landed_at
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
comment on column errors.message is 'Of a tool call that says nothing else: its result.';
comment on column errors.origin is 'Where an exception surfaced: uncaught_exception, unhandled_rejection, framework or tool.';
comment on column errors.span_id is 'What was running.';

create view sessions with (security_invoker = true) as
select l.team_id,
       l.session_id,
       coalesce(r.user_id, l.user_id) as user_id,
       coalesce(r.service_name, l.service_name) as service_name,
       r.service_version,
       coalesce(r.started_at, l.first_time) as started_at,
       r.ended_at,
       l.last_time as last_record_at,
       r.exit_code,
       r.is_end_abandoned as abandoned,
       r.resource ->> 'vcs.ref.head.revision' as git_revision,
       r.resource ->> 'vcs.ref.head.name' as git_branch,
       r.resource ->> 'host.id' as host_id,
       r.resource ->> 'os.type' as os_type,
       r.resource ->> 'os.version' as os_version,
       r.resource ->> 'process.runtime.version' as runtime_version,
       r.resource ->> 'turnlog.capture.mode' as capture_mode,
       r.recorders,
       (select count(*) from turns t
         where t.team_id = l.team_id and t.session_id = l.session_id) as turns,
       (select count(*) from spans s
         where s.team_id = l.team_id and s.session_id = l.session_id
           and s.operation in ('chat', 'text_completion', 'generate_content')) as model_calls,
       (select count(*) from spans s
         where s.team_id = l.team_id and s.session_id = l.session_id
           and s.operation = 'execute_tool') as tool_calls,
       (select count(*) from spans s
         where s.team_id = l.team_id and s.session_id = l.session_id
           and s.file_operation_type is not null) as file_operations,
       (select count(*) from log_records d
         where d.team_id = l.team_id and d.session_id = l.session_id
           and d.event_name = 'turnlog.change.decision') as change_decisions
  from session_lifetimes l
  left join lateral (
    select min(r.started_at) as started_at,
           -- A session has ended when each of its recorders has.
           case when bool_and(r.ended_at is not null) then max(r.ended_at) end as ended_at,
           case when bool_and(r.ended_at is not null)
                then (array_agg(r.exit_code order by r.ended_at desc))[1] end as exit_code,
           case when bool_and(r.ended_at is not null) then bool_or(r.is_end_abandoned) end as is_end_abandoned,
           max(r.user_id) as user_id,
           max(r.service_name) as service_name,
           max(r.service_version) as service_version,
           (array_agg(r.resource order by r.first_seen_at))[1] as resource,
           nullif(count(*), 0) as recorders
      from recorders r
     where r.team_id = l.team_id and r.session_id = l.session_id
  ) r on true;

comment on view sessions is 'One run of an app process each.';
comment on column sessions.started_at is 'Its session.start, else its first record.';
comment on column sessions.ended_at is 'Null while it runs, or when its end was never told.';
comment on column sessions.abandoned is 'Its end was told by whoever adopted a dead recorder of it.';
comment on column sessions.recorders is 'Its threads and processes that recorded; null when they did not number their records.';

create view session_completeness with (security_invoker = true) as
select r.team_id,
       r.session_id,
       r.recorder_id,
       r.user_id,
       r.service_name,
       n.recorded,
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
comment on column session_completeness.rejected is 'Refused for good; one that landed after all counts as landed.';
comment on column session_completeness.dropped is 'Declared lost by the recorder.';
comment on column session_completeness.missing is 'Not here yet: on its way, waiting in a spool, or lost.';
comment on column session_completeness.missing_sequences is 'Which ones.';
