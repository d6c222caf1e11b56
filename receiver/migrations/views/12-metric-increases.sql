-- What each point added to its stream: of a cumulative stream, the difference to the previous point.
create or replace view metric_increases with (security_invoker = true) as
select m.team_id, m.name, m.unit, m.kind, m.time,
       case when b.is_continued then m.value - b.value else m.value end as value,
       case when b.is_continued then m.count - b.count else m.count end as count,
       case when b.is_continued then m.sum - b.sum else m.sum end as sum,
       m.attributes, m.service_name, m.session_id, m.user_id, m.resource, m.stream
  from metrics m
  left join lateral (
    select p.value, p.count, p.sum,
           -- Another start time, or a number that decreased, means that the counter was reset: its whole value was added.
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
   -- The first point of a cumulative stream without a start time may include earlier values, so it is left out.
   and (m.temporality = 'delta' or m.start_time is not null or b.is_continued is not null);

comment on view metric_increases is 'What each point of counters and histograms added, whether it was sent as delta or cumulative; these values can be summed.';
comment on column metric_increases.value is 'For counters: the increase since the previous point.';
comment on column metric_increases.count is 'For histograms: how many values were added since the previous point; sum is of these values.';
