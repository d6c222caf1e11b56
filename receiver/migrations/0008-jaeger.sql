-- Indexes for Jaeger's pickers and searches.

-- Rows land roughly in the order of their times, so a small index finds the pages of the hour that is searched.
create index spans_by_time on spans using brin (start_time) with (pages_per_range = 32, autosummarize = on);

-- Lists services and operations by stepping from one to the next. Names are cut, since an index entry must fit into a third
-- of a page. Equal entries are stored once, so the index is small.
create index operations_by_service on spans
  (team_id, (left(service_name, 200)), (left(name, 200)), kind);
