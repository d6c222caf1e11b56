-- Tables and columns for plain events, in addition to the records they become.

-- Which events have landed: an event that is sent again with another time would have another key.
create table event_claims (
  team_id   text        not null,
  claim     bytea       not null,
  -- The hash of the event, which tells it from a different event with the same claim.
  hash      bytea       not null,
  landed_at timestamptz not null default now(),
  primary key (team_id, claim)
);
create index event_claims_by_time on event_claims (landed_at);

-- A plain client does not number its records, so it is not a recorder: its SessionStart is stored with the session.
alter table session_lifetimes
  add column started_at      timestamptz,
  add column service_version text,
  add column resource        jsonb;
