-- What was added since the point before: a cumulative stream's points are subtracted from each other.
create or replace view metric_increases with (security_invoker = true) as
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
