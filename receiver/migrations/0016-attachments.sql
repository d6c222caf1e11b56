-- The days under which an attachment is stored, or awaited: a record of that day refers to it, and it has not arrived.
-- The hash comes before the day in the key, since neither an upload nor a record knows the days of the others.
create table attachment_days (
  team_id text    not null,
  sha256  bytea   not null,
  day     date    not null,
  is_here boolean not null,
  primary key (team_id, sha256, day)
) partition by range (day);

create table attachment_days_rest partition of attachment_days default;
