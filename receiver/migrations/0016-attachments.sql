-- Where an attachment is kept, and where it is awaited: a record of the day refers to it, and it has not come.
-- The hash comes before the day: nobody who brings or awaits a content knows of which days the others are.
create table attachment_days (
  team_id text    not null,
  sha256  bytea   not null,
  day     date    not null,
  is_here boolean not null,
  primary key (team_id, sha256, day)
) partition by range (day);

create table attachment_days_rest partition of attachment_days default;
