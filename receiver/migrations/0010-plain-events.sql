-- What plain events need beside the rows they become.

-- Which ones have landed: an event sent again with another time would have another key.
create table event_claims (
  team_id   text        not null,
  claim     bytea       not null,
  -- Of the event: another one with the same claim is told apart.
  hash      bytea       not null,
  landed_at timestamptz not null default now(),
  primary key (team_id, claim)
);
create index event_claims_by_time on event_claims (landed_at);

-- A plain client numbers no records, and so is no recorder: what its SessionStart says of the session stands here.
alter table session_lifetimes
  add column started_at      timestamptz,
  add column service_version text,
  add column resource        jsonb;
