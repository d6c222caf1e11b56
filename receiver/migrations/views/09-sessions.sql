create or replace view sessions with (security_invoker = true) as
select l.team_id, l.session_id,
       coalesce(r.user_id, l.user_id) as user_id,
       coalesce(r.service_name, l.service_name) as service_name,
       coalesce(r.service_version, l.service_version) as service_version,
       coalesce(r.started_at, l.started_at, l.first_time) as started_at,
       case when r.recorders is null then l.ended_at else r.ended_at end as ended_at,
       l.last_time as last_record_at,
       case when r.recorders is null then l.exit_code else r.exit_code end as exit_code,
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
       (select count(*) from model_calls m
         where m.team_id = l.team_id and m.session_id = l.session_id) as model_calls,
       (select count(*) from spans s
         where s.team_id = l.team_id and s.session_id = l.session_id
           and s.operation = 'execute_tool') as tool_calls,
       (select count(*) from spans s
         where s.team_id = l.team_id and s.session_id = l.session_id
           and s.file_operation_type is not null) as file_operations,
       (select count(*) from log_records d
         where d.team_id = l.team_id and d.session_id = l.session_id
           and d.event_name = 'turnlog.change.decision') as change_decisions,
       not exists (select from spans s
                    where s.team_id = l.team_id and s.session_id = l.session_id)
         and not exists (select from log_records g
                          where g.team_id = l.team_id and g.session_id = l.session_id)
         and not exists (select from metric_points p
                          where p.team_id = l.team_id and p.session_id = l.session_id) as expired
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

comment on view sessions is 'One run of an app process per row.';
comment on column sessions.started_at is 'The time of its session.start, or else of its first record.';
comment on column sessions.ended_at is 'Null while it runs, or when no end was reported.';
comment on column sessions.abandoned is 'One of its recorders died, and another one reported its end.';
comment on column sessions.recorders is 'How many of its threads and processes recorded; null when they did not number their records.';
comment on column sessions.expired is 'All its records have been deleted. The ledger still counts them as landed.';
