create or replace view metrics with (security_invoker = true) as
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
