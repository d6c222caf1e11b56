-- Functions with which the views read contents, in the row or in `contents`. All are parallel safe, and none fails, whatever a
-- client sent.

-- The text of bytes; null when they are not text: they contain a NUL, or are not UTF-8.
create or replace function turnlog_utf8(content bytea) returns text
language plpgsql immutable parallel safe
as $$
begin
  return convert_from(content, 'UTF8');
exception
  when character_not_in_repertoire or untranslatable_character then
    return null;
end
$$;

-- The JSON string of bytes that are text except for NULs and lone surrogates (of three bytes each); null for other bytes.
create or replace function turnlog_json_string(content bytea) returns text
language plpgsql immutable parallel safe
as $$
declare
  -- Each byte above 127 is written as `\nnn`, octal, and so are NUL and, after this replacement, the backslash.
  escaped  text   := replace(encode(content, 'escape'), '\\', '\134');
  unclean  text   := '\\000|\\355\\2[4-7][0-7]\\2[0-7]{2}';
  pieces   text[] := regexp_split_to_array(escaped, unclean);
begin
  return (
    select '"' || string_agg(
             substr(piece.json, 2, length(piece.json) - 2)
               || case
                    when piece.special is null then ''
                    when piece.special = '\000' then '\u0000'
                    -- Six bits in the last two digits of each byte.
                    else '\u' || to_hex(
                      x'd000'::int
                        + 512 * substr(piece.special, 7, 1)::int + 64 * substr(piece.special, 8, 1)::int
                        + 8 * substr(piece.special, 11, 1)::int + substr(piece.special, 12, 1)::int)
                  end, '' order by piece.place) || '"'
      from (
        select p.place,
               to_json(convert_from(decode(p.piece, 'escape'), 'UTF8'))::text as json,
               s.special
          from unnest(pieces) with ordinality as p (piece, place)
          left join (
            select m[1] as special, place
              from regexp_matches(escaped, '(' || unclean || ')', 'g') with ordinality as r (m, place)
          ) s using (place)
      ) piece
  );
exception
  when data_exception or program_limit_exceeded then
    return null;
end
$$;

-- Puts large members, which are stored as contents, back into JSON: `"x.ref":"sha256:…","x.size":n` becomes `"x":"…"`. With
-- `"x.media_type":"application/json"` the content is the member's JSON itself. If the content is missing, or cannot be written
-- as JSON, the reference remains.
create or replace function turnlog_expand(team text, content_day date, content text) returns text
language plpgsql stable strict parallel safe
as $$
declare
  pieces    text[];
  whole     text[] := '{}';
  before    text;
  after     text;
  member    text;
  found     text[];
  json      text;
  -- A text of PostgreSQL is at most 1 GB.
  total_max constant bigint := 256 * 1024 * 1024;
  total     bigint := octet_length(content);
begin
  if strpos(content, '.ref"') = 0 then
    return content;
  end if;
  -- Cut inside each reference: a piece ends with the name of one, and the next begins with its hash.
  pieces := regexp_split_to_array(content, '\.ref"\s*:\s*"sha256:');
  before := pieces[1];
  for place in 2 .. cardinality(pieces) loop
    after := pieces[place];
    member := substring(right(before, 600) from '"((?:[^"\\]|\\.)*)$');
    found := regexp_match(left(after, 2000),
      '^([0-9a-f]{64})"(\s*,\s*"((?:[^"\\]|\\.)*)\.size"\s*:\s*[0-9]+)?(\s*,\s*"((?:[^"\\]|\\.)*)\.media_type"\s*:\s*"application/json")?');
    json := null;
    if coalesce(found[3], member) = member and coalesce(found[5], member) = member then
      select case when found[4] is null
                  then coalesce(to_json(c.body)::text, turnlog_json_string(c.bytes))
                  else c.body
             end into json
        from contents c
       where c.team_id = team and c.day = content_day
         and c.sha256 = decode(found[1], 'hex') and c.part = 0
         and total + c.size <= total_max;
    end if;
    if json is null then
      before := before || '.ref":"sha256:';
    else
      total := total + octet_length(json);
      before := before || '":' || json;
      after := substr(after, 66 + coalesce(length(found[2]), 0) + coalesce(length(found[4]), 0));
    end if;
    whole := whole || before;
    before := after;
  end loop;
  return array_to_string(whole || before, '');
end
$$;

-- The messages of a list, from its last link back to its first. Two lists that share a link share all links before it.
create or replace function turnlog_messages(team text, content_day date, list bytea)
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

-- The last message of `role` in a JSON array of messages, or the last message if that role has none: its text parts, joined
-- by newlines. Null when no message has text, when a text part has not arrived, or when this is not such JSON.
create or replace function turnlog_said(messages text, role text) returns text
language plpgsql immutable parallel safe
as $$
begin
  return (
    select case when not said.awaited then said.text end
      from (
        select m.place,
               m.message ->> 'role' as said_by,
               t.text, t.awaited
          from (
            select e.place, e.message,
                   coalesce(e.message -> 'parts', e.message -> 'content') as parts
              from jsonb_array_elements(messages::jsonb) with ordinality as e (message, place)
          ) m
         cross join lateral (
           select string_agg(coalesce(p.part ->> 'content', p.part ->> 'text'), E'\n' order by p.place) as text,
                  coalesce(bool_or(p.part ? 'content.ref' or p.part ? 'text.ref'), false) as awaited
             from jsonb_array_elements(
                    case jsonb_typeof(m.parts)
                      when 'array' then m.parts
                      when 'string' then jsonb_build_array(jsonb_build_object('type', 'text', 'text', m.parts))
                    end) with ordinality as p (part, place)
            where p.part ->> 'type' = 'text'
         ) t
      ) said
     where said.text is not null or said.awaited
     order by (said.said_by is not distinct from role) desc, said.place desc
     limit 1
  );
exception
  -- Not JSON, not an array, or characters that PostgreSQL's JSON cannot hold.
  when data_exception or program_limit_exceeded then
    return null;
end
$$;

-- The text of a value, which is in the row or is a reference to a content or a list of messages, with large members of JSON put
-- back. Null when it is absent or not text.
create or replace function turnlog_referred(team text, content_day date, value jsonb) returns text
language sql stable parallel safe
return case
  when value is null or jsonb_typeof(value) = 'null' then null
  when jsonb_typeof(value) <> 'object' then value #>> '{}'
  when value ? 'turnlog.content' then (
    select case when value ? 'refs' then turnlog_expand(team, content_day, c.body) else c.body end
      from contents c
     where c.team_id = team and c.day = content_day
       and c.sha256 = turnlog_hash(value ->> 'turnlog.content') and c.part = 0
  )
  when value ? 'turnlog.messages' then (
    select case
             when count(m.message_body) < max(m.place) then null
             when value ? 'refs'
             then turnlog_expand(
                    team, content_day, '[' || string_agg(m.message_body, ',' order by m.place) || ']')
             else '[' || string_agg(m.message_body, ',' order by m.place) || ']'
           end
      from turnlog_messages(team, content_day, turnlog_hash(value ->> 'turnlog.messages')) m
  )
  else value::text
end;

-- The text of an attribute's value, in the row or referred to; null when it is absent or not text.
create or replace function turnlog_text(team text, content_day date, value jsonb) returns text
language sql stable parallel safe
return case
  when jsonb_typeof(value) = 'object' and value ? 'turnlog.said'
  then turnlog_said(turnlog_referred(team, content_day, value -> 'turnlog.said'), value ->> 'role')
  else turnlog_referred(team, content_day, value)
end;

-- The bytes of an attribute's value that is not text; null when it is text, or absent. A value with `ref` was sent apart from
-- its record, so only the content shows whether it is text.
create or replace function turnlog_bytes(team text, content_day date, value jsonb) returns bytea
language sql stable parallel safe
return case
  when jsonb_typeof(value) is distinct from 'object' then null
  when not (value ? 'bytes' or value ? 'ref') then null
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

-- For an attribute with neither text nor bytes: whether its content has not arrived yet.
create or replace function turnlog_awaited(team text, content_day date, value jsonb) returns boolean
language sql stable parallel safe
return coalesce(value ? 'turnlog.said' or value ? 'ref', false)
  and not exists (
    select
      from contents c
     where c.team_id = team and c.day = content_day and c.part = 0
       and c.sha256 = turnlog_hash(value ->> 'turnlog.content')
  );

-- What a span's exception says, such as its `exception.message`. Most instrumentations record exceptions as events of the span.
create or replace function turnlog_of_exception(team text, content_day date, events jsonb, attribute text) returns text
language sql stable parallel safe
return (
  select turnlog_text(team, content_day, event -> 'attributes' -> attribute)
    from jsonb_array_elements(events) with ordinality as e (event, place)
   where event ->> 'name' = 'exception'
   order by place desc
   limit 1);

-- Why a span failed: the message of its status or of its exception, else the result of a tool, with which the model was told.
-- Null if it did not fail, or nothing is known.
create or replace function turnlog_failure_message(s spans) returns text
language sql stable parallel safe
return case
  when s.status_code = 2 or s.error_type is not null then
    coalesce(s.status_message,
             turnlog_of_exception(s.team_id, turnlog_day(s.start_time), s.events, 'exception.message'),
             case when s.operation = 'execute_tool' then
               turnlog_text(s.team_id, turnlog_day(s.start_time), s.attributes -> 'gen_ai.tool.call.result')
             end)
end;
