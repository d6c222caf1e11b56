-- Where the receiver of this database listens, for `turnlog-receiver link`: that command need not have its settings.

create table receiver_address (
  only_row boolean     primary key default true check (only_row),
  url      text        not null,
  noted_at timestamptz not null default now()
);
