-- What the receiver says of itself over time, and where the disk goes: for dashboards, and whoever watches.

-- What one receiver counted since its sample before, about once a minute: received = landed + duplicate + rejected.
create table receiver_samples (
  -- One run of one receiver.
  receiver_id    text             not null,
  sampled_at     timestamptz      not null default now(),
  seconds        double precision not null,
  received       bigint           not null,
  landed         bigint           not null,
  duplicate      bigint           not null,
  rejected       bigint           not null,
  memory_bytes   bigint           not null,
  -- Of the database, whoever holds them.
  connections    integer          not null,
  database_bytes bigint           not null,
  primary key (receiver_id, sampled_at)
);
create index receiver_samples_by_time on receiver_samples (sampled_at);

comment on table receiver_samples is 'What each receiver counted since its sample before, about once a minute, for as many days as records are kept.';
comment on column receiver_samples.receiver_id is 'One run of one receiver.';
comment on column receiver_samples.seconds is 'The time the sample covers; more than a minute when the database could not be reached.';
comment on column receiver_samples.received is 'Records that came in: landed + duplicate + rejected.';
comment on column receiver_samples.connections is 'To the database, by whomever.';

-- Once an hour, whichever receiver comes first.
create table table_samples (
  hour       timestamptz not null,
  table_name text        not null,
  bytes      bigint      not null,
  primary key (hour, table_name)
);
comment on table table_samples is 'How large each table was at the start of each hour, its indexes and large values included.';

-- Sizes as they are now. A partition's day is the day (UTC) of its records; `_rest` holds what has no day's own.
create view partition_sizes with (security_invoker = true) as
select p.relname::text as table_name,
       c.relname::text as partition_name,
       case when c.relname ~ '_[0-9]{8}$' then to_date(right(c.relname, 8), 'YYYYMMDD') end as day,
       pg_total_relation_size(c.oid) as bytes,
       case when c.reltuples >= 0 then c.reltuples::bigint end as rows_estimate
  from pg_class p
  join pg_inherits i on i.inhparent = p.oid
  join pg_class c on c.oid = i.inhrelid
 where p.relkind = 'p' and p.relnamespace = current_schema()::regnamespace
   and c.relkind = 'r';

comment on view partition_sizes is 'Each day partition and what it takes on disk, indexes and large values included.';
comment on column partition_sizes.day is 'The day of its records; null for `_rest`, where rows wait whose day has no partition yet.';
comment on column partition_sizes.rows_estimate is 'As the last vacuum or analyze found; null before the first.';

create view table_sizes with (security_invoker = true) as
select table_name,
       sum(bytes)::bigint as bytes,
       sum(rows_estimate)::bigint as rows_estimate,
       count(*) as partitions
  from partition_sizes
 group by table_name
union all
select c.relname::text,
       pg_total_relation_size(c.oid),
       case when c.reltuples >= 0 then c.reltuples::bigint end,
       null
  from pg_class c
 where c.relkind = 'r' and not c.relispartition and c.relnamespace = current_schema()::regnamespace;

comment on view table_sizes is 'Each table and what it takes on disk, indexes and large values included.';
comment on column table_sizes.partitions is 'How many day partitions it has; null when it has none by nature.';

-- As before, and when what failed had begun: partitions are by that time, so a list of some days reads no others.
create or replace view errors with (security_invoker = true) as
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
       l.landed_at,
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
       null::text as origin,
       s.name,
       s.trace_id,
       s.span_id,
       s.session_id,
       s.user_id,
       s.service_name,
       s.landed_at,
       s.start_time as started_at
  from spans s
  -- Older instrumentations record exceptions as events of the span.
  left join lateral (
    select event -> 'attributes' as attributes
      from jsonb_array_elements(s.events) event
     where event ->> 'name' = 'exception'
     limit 1
  ) e on true
 where s.status_code = 2 or s.error_type is not null;

comment on column errors.started_at is 'When what failed had begun, by which days are kept apart; of an exception: when it occurred.';
