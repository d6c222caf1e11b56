-- Functions with which the views read attributes. All are parallel safe, and none fails, whatever a client sent.

create or replace function turnlog_day(moment timestamptz) returns date
language sql immutable parallel safe
return (moment at time zone 'UTC')::date;

create or replace function turnlog_hash(reference text) returns bytea
language sql immutable parallel safe
return case when reference ~ '^sha256:[0-9a-f]{64}$' then decode(substr(reference, 8), 'hex') end;

-- Nested `case`: only that keeps PostgreSQL from casting a value that is not a number.
create or replace function turnlog_integer(value jsonb) returns bigint
language sql immutable parallel safe
return case when jsonb_typeof(value) = 'number' then
  case when (value #>> '{}')::numeric between -9223372036854775808 and 9223372036854775807
  then trunc((value #>> '{}')::numeric)::bigint end
end;

create or replace function turnlog_number(value jsonb) returns double precision
language sql immutable parallel safe
return case when jsonb_typeof(value) = 'number' then
  case when abs((value #>> '{}')::numeric) < 1e-300 then 0
       when abs((value #>> '{}')::numeric) < 1e300
       then (value #>> '{}')::numeric::double precision end
end;

-- Seconds as an interval; null beyond a century, which cannot be a duration.
create or replace function turnlog_seconds(value jsonb) returns interval
language sql immutable parallel safe
return case
  when turnlog_number(value) between -3.2e9 and 3.2e9
  then make_interval(secs => turnlog_number(value))
end;

create or replace function turnlog_boolean(value jsonb) returns boolean
language sql immutable parallel safe
return case when jsonb_typeof(value) = 'boolean' then value::boolean end;

-- A duration; null when it is unknown, in which case start and end are equal, and when the end is before the start: the clock was set back.
create or replace function turnlog_duration(started timestamptz, ended timestamptz, attributes jsonb) returns interval
language sql immutable parallel safe
return case when ended >= started and not attributes ? 'turnlog.duration.unknown' then ended - started end;

-- The number of sequences in ranges.
create or replace function turnlog_count(ranges int8multirange) returns bigint
language sql immutable parallel safe
return (select coalesce(sum(upper(r) - lower(r)), 0)::bigint from unnest(ranges) r);

-- The turn that a turn goes on from, of its links.
create or replace function turnlog_previous_turn(links jsonb) returns jsonb
language sql immutable parallel safe
return jsonb_path_query_first(links, '$[*] ? (@.attributes."turnlog.link.type" == "previous_turn")');
