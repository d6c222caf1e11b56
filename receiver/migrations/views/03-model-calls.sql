create or replace view model_calls with (security_invoker = true) as
select s.team_id, s.trace_id, s.span_id, s.parent_span_id, s.session_id, s.user_id,
       coalesce(s.conversation_id, (
         select t.conversation_id
           from spans t
          where t.team_id = s.team_id and t.trace_id = s.trace_id and t.operation = 'invoke_agent'
            and t.conversation_id is not null
          order by t.start_time
          limit 1)) as conversation_id,
       s.name,
       coalesce(s.attributes ->> 'gen_ai.provider.name', s.attributes ->> 'gen_ai.system') as provider,
       s.start_time as started_at, s.end_time as ended_at,
       turnlog_duration(s.start_time, s.end_time, s.attributes) as duration,
       turnlog_seconds(s.attributes -> 'gen_ai.response.time_to_first_chunk') as time_to_first_chunk,
       s.request_model, s.response_model,
       s.attributes ->> 'gen_ai.response.id' as response_id,
       turnlog_text(s.team_id, turnlog_day(s.start_time), s.attributes -> 'gen_ai.system_instructions') as system_instructions,
       turnlog_text(s.team_id, turnlog_day(s.start_time), s.attributes -> 'gen_ai.input.messages') as input_messages,
       turnlog_text(s.team_id, turnlog_day(s.start_time), s.attributes -> 'gen_ai.output.messages') as output_messages,
       turnlog_text(s.team_id, turnlog_day(s.start_time), s.attributes -> 'gen_ai.tool.definitions') as tool_definitions,
       s.input_tokens, s.output_tokens, s.cache_read_tokens, s.cache_write_tokens, s.reasoning_tokens,
       s.attributes -> 'gen_ai.response.finish_reasons' as finish_reasons,
       turnlog_boolean(s.attributes -> 'gen_ai.request.stream') as stream,
       turnlog_integer(s.attributes -> 'http.response.status_code') as http_status,
       turnlog_integer(s.attributes -> 'turnlog.model_call.attempt') as attempts,
       s.error_type, turnlog_failure_message(s) as error_message, s.abandoned,
       turnlog_bytes(s.team_id, turnlog_day(s.start_time), s.attributes -> 'gen_ai.input.messages') as input_messages_bytes,
       turnlog_bytes(s.team_id, turnlog_day(s.start_time), s.attributes -> 'gen_ai.output.messages') as output_messages_bytes,
       s.landed_at,
       turnlog_boolean(s.attributes -> 'turnlog.aborted') as aborted,
       s.attributes -> 'turnlog.model_call.not_understood' as not_understood
  from spans s
 where s.operation in ('chat', 'text_completion', 'generate_content')
   -- A framework and, directly below it, its SDK may both report one call: then only the outer span counts. It is looked up for
   -- each call, since an anti-join would read all days; and by its key only, which `|| ''` ensures: on a day without
   -- statistics the planner sees no difference between indexes.
   and (select true
          from spans o
         where o.trace_id = s.trace_id and o.span_id = s.parent_span_id   -- index: spans_pkey
           and o.start_time between s.start_time - interval '1 day' and s.start_time
           and o.team_id || '' = s.team_id
           and o.operation || '' in ('chat', 'text_completion', 'generate_content')
           -- If two spans are each other's parent, neither is the outer one.
           and o.span_id <> s.span_id and o.parent_span_id is distinct from s.span_id
         limit 1) is null;

comment on view model_calls is 'One request to an LLM per row, with everything that was sent and answered. If a framework and, directly below it, its SDK both report a request, it is one row.';
comment on column model_calls.input_messages is 'The messages that were sent, a JSON array, exactly as recorded. Null when they are not text: see input_messages_bytes.';
comment on column model_calls.output_messages is 'The answer, a JSON array, exactly as recorded.';
comment on column model_calls.system_instructions is 'The system prompt, a JSON array of parts.';
comment on column model_calls.input_tokens is 'Includes cached tokens; see cache_read_tokens and cache_write_tokens.';
comment on column model_calls.finish_reasons is 'Why the model stopped, a JSON array.';
comment on column model_calls.aborted is 'The app or its user stopped it: that is no error.';
comment on column model_calls.attempts is 'How many requests were needed; null when it was one.';
comment on column model_calls.not_understood is 'Of the request and the answer what was in no known form, a JSON array; it is recorded as one text. Null when both were understood, or the exchange was cut.';
