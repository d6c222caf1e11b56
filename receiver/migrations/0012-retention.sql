-- Expiry, and deletion on request.

-- Each deletion of records, and how much it deleted; never any content. Its rows do not expire.
create table audit (
  audit_id bigint      primary key generated always as identity,
  -- Null when it concerned all teams: a day is dropped for all of them at once.
  team_id  text,
  at       timestamptz not null default now(),
  -- `expire`: by age. `purge`: an operator deleted everything from before a day.
  action   text        not null,
  -- `receiver`, or the operator's account.
  actor    text        not null,
  -- The first UTC day that was not deleted.
  before   date        not null,
  details  jsonb       not null
);
create index audit_of_purges on audit (before) where action = 'purge';

comment on table audit is 'What deleted records, and how much of each table; never what they held.';
comment on column audit.before is 'The first day (UTC) that was kept.';
comment on column audit.details is 'Days, partitions, rows (about, where PostgreSQL has an estimate) and bytes.';

-- Since when more than a week's days are due to expire at once, which may be caused by a clock that jumped.
create table expiry_state (
  only_row      boolean     primary key default true check (only_row),
  overdue_since timestamptz
);
insert into expiry_state default values;
