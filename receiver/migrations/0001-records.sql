-- Records and their contents: spans, log records and contents, partitioned by the UTC day of the record's own time;
-- recorders and sessions; and the ledger of sequences, which outlives the records.
--
-- `team_id` is part of every key. The receiver creates day partitions ahead of need; a row without one lands in the
-- table's `_rest` partition, and moves when the partition of its day is created.
-- Works on PostgreSQL 15: no extension, no trigger, no storage clause.

create table spans (
  team_id             text        not null,
  trace_id            text        not null,
  span_id             text        not null,
  start_time          timestamptz not null,
  end_time            timestamptz,
  start_unix_nano     bigint      not null,
  end_unix_nano       bigint,
  parent_span_id      text,
  trace_state         text,
  flags               bigint      not null,
  name                text        not null,
  kind                integer     not null,
  status_code         integer     not null,
  status_message      text,
  service_name        text,
  session_id          text,
  user_id             text,
  recorder_id         text,
  sequence            bigint,
  conversation_id     text,
  operation           text,
  agent_name          text,
  tool_name           text,
  tool_call_id        text,
  request_model       text,
  response_model      text,
  input_tokens        bigint,
  output_tokens       bigint,
  cache_read_tokens   bigint,
  cache_write_tokens  bigint,
  reasoning_tokens    bigint,
  file_path           text,
  file_operation_id   text,
  file_operation_type text,
  error_type          text,
  abandoned           boolean     not null,
  attributes          jsonb       not null,
  events              jsonb,
  links               jsonb,
  resource            jsonb       not null,
  scope               jsonb       not null,
  dropped_counts      jsonb,
  landed_at           timestamptz not null default now(),
  -- When a true end replaced an abandoned one.
  replaced_at         timestamptz,
  -- A span that is sent again has the same start, so it conflicts here. The trace comes first, since most queries are by trace.
  primary key (trace_id, span_id, start_time, team_id)
) partition by range (start_time);

-- For lists, newest first. These indexes are small, since most spans are in none of them.
create index turns_by_time on spans (start_time desc, team_id)
  where operation = 'invoke_agent';
create index model_calls_by_time on spans (start_time desc, team_id)
  where operation in ('chat', 'text_completion', 'generate_content');
create index tool_calls_by_time on spans (start_time desc, team_id)
  where operation = 'execute_tool';
create index file_operations_by_time on spans (start_time desc, team_id)
  where file_operation_type is not null;
create index failed_spans_by_time on spans (start_time desc, team_id)
  where status_code = 2 or error_type is not null;
create index spans_by_session on spans (session_id, team_id, operation)
  where session_id is not null;
create index spans_by_file_operation on spans (file_operation_id, team_id)
  where file_operation_id is not null;

create table spans_rest partition of spans default;

create table log_records (
  team_id           text        not null,
  -- `log.record.uid` if there is one; else `#`, the hash of resource, scope and record, and a number that tells equal
  -- records of one request apart.
  record_key        text        not null,
  -- Its own time, or if it has none, the time when it was observed.
  time              timestamptz not null,
  time_unix_nano    bigint      not null,
  observed_time     timestamptz,
  event_name        text,
  severity_number   integer     not null,
  severity_text     text,
  body              jsonb       not null,
  trace_id          text,
  span_id           text,
  flags             bigint      not null,
  service_name      text,
  session_id        text,
  user_id           text,
  recorder_id       text,
  sequence          bigint,
  conversation_id   text,
  file_path         text,
  file_operation_id text,
  error_type        text,
  abandoned         boolean     not null,
  attributes        jsonb       not null,
  resource          jsonb       not null,
  scope             jsonb       not null,
  dropped_counts    jsonb,
  landed_at         timestamptz not null default now(),
  replaced_at       timestamptz,
  primary key (record_key, time, team_id)
) partition by range (time);

create index log_records_by_event on log_records (event_name, time desc, team_id)
  where event_name is not null;
create index exceptions_by_time on log_records (time desc, team_id)
  where event_name = 'exception' or error_type is not null;
create index log_records_by_session on log_records (session_id, team_id, event_name)
  where session_id is not null;
create index log_records_by_trace on log_records (trace_id, team_id)
  where trace_id is not null;
create index log_records_by_file_operation on log_records (file_operation_id, team_id)
  where file_operation_id is not null;

create table log_records_rest partition of log_records default;

-- Contents by the hash of their bytes, each once for a day and team. `body` if the bytes are text (UTF-8 without NUL), else
-- `bytes`. The day is that of the record that refers to the content.
create table contents (
  team_id text    not null,
  day     date    not null,
  sha256  bytea   not null,
  part    integer not null default 0,
  body    text,
  bytes   bytea,
  size    bigint  not null,
  primary key (team_id, day, sha256, part),
  check ((body is null) <> (bytes is null))
) partition by range (day);

create table contents_rest partition of contents default;

-- A list of messages is identified by its last link. Link n is the hash of link n - 1 and the n-th message.
create table message_links (
  team_id  text    not null,
  day      date    not null,
  sha256   bytea   not null,
  previous bytea,
  message  bytea   not null,
  position integer not null,
  primary key (team_id, day, sha256)
) partition by range (day);

create table message_links_rest partition of message_links default;

create table recorders (
  team_id           text        not null,
  recorder_id       text        not null,
  session_id        text,
  user_id           text,
  service_name      text,
  service_version   text,
  resource          jsonb,
  -- The last sequence that it is known to have used. Each sealed request reports it, and so does a clean end.
  recorded_through  bigint,
  last_sequence     bigint,
  started_at        timestamptz,
  ended_at          timestamptz,
  is_end_abandoned  boolean,
  exit_code         bigint,
  first_seen_at     timestamptz not null default now(),
  last_seen_at      timestamptz not null default now(),
  primary key (team_id, recorder_id)
);
create index recorders_by_session on recorders (session_id, team_id);

-- One row for each session that a record names.
create table session_lifetimes (
  team_id      text        not null,
  session_id   text        not null,
  user_id      text,
  service_name text,
  first_time   timestamptz not null,
  last_time    timestamptz not null,
  primary key (team_id, session_id)
);
create index sessions_by_time on session_lifetimes (first_time desc, team_id);

-- For each recorder: recorded = landed + rejected + dropped + missing, computed from these ranges.
create table ledger (
  team_id     text           not null,
  recorder_id text           not null,
  state       text           not null check (state in ('landed', 'rejected', 'dropped')),
  sequences   int8multirange not null,
  primary key (team_id, recorder_id, state)
);
