-- Data points of metrics, partitioned by the UTC day of their own time, as all records are.

create table metric_points (
  team_id         text             not null,
  -- The hash of resource, scope, user, metric and attributes: the stream to which a client adds points.
  stream_sha256   bytea            not null,
  -- The hash of the point's times and numbers. A point that is sent again has the same one.
  point_sha256    bytea            not null,
  time            timestamptz      not null,
  time_unix_nano  bigint           not null,
  -- Null when the client sends no start.
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
  -- An integer has both: the double for arithmetic, and the integer with every digit.
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
  -- The stream comes first, so that the previous point of a stream can be found.
  primary key (stream_sha256, time, point_sha256, team_id)
) partition by range (time);

create index metric_points_by_name on metric_points (name, time desc, team_id);
create index metric_points_by_session on metric_points (session_id, team_id)
  where session_id is not null;

create table metric_points_rest partition of metric_points default;
