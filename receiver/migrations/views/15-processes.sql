-- A child process whose end is not known has only the record of its start: its recorder was killed.
create or replace view processes with (security_invoker = true) as
select l.team_id, l.trace_id, l.span_id, l.session_id, l.user_id,
       l.attributes ->> 'process.executable.name' as program,
       turnlog_text(l.team_id, turnlog_day(l.time), l.attributes -> 'turnlog.process.command') as command,
       turnlog_integer(l.attributes -> 'process.pid') as pid,
       turnlog_integer(l.attributes -> 'process.exit.code') as exit_code,
       l.attributes ->> 'turnlog.process.signal' as signal,
       turnlog_seconds(l.attributes -> 'turnlog.process.duration') as duration,
       turnlog_integer(l.attributes -> 'turnlog.process.files_changed') as files_changed,
       turnlog_integer(l.attributes -> 'turnlog.process.files_compared') as files_compared,
       turnlog_integer(l.attributes -> 'turnlog.process.files_not_compared') as files_not_compared,
       turnlog_text(l.team_id, turnlog_day(l.time), l.attributes -> 'turnlog.process.not_compared') as not_compared,
       turnlog_boolean(l.attributes -> 'turnlog.process.partial') as partial,
       coalesce(l.attributes ->> 'turnlog.process.not_compared_reason',
                case when l.event_name = 'turnlog.process.started' then 'end_not_recorded' end) as not_compared_reason,
       l.time as recorded_at, l.landed_at,
       turnlog_seconds(l.attributes -> 'turnlog.process.look_age') as look_age
  from log_records l
 where l.event_name = 'turnlog.process.ended'
    or (l.event_name = 'turnlog.process.started'
        and not exists (
          select
            from log_records e   -- index: log_records_by_trace
           where e.team_id = l.team_id and e.trace_id = l.trace_id
             and e.event_name = 'turnlog.process.ended'
             and e.recorder_id = l.recorder_id
             and e.attributes -> 'turnlog.process.id' = l.attributes -> 'turnlog.process.id'));

comment on view processes is 'Child processes that a turn or a tool call started, and how far the workspace was compared around them.';
comment on column processes.span_id is 'The span of the tool call, else of the turn, that started it.';
comment on column processes.files_changed is 'How many file operations were recorded for it.';
comment on column processes.files_not_compared is 'Files that were left out, or that changed beyond a limit; not_compared says how many for each reason.';
comment on column processes.partial is 'The comparison hit a limit, or the workspace had not been looked at when the process started: files may have changed that no record names.';
comment on column processes.look_age is 'How long before the start of the process the workspace was last looked at.';
comment on column processes.not_compared_reason is 'Why nothing is known of the files it changed; end_not_recorded when its recorder was killed. Null when it was compared.';
