-- Parts of contents whose other parts have not arrived. Each sender's parts are kept apart, since two senders may cut one
-- content differently.
create table content_parts (
  team_id text    not null,
  day     date    not null,
  sha256  bytea   not null,
  sender  text    not null,
  parts   integer not null,
  part    integer not null,
  -- The size of the whole content, as its sender declared it.
  size    bigint  not null,
  bytes   bytea   not null,
  primary key (team_id, day, sha256, sender, parts, part)
) partition by range (day);

create table content_parts_rest partition of content_parts default;
