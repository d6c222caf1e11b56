-- What Jaeger's pickers and searches ask for.

-- Rows land about in the order of their times, so that a few bytes a page find the hour that is searched.
create index spans_by_time on spans using brin (start_time) with (pages_per_range = 32, autosummarize = on);

-- Which services and operations there are: leaps from one to the next. Names are cut, since an entry of an index must
-- fit into a third of a page; equal entries share one, so that it is small.
create index operations_by_service on spans
  (team_id, (left(service_name, 200)), (left(name, 200)), kind);
