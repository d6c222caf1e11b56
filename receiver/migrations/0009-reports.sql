-- The receiver's own counts over time, and the use of the disk, for dashboards and monitoring.

-- The counts of one receiver since its previous sample, about once a minute: received = landed + duplicate + rejected.
create table receiver_samples (
  -- Identifies one run of one receiver.
  receiver_id    text             not null,
  sampled_at     timestamptz      not null default now(),
  seconds        double precision not null,
  received       bigint           not null,
  landed         bigint           not null,
  duplicate      bigint           not null,
  rejected       bigint           not null,
  memory_bytes   bigint           not null,
  -- All connections to the database, of any client.
  connections    integer          not null,
  database_bytes bigint           not null,
  primary key (receiver_id, sampled_at)
);
create index receiver_samples_by_time on receiver_samples (sampled_at);

comment on table receiver_samples is 'What each receiver counted since its sample before, about once a minute, for as many days as records are kept.';
comment on column receiver_samples.receiver_id is 'One run of one receiver.';
comment on column receiver_samples.seconds is 'The time the sample covers; more than a minute when the database could not be reached.';
comment on column receiver_samples.received is 'Records that came in: landed + duplicate + rejected.';
comment on column receiver_samples.connections is 'To the database, by whomever.';

-- Added once an hour, by the first receiver.
create table table_samples (
  hour       timestamptz not null,
  table_name text        not null,
  bytes      bigint      not null,
  primary key (hour, table_name)
);
comment on table table_samples is 'How large each table was at the start of each hour, its indexes and large values included.';
