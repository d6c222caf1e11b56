-- Which definitions of the views the database has; see storage/views.ts.

create table schema_views (
  only_row   boolean     primary key default true check (only_row),
  -- Of the files in views/, in hex.
  sha256     text        not null,
  -- The version of the receiver that applied them.
  release    text        not null,
  applied_at timestamptz not null default now()
);
