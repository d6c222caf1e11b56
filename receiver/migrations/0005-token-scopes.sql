-- `gateway` is for a Collector that authenticates its users itself; it may name any user of its team.

alter table tokens drop constraint tokens_scope_check;
alter table tokens add constraint tokens_scope_check
  check (scope in ('ingest', 'gateway', 'read', 'admin'));
