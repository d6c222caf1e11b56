-- Data points of metrics, partitioned as the other records by the day (UTC) of their own time.

create table metric_points (
  team_id         text             not null,
  -- What a client adds points to: its resource, scope, user, metric and attributes, hashed.
  stream_sha256   bytea            not null,
  -- The point within its stream: its times and numbers, hashed. Sent again, it is the same.
  point_sha256    bytea            not null,
  time            timestamptz      not null,
  time_unix_nano  bigint           not null,
  -- Null when the client does not say since when.
  start_time      timestamptz,
  start_unix_nano bigint,
  name            text             not null,
  description     text,
  unit            text,
  kind            text             not null
    check (kind in ('gauge', 'sum', 'histogram', 'exponential_histogram', 'summary')),
  temporality     text,
  monotonic       boolean,
  flags           bigint           not null,
  -- Of an integer both: the double is for arithmetic, the integer has every digit.
  value           double precision,
  value_integer   bigint,
  count           bigint,
  sum             double precision,
  min             double precision,
  max             double precision,
  bucket_counts   bigint[],
  bucket_bounds   double precision[],
  exponential     jsonb,
  quantiles       jsonb,
  exemplars       jsonb,
  metadata        jsonb,
  service_name    text,
  session_id      text,
  user_id         text,
  recorder_id     text,
  attributes      jsonb            not null,
  resource        jsonb            not null,
  scope           jsonb            not null,
  landed_at       timestamptz      not null default now(),
  -- The stream comes first: the point before this one is found by it.
  primary key (stream_sha256, time, point_sha256, team_id)
) partition by range (time);

create index metric_points_by_name on metric_points (name, time desc, team_id);
create index metric_points_by_session on metric_points (session_id, team_id)
  where session_id is not null;

create table metric_points_rest partition of metric_points default;

create view metrics with (security_invoker = true) as
select p.team_id,
       p.name,
       p.unit,
       p.kind,
       p.temporality,
       p.monotonic,
       p.time,
       p.start_time,
       case when p.flags & 1 = 0 then p.value end as value,
       case when p.flags & 1 = 0 then p.value_integer end as value_integer,
       case when p.flags & 1 = 0 then p.count end as count,
       case when p.flags & 1 = 0 then p.sum end as sum,
       case when p.flags & 1 = 0 then p.min end as min,
       case when p.flags & 1 = 0 then p.max end as max,
       p.bucket_counts,
       p.bucket_bounds,
       p.exponential,
       p.quantiles,
       p.exemplars,
       p.flags & 1 = 1 as no_recorded_value,
       p.attributes,
       p.service_name,
       p.session_id,
       p.user_id,
       p.recorder_id,
       p.resource,
       p.scope,
       p.description,
       p.metadata,
       encode(p.stream_sha256, 'hex') as stream,
       p.landed_at
  from metric_points p;

comment on view metrics is 'One data point of a metric each, as it was sent; metric_increases says what each added.';
comment on column metrics.kind is 'gauge, sum, histogram, exponential_histogram or summary.';
comment on column metrics.temporality is 'Of a sum or histogram: delta, what was added since start_time; cumulative, all since start_time.';
comment on column metrics.value is 'Of a gauge or sum. Null when there was none; NaN and Infinity are as sent.';
comment on column metrics.value_integer is 'The same with every digit, when it was sent as an integer.';
comment on column metrics.count is 'Of a histogram or summary: how many values; sum, min and max are theirs.';
comment on column metrics.bucket_counts is 'Of a histogram: how many values in each bucket; bucket_bounds says where one ends and the next begins.';
comment on column metrics.exponential is 'Of an exponential histogram: scale, zero_count, zero_threshold, positive and negative with offset and counts.';
comment on column metrics.no_recorded_value is 'The client says that the stream has ended, or has nothing to say: the numbers are null.';
comment on column metrics.stream is 'Equal for points of one client, metric and attributes: order by time within it.';

-- What was added since the point before: a cumulative stream's points are subtracted from each other.
create view metric_increases with (security_invoker = true) as
select m.team_id,
       m.name,
       m.unit,
       m.kind,
       m.time,
       case when b.is_continued then m.value - b.value else m.value end as value,
       case when b.is_continued then m.count - b.count else m.count end as count,
       case when b.is_continued then m.sum - b.sum else m.sum end as sum,
       m.attributes,
       m.service_name,
       m.session_id,
       m.user_id,
       m.resource,
       m.stream
  from metrics m
  left join lateral (
    select p.value, p.count, p.sum,
           -- Another start, or a number that fell, is a new beginning: what it counts is new.
           p.start_time is not distinct from m.start_time
             and coalesce(m.value >= p.value, true)
             and coalesce(m.count >= p.count, true) as is_continued
      from metric_points p
     where m.temporality = 'cumulative'
       and p.team_id = m.team_id and p.stream_sha256 = decode(m.stream, 'hex')
       and p.time < m.time and p.flags & 1 = 0
     order by p.time desc
     limit 1
  ) b on true
 where m.kind in ('sum', 'histogram', 'exponential_histogram')
   and m.temporality in ('delta', 'cumulative')
   and (m.kind <> 'sum' or m.monotonic)
   and not m.no_recorded_value
   -- A cumulative stream that does not say since when begins with what it had counted before.
   and (m.temporality = 'delta' or m.start_time is not null or b.is_continued is not null);

comment on view metric_increases is 'What counters and histograms added, point by point, whether they were sent as delta or cumulative: what to sum up.';
comment on column metric_increases.value is 'Of a counter: how much more since the point before.';
comment on column metric_increases.count is 'Of a histogram: how many values since the point before; sum is theirs.';
