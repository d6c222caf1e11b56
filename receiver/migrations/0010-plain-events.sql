-- What plain events need beside the rows they become.

-- Which ones have landed: an event sent again with another time would have another key.
create table event_claims (
  team_id   text        not null,
  claim     bytea       not null,
  -- Of the event: another one with the same claim is told apart.
  hash      bytea       not null,
  landed_at timestamptz not null default now(),
  primary key (team_id, claim)
);
create index event_claims_by_time on event_claims (landed_at);

-- A plain client numbers no records, and so is no recorder: what its SessionStart says of the session stands here.
alter table session_lifetimes
  add column started_at      timestamptz,
  add column service_version text,
  add column resource        jsonb;

create or replace view sessions with (security_invoker = true) as
select l.team_id,
       l.session_id,
       coalesce(r.user_id, l.user_id) as user_id,
       coalesce(r.service_name, l.service_name) as service_name,
       coalesce(r.service_version, l.service_version) as service_version,
       coalesce(r.started_at, l.started_at, l.first_time) as started_at,
       r.ended_at,
       l.last_time as last_record_at,
       r.exit_code,
       r.is_end_abandoned as abandoned,
       coalesce(r.resource, l.resource) ->> 'vcs.ref.head.revision' as git_revision,
       coalesce(r.resource, l.resource) ->> 'vcs.ref.head.name' as git_branch,
       coalesce(r.resource, l.resource) ->> 'host.id' as host_id,
       coalesce(r.resource, l.resource) ->> 'os.type' as os_type,
       coalesce(r.resource, l.resource) ->> 'os.version' as os_version,
       coalesce(r.resource, l.resource) ->> 'process.runtime.version' as runtime_version,
       coalesce(r.resource, l.resource) ->> 'turnlog.capture.mode' as capture_mode,
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

-- How long something took is null where nobody said: its start is then its end.
create function turnlog_duration(started timestamptz, ended timestamptz, attributes jsonb) returns interval
language sql immutable parallel safe
return case when not attributes ? 'turnlog.duration.unknown' then ended - started end;

create or replace view turns with (security_invoker = true) as
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
       turnlog_duration(s.start_time, s.end_time, s.attributes) as duration,
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

create or replace view tool_calls with (security_invoker = true) as
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
       turnlog_duration(s.start_time, s.end_time, s.attributes) as duration,
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

create or replace view file_operations with (security_invoker = true) as
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
       s.error_type,
       s.abandoned,
       turnlog_bytes(s.team_id, turnlog_day(s.start_time), s.attributes -> 'turnlog.file_operation.before') as before_bytes,
       turnlog_bytes(s.team_id, turnlog_day(s.start_time), s.attributes -> 'turnlog.file_operation.after') as after_bytes,
       turnlog_bytes(s.team_id, turnlog_day(s.start_time), s.attributes -> 'turnlog.file_operation.overwritten') as overwritten_bytes,
       turnlog_bytes(s.team_id, turnlog_day(s.start_time), s.attributes -> 'turnlog.file_operation.diff') as diff_bytes,
       s.landed_at
  from spans s
 where s.file_operation_type is not null;

comment on column turns.duration is 'Null where nobody said how long it took; so in tool_calls and file_operations.';
