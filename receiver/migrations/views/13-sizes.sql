-- Current sizes. A partition's day is the UTC day of its records; `_rest` holds rows of days without a partition.
create or replace view partition_sizes with (security_invoker = true) as
select p.relname::text as table_name, c.relname::text as partition_name,
       case when c.relname ~ '_[0-9]{8}$' then to_date(right(c.relname, 8), 'YYYYMMDD') end as day,
       pg_total_relation_size(c.oid) as bytes,
       case when c.reltuples >= 0 then c.reltuples::bigint end as rows_estimate
  from pg_class p
  join pg_inherits i on i.inhparent = p.oid
  join pg_class c on c.oid = i.inhrelid
 where p.relkind = 'p' and p.relnamespace = current_schema()::regnamespace
   and c.relkind = 'r';

comment on view partition_sizes is 'Each day partition and its size on disk, including indexes and large values.';
comment on column partition_sizes.day is 'The day of its records; null for `_rest`, which holds rows of days without a partition.';
comment on column partition_sizes.rows_estimate is 'As of the last vacuum or analyze; null before the first.';

create or replace view table_sizes with (security_invoker = true) as
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

comment on view table_sizes is 'Each table and its size on disk, including indexes and large values.';
comment on column table_sizes.partitions is 'How many day partitions it has; null for tables without partitions.';
