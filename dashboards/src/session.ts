/** One run of an app: its turns, their events in order, and one turn as a trace. */
import { dashboard } from './dashboard.ts'
import { showTraceLink, traceLink, turnPageLink } from './links.ts'
import { each, lines, stat, table, trace } from './panels.ts'
import { one, receiverVariable } from './variables.ts'

const ofSession = `session_id = \${session:sqlstring}`

const sessionVariable = one('session', {
  label: 'Session',
  description:
    'One run of an app process. The list has those with records in the chosen time, newest first.',
  sql: `
    select session_id as __value,
           concat_ws(' · ', to_char(started_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI'), user_id,
                     service_name, left(session_id, 8)) as __text
      from sessions
     where last_record_at >= $__timeFrom() and started_at <= $__timeTo()
     order by last_record_at desc
     limit 500`,
})

const turnVariable = one('trace', {
  label: 'Turn',
  description: 'The turn to show as a trace: choose one here, or click one in a list.',
  sql: `
    select trace_id as __value,
           concat_ws(' · ', to_char(started_at at time zone 'UTC', 'HH24:MI:SS'), left(prompt_preview, 60)) as __text
      from turns
     where ${ofSession}
     order by started_at desc
     limit 500`,
})

const facts = [
  table({
    title: 'The session',
    description:
      'Where it ran and how it ended. Empty: unknown. Without an end it still runs, or did not report its end.',
    sql: `
      select user_id as "user",
             service_name as service,
             service_version as version,
             started_at as started,
             ended_at as ended,
             last_record_at as "last record",
             exit_code as "exit code",
             abandoned,
             git_branch as branch,
             left(git_revision, 12) as revision,
             os_type as os,
             runtime_version as runtime,
             capture_mode as capture
        from sessions
       where ${ofSession}`,
    columns: {
      ...each('dateTimeAsIso', 'started', 'ended', 'last record'),
      'exit code': { unit: 'none' },
    },
    height: 4,
  }),
  stat({
    title: 'Turns · model calls · tool calls',
    description: 'Of the whole session, whatever time is chosen.',
    unit: 'none',
    sql: `
      select turns,
             model_calls as "model calls",
             tool_calls as "tool calls"
        from sessions
       where ${ofSession}`,
    span: 6,
  }),
  stat({
    title: 'File operations · decisions',
    description: 'Of the whole session, whatever time is chosen.',
    unit: 'none',
    sql: `
      select file_operations as "file operations",
             change_decisions as decisions
        from sessions
       where ${ofSession}`,
    span: 6,
  }),
  stat({
    title: 'Tokens',
    description: 'Of its model calls. Input includes cached tokens.',
    sql: `
      select sum(input_tokens)::float8 as input,
             sum(cache_read_tokens)::float8 as "from cache",
             sum(output_tokens)::float8 as output
        from model_calls
       where ${ofSession}`,
    span: 6,
  }),
  stat({
    title: 'Errors',
    description: 'Reported exceptions and failed operations.',
    unit: 'none',
    redFrom: 1,
    sql: `
      select count(*) as errors
        from errors
       where ${ofSession}`,
    span: 6,
  }),
]

const turns = [
  table({
    title: 'Turns',
    description:
      'Click a prompt to show the turn as a trace below, or in full on the receiver’s page.',
    sql: `
      select started_at as "time",
             prompt_preview as prompt,
             answer_preview as answer,
             extract(epoch from duration)::float8 as duration,
             outcome,
             model,
             model_calls as "model calls",
             tool_calls as "tool calls",
             file_operations as "file operations",
             input_tokens as "input tokens",
             output_tokens as "output tokens",
             trace_id as trace
        from turns
       where ${ofSession}
       order by started_at
       limit 500`,
    columns: {
      time: { unit: 'dateTimeAsIso', width: 170 },
      prompt: { width: 280, links: [showTraceLink('trace'), turnPageLink('trace')] },
      answer: { width: 280 },
      duration: { unit: 's' },
      ...each('none', 'model calls', 'tool calls', 'file operations'),
      ...each('short', 'input tokens', 'output tokens'),
      trace: { links: [showTraceLink('trace'), traceLink('trace'), turnPageLink('trace')] },
    },
  }),
  table({
    title: 'Events',
    description: 'The first thousand events in order. The turn’s page has their content.',
    sql: `
      select "time", what, name, duration, problem, trace
        from (
          select started_at as "time", 'turn' as what, left(prompt_preview, 80) as name,
                 extract(epoch from duration)::float8 as duration,
                 nullif(outcome, 'completed') as problem, trace_id as trace
            from turns
           where ${ofSession}
          union all
          select started_at, 'model call', coalesce(request_model, response_model),
                 extract(epoch from duration)::float8, error_type, trace_id
            from model_calls
           where ${ofSession}
          union all
          select started_at, 'tool call', tool,
                 extract(epoch from duration)::float8, error_type, trace_id
            from tool_calls
           where ${ofSession}
          union all
          select started_at, 'file ' || type, path,
                 extract(epoch from duration)::float8, error_type, trace_id
            from file_operations
           where ${ofSession}
          union all
          select decided_at, decision || ' by ' || coalesce(source, 'nobody known'), path,
                 null, case when outcome in ('conflict', 'missing') then outcome end, trace_id
            from change_decisions
           where ${ofSession}
          union all
          select occurred_at, 'exception', type, null, coalesce(origin, 'recorded'), trace_id
            from errors
           where ${ofSession} and kind = 'exception'
        ) happened
       order by "time"
       limit 1000`,
    columns: {
      time: { unit: 'dateTimeAsIso', width: 170 },
      name: { width: 360 },
      duration: { unit: 's' },
      trace: { links: [showTraceLink('trace'), turnPageLink('trace')] },
    },
    span: 14,
    height: 14,
  }),
  lines({
    title: 'Tokens of each model call',
    description: 'The growth of the context, and its share from the cache, in the chosen time.',
    sql: `
      select started_at as "time",
             input_tokens::float8 as "input, cache included",
             cache_read_tokens::float8 as "read from cache",
             output_tokens::float8 as output
        from model_calls
       where ${ofSession} and $__timeFilter(started_at)
       order by 1`,
    span: 10,
    height: 14,
  }),
]

const changes = [
  table({
    title: 'File operations',
    description: 'With the last decision of each; empty: undecided.',
    sql: `
      select started_at as "time",
             type,
             path,
             lines_added as added,
             lines_removed as removed,
             tool,
             decision,
             decision_outcome as "on disk",
             trace_id as trace
        from file_operations
       where ${ofSession}
       order by started_at
       limit 500`,
    columns: {
      time: { unit: 'dateTimeAsIso', width: 170 },
      path: { width: 320, links: [turnPageLink('trace')] },
      ...each('none', 'added', 'removed'),
      trace: { links: [showTraceLink('trace'), turnPageLink('trace')] },
    },
    span: 14,
  }),
  table({
    title: 'Completeness',
    description:
      'For each recording thread: recorded = landed + rejected + dropped + missing; unseen: noticed, and no record. Empty: unknown.',
    sql: `
      select recorder_id as recorder,
             recorded, landed, rejected, dropped, missing, unseen,
             left(missing_sequences::text, 200) as "missing ones",
             ended
        from session_completeness
       where ${ofSession}
       order by recorder_id
       limit 200`,
    columns: {
      ...each('none', 'recorded', 'landed', 'rejected', 'dropped', 'missing', 'unseen'),
    },
    span: 10,
  }),
  table({
    title: 'What was not seen',
    description: 'Work that the app noticed and could not record, by reason and address.',
    sql: `
      select reason, why, host, path, sum(count)::float8 as count,
             max(recorded_at) as "last recorded"
        from unseen_work
       where ${ofSession}
       group by reason, why, host, path
       order by sum(count) desc
       limit 200`,
    columns: {
      count: { unit: 'none' },
      'last recorded': { unit: 'dateTimeAsIso' },
    },
    span: 14,
  }),
  table({
    title: 'What was observed',
    description:
      'Which parts of the app were observed when it started, and each time that changed. The last row is true.',
    sql: `
      select checked_at as "time", bound::text as observed, not_bound as "not observed", versions
        from self_checks
       where ${ofSession}
       order by checked_at
       limit 200`,
    columns: { time: { unit: 'dateTimeAsIso', width: 170 } },
    span: 10,
  }),
]

const oneTurn = trace({
  title: 'One turn as a trace',
  description: 'The chosen turn, with model calls, tool calls and file operations as spans.',
  traceId: '$trace',
})

export const session = dashboard({
  uid: 'turnlog-session',
  title: 'Turnlog: one session',
  description: 'One run of an app: its turns, their events in order, and one turn as a trace.',
  from: 'now-24h',
  variables: [sessionVariable, turnVariable, receiverVariable],
  sections: [
    { title: 'The session', panels: facts },
    { title: 'Turns', panels: turns },
    { title: 'Changes, and completeness', panels: changes },
    { title: 'Trace', panels: [oneTurn] },
  ],
})
