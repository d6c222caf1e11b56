create or replace view tool_decisions with (security_invoker = true) as
select l.team_id, l.attributes ->> 'gen_ai.tool.call.id' as call_id,
       l.attributes ->> 'gen_ai.tool.name' as tool,
       l.attributes ->> 'turnlog.decision.type' as decision,
       l.attributes ->> 'turnlog.decision.source' as source,
       turnlog_text(l.team_id, turnlog_day(l.time), l.attributes -> 'turnlog.decision.reason') as reason,
       l.time as decided_at,
       l.trace_id, l.span_id, l.session_id, l.user_id, l.landed_at
  from log_records l
 where l.event_name = 'turnlog.tool.decision';

comment on view tool_decisions is 'Decisions about tool calls: what a person accepted or rejected before it was run.';
comment on column tool_decisions.call_id is 'The id that the model gave the call.';
comment on column tool_decisions.span_id is 'The span of the tool call, in tool_calls.';
