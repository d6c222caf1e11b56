-- A client that does not number its records is not a recorder: its session.end is stored with the session.
alter table session_lifetimes
  add column ended_at  timestamptz,
  add column exit_code bigint;
