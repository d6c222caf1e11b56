-- How the views read attributes and contents. All are parallel safe, none fails on what a client sent.

create function turnlog_day(moment timestamptz) returns date
language sql immutable parallel safe
return (moment at time zone 'UTC')::date;

create function turnlog_hash(reference text) returns bytea
language sql immutable parallel safe
return case when reference ~ '^sha256:[0-9a-f]{64}$' then decode(substr(reference, 8), 'hex') end;

-- `case` inside `case`: only that holds back the cast of what is no number.
create function turnlog_integer(value jsonb) returns bigint
language sql immutable parallel safe
return case when jsonb_typeof(value) = 'number' then
  case when (value #>> '{}')::numeric between -9223372036854775808 and 9223372036854775807
  then trunc((value #>> '{}')::numeric)::bigint end
end;

create function turnlog_number(value jsonb) returns double precision
language sql immutable parallel safe
return case when jsonb_typeof(value) = 'number' then
  case when abs((value #>> '{}')::numeric) < 1e-300 then 0
       when abs((value #>> '{}')::numeric) < 1e300
       then (value #>> '{}')::numeric::double precision end
end;

-- Seconds as an interval; null beyond a century, which is no time anybody waited.
create function turnlog_seconds(value jsonb) returns interval
language sql immutable parallel safe
return case
  when turnlog_number(value) between -3.2e9 and 3.2e9
  then make_interval(secs => turnlog_number(value))
end;

create function turnlog_boolean(value jsonb) returns boolean
language sql immutable parallel safe
return case when jsonb_typeof(value) = 'boolean' then value::boolean end;

-- The messages of a list, from its last link back to its first. Two lists that share a link share all before it.
create function turnlog_messages(team text, content_day date, list bytea)
returns table (place integer, link bytea, message_body text, message_bytes bytea)
language sql stable parallel safe
begin atomic
  with recursive walk as (
    select l.position, l.sha256, l.previous, l.message
      from message_links l
     where l.team_id = team and l.day = content_day and l.sha256 = list
    union all
    select l.position, l.sha256, l.previous, l.message
      from walk
      join message_links l
        on l.team_id = team and l.day = content_day and l.sha256 = walk.previous
       and l.position = walk.position - 1
  )
  select walk.position, walk.sha256, c.body, c.bytes
    from walk
    left join contents c
      on c.team_id = team and c.day = content_day and c.sha256 = walk.message and c.part = 0;
end;

-- The text of an attribute's value, wherever it lies; null when it is absent or no text.
create function turnlog_text(team text, content_day date, value jsonb) returns text
language sql stable parallel safe
return case
  when value is null or jsonb_typeof(value) = 'null' then null
  when jsonb_typeof(value) <> 'object' then value #>> '{}'
  when value ? 'turnlog.content' then (
    select c.body
      from contents c
     where c.team_id = team and c.day = content_day
       and c.sha256 = turnlog_hash(value ->> 'turnlog.content') and c.part = 0
  )
  when value ? 'turnlog.messages' then (
    select case
             when count(m.message_body) = max(m.place)
             then '[' || string_agg(m.message_body, ',' order by m.place) || ']'
           end
      from turnlog_messages(team, content_day, turnlog_hash(value ->> 'turnlog.messages')) m
  )
  else value::text
end;

-- The bytes of an attribute's value that is no text; null when it is text, or absent.
create function turnlog_bytes(team text, content_day date, value jsonb) returns bytea
language sql stable parallel safe
return case
  when jsonb_typeof(value) is distinct from 'object' or not value ? 'bytes' then null
  when value ? 'turnlog.content' then (
    select c.bytes
      from contents c
     where c.team_id = team and c.day = content_day
       and c.sha256 = turnlog_hash(value ->> 'turnlog.content') and c.part = 0
  )
  when value ? 'turnlog.messages' then (
    select case
             when count(*) = max(m.place)
             then '\x5b'::bytea
               || string_agg(
                    coalesce(m.message_bytes, convert_to(m.message_body, 'UTF8')),
                    '\x2c'::bytea order by m.place)
               || '\x5d'::bytea
           end
      from turnlog_messages(team, content_day, turnlog_hash(value ->> 'turnlog.messages')) m
  )
end;

-- How many sequences there are in ranges.
create function turnlog_count(ranges int8multirange) returns bigint
language sql immutable parallel safe
return (select coalesce(sum(upper(r) - lower(r)), 0)::bigint from unnest(ranges) r);
