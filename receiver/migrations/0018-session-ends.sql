-- views: 9dd46f62ba954e1c407c64cad26bd40afde6aeb18370a5899b3ca305a4d17ab6
-- A client that numbers no records is no recorder: what its session.end says of the session stands here.
alter table session_lifetimes
  add column ended_at  timestamptz,
  add column exit_code bigint;
