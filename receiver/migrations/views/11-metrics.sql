create or replace view metrics with (security_invoker = true) as
select p.team_id, p.name, p.unit, p.kind, p.temporality, p.monotonic, p.time, p.start_time,
       case when p.flags & 1 = 0 then p.value end as value,
       case when p.flags & 1 = 0 then p.value_integer end as value_integer,
       case when p.flags & 1 = 0 then p.count end as count,
       case when p.flags & 1 = 0 then p.sum end as sum,
       case when p.flags & 1 = 0 then p.min end as min,
       case when p.flags & 1 = 0 then p.max end as max,
       p.bucket_counts, p.bucket_bounds, p.exponential, p.quantiles, p.exemplars,
       p.flags & 1 = 1 as no_recorded_value,
       p.attributes, p.service_name, p.session_id, p.user_id, p.recorder_id, p.resource, p.scope,
       p.description, p.metadata,
       encode(p.stream_sha256, 'hex') as stream,
       p.landed_at
  from metric_points p;

comment on view metrics is 'One data point of a metric per row, as it was sent; metric_increases has what each point added.';
comment on column metrics.kind is 'gauge, sum, histogram, exponential_histogram or summary.';
comment on column metrics.temporality is 'For sums and histograms. delta: what was added since the previous point; cumulative: everything since start_time.';
comment on column metrics.value is 'For gauges and sums. Null when the point has no value; NaN and Infinity are as sent.';
comment on column metrics.value_integer is 'The same with every digit, when it was sent as an integer.';
comment on column metrics.count is 'For histograms and summaries: how many values; sum, min and max are of these values.';
comment on column metrics.bucket_counts is 'For histograms: how many values are in each bucket; bucket_bounds has the bounds between buckets.';
comment on column metrics.exponential is 'For exponential histograms: scale, zero_count, zero_threshold, positive and negative with offset and counts.';
comment on column metrics.no_recorded_value is 'The client reports that the stream has ended or has no value: the numbers are null.';
comment on column metrics.stream is 'The same for all points of one client, metric and attributes; order by time within it.';
