-- Tokens and sign-in. Of secrets only the SHA-256 is stored; they are long and random, so a hash without salt suffices.

create table tokens (
  team_id      text        not null,
  token_id     text        not null,
  token_sha256 bytea       not null unique,
  user_id      text        not null,
  scope        text        not null check (scope in ('ingest', 'read', 'admin')),
  created_at   timestamptz not null default now(),
  revoked_at   timestamptz,
  primary key (team_id, token_id)
);

-- Links that sign in one browser each.
create table sign_in_links (
  team_id     text        not null,
  code_sha256 bytea       not null,
  created_at  timestamptz not null default now(),
  expires_at  timestamptz not null,
  used_at     timestamptz,
  primary key (team_id, code_sha256)
);

create table page_sessions (
  team_id       text        not null,
  cookie_sha256 bytea       not null,
  created_at    timestamptz not null default now(),
  expires_at    timestamptz not null,
  primary key (team_id, cookie_sha256)
);
