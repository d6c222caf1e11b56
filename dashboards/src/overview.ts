/** Turns, model calls, tool calls and errors, by user, model and tool, with their durations. */
import { dashboard } from './dashboard.ts'
import { sessionLink, traceLink, turnPageLink } from './links.ts'
import { bars, each, lines, quantiles, quantilesOverTime, stat, table } from './panels.ts'
import { chosen, modelVariable, receiverVariable, userVariable } from './variables.ts'

const turnsChosen = `$__timeFilter(started_at)
     and ${chosen('user', 'user_id')}
     and ${chosen('model', 'model')}`
const callsChosen = `$__timeFilter(started_at)
     and ${chosen('user', 'user_id')}
     and ${chosen('model', 'request_model')}`
const usersChosen = `$__timeFilter(started_at)
     and ${chosen('user', 'user_id')}`
const fromTurns = `from turns
       where ${turnsChosen}`
const fromModelCalls = `from model_calls
       where ${callsChosen}`

const numbers = [
  stat({
    title: 'Turns',
    description: 'User messages, answered or not.',
    sql: `
      select count(*) as turns
        ${fromTurns}`,
  }),
  stat({
    title: 'Users · sessions',
    description: 'Users with turns, and the runs of apps in which they had them.',
    sql: `
      select count(distinct user_id) as users,
             count(distinct session_id) as sessions
        ${fromTurns}`,
  }),
  stat({
    title: 'Turn duration',
    description: 'From the user’s message to the end of the answer.',
    unit: 's',
    sql: `
      select ${quantiles('extract(epoch from duration)')}
        ${fromTurns}`,
  }),
  stat({
    title: 'Failed · abandoned · aborted',
    description:
      'Shares of all turns: ended by an error, by the end of the process, by a client that disconnected.',
    unit: 'percentunit',
    decimals: 1,
    sql: `
      select (count(*) filter (where outcome = 'failed'))::float8 / nullif(count(*), 0) as failed,
             (count(*) filter (where outcome = 'abandoned'))::float8 / nullif(count(*), 0) as abandoned,
             (count(*) filter (where outcome = 'aborted'))::float8 / nullif(count(*), 0) as aborted
        ${fromTurns}`,
  }),
  stat({
    title: 'Tokens',
    description:
      'Of model calls. Input includes tokens that were read from and written to the cache.',
    sql: `
      select sum(input_tokens)::float8 as input,
             sum(output_tokens)::float8 as output
        ${fromModelCalls}`,
  }),
  stat({
    title: 'Input from the cache',
    description:
      'Share of the input tokens, for model calls that report how many were read from the cache.',
    unit: 'percentunit',
    decimals: 1,
    sql: `
      select sum(cache_read_tokens)::float8
               / nullif(sum(input_tokens) filter (where cache_read_tokens is not null), 0) as "from cache"
        ${fromModelCalls}`,
  }),
]

const overTime = [
  bars({
    title: 'Turns',
    description: 'By outcome. “unknown”: the client reported no outcome.',
    sql: `
      select $__timeGroupAlias(started_at, $__interval),
             coalesce(outcome, 'unknown') as metric,
             count(*) as turns
        ${fromTurns}
       group by 1, 2
       order by 1, 2`,
  }),
  lines({
    title: 'Turn duration',
    description:
      '50 % (p50) and 95 % (p95) of the turns took no longer. A gap: no turn started then.',
    unit: 's',
    sql: quantilesOverTime({ of: 'duration', at: 'started_at', from: 'turns', where: turnsChosen }),
  }),
  lines({
    title: 'Tokens',
    description:
      'Of model calls. Input includes tokens that were read from and written to the cache, so the lines do not add up.',
    sql: `
      select $__timeGroupAlias(started_at, $__interval, NULL),
             sum(input_tokens)::float8 as "input, cache included",
             sum(cache_read_tokens)::float8 as "read from cache",
             sum(cache_write_tokens)::float8 as "written to cache",
             sum(output_tokens)::float8 as output
        ${fromModelCalls}
       group by 1
       order by 1`,
  }),
  lines({
    title: 'Time to the first chunk',
    description: 'The delay before a streaming model answers, for calls that report it.',
    unit: 's',
    sql: quantilesOverTime({
      of: 'time_to_first_chunk',
      at: 'started_at',
      from: 'model_calls',
      where: callsChosen,
    }),
  }),
  bars({
    title: 'Tool calls',
    description: 'By tool and by start time.',
    sql: `
      select $__timeGroupAlias(started_at, $__interval),
             coalesce(tool, 'no name') as metric,
             count(*) as calls
        from tool_calls
       where ${usersChosen}
       group by 1, 2
       order by 1, 2`,
  }),
  bars({
    title: 'Errors',
    description: 'Reported exceptions and failed operations, by kind.',
    sql: `
      select $__timeGroupAlias(started_at, $__interval),
             kind as metric,
             count(*) as errors
        from errors
       where ${usersChosen}
       group by 1, 2
       order by 1, 2`,
  }),
]

const byWhom = [
  table({
    title: 'Users',
    description: 'Turns with their durations, and the tokens of their model calls. Empty: unknown.',
    sql: `
      select user_id as "user",
             count(turn) as turns,
             count(distinct session_id) as sessions,
             ${quantiles('seconds')},
             count(*) filter (where outcome = 'failed') as failed,
             sum(input_tokens)::float8 as "input tokens",
             sum(output_tokens)::float8 as "output tokens"
        from (
          select user_id, session_id, 1 as turn, extract(epoch from duration) as seconds, outcome,
                 null::bigint as input_tokens, null::bigint as output_tokens
            from turns
           where ${turnsChosen}
          union all
          select user_id, session_id, null, null, null, input_tokens, output_tokens
            from model_calls
           where ${callsChosen}
        ) of_user
       group by user_id
       order by turns desc, user_id
       limit 500`,
    columns: {
      ...each('none', 'turns', 'sessions'),
      ...each('s', 'p50', 'p95'),
      failed: { unit: 'none' },
      ...each('short', 'input tokens', 'output tokens'),
    },
    span: 12,
  }),
  table({
    title: 'Models',
    description: 'Model calls by requested model. Input tokens include cached ones.',
    sql: `
      select request_model as model,
             provider,
             count(*) as calls,
             ${quantiles('extract(epoch from duration)')},
             sum(input_tokens)::float8 as "input tokens",
             sum(cache_read_tokens)::float8 as "from cache",
             sum(output_tokens)::float8 as "output tokens",
             count(*) filter (where error_type is not null) as failed
        ${fromModelCalls}
       group by 1, 2
       order by calls desc, 1, 2
       limit 200`,
    columns: {
      calls: { unit: 'none' },
      ...each('s', 'p50', 'p95'),
      ...each('short', 'input tokens', 'from cache', 'output tokens'),
      failed: { unit: 'none' },
    },
    span: 12,
  }),
  table({
    title: 'Tools',
    description:
      'The duration of a call that was only found in the messages is an upper bound; these calls count as inferred.',
    sql: `
      select tool,
             count(*) as calls,
             ${quantiles('extract(epoch from duration)')},
             count(*) filter (where error_type is not null) as failed,
             count(*) filter (where unfinished) as unfinished,
             count(*) filter (where inferred) as inferred
        from tool_calls
       where ${usersChosen}
       group by 1
       order by calls desc, 1
       limit 200`,
    columns: {
      calls: { unit: 'none' },
      ...each('s', 'p50', 'p95'),
      ...each('none', 'failed', 'unfinished', 'inferred'),
    },
    span: 12,
  }),
  table({
    title: 'Latest errors',
    description: 'The turn’s page has the messages.',
    sql: `
      select occurred_at as "time",
             kind,
             type,
             coalesce(origin, name) as "where",
             user_id as "user",
             trace_id as trace
        from errors
       where ${usersChosen}
       order by started_at desc
       limit 100`,
    columns: {
      time: { unit: 'dateTimeAsIso', width: 170 },
      trace: { links: [turnPageLink('trace'), traceLink('trace')] },
    },
    span: 12,
  }),
]

const latest = table({
  title: 'Latest turns',
  description: 'Newest first, with the beginning of the prompt. Empty: unknown.',
  sql: `
    select started_at as "time",
           user_id as "user",
           agent,
           model,
           prompt_preview as prompt,
           extract(epoch from duration)::float8 as duration,
           outcome,
           model_calls as "model calls",
           tool_calls as "tool calls",
           file_operations as "file operations",
           input_tokens as "input tokens",
           output_tokens as "output tokens",
           session_id as session,
           trace_id as trace
      from turns
     where ${turnsChosen}
     order by started_at desc
     limit 100`,
  columns: {
    time: { unit: 'dateTimeAsIso', width: 170 },
    prompt: { width: 320, links: [turnPageLink('trace'), traceLink('trace')] },
    duration: { unit: 's' },
    ...each('none', 'model calls', 'tool calls', 'file operations'),
    ...each('short', 'input tokens', 'output tokens'),
    session: { links: [sessionLink('session')] },
    trace: { links: [turnPageLink('trace'), traceLink('trace')] },
  },
  height: 12,
})

export const overview = dashboard({
  uid: 'turnlog-overview',
  title: 'Turnlog: overview',
  description:
    'Turns, model calls, tool calls and errors, by user, model and tool, with their durations.',
  from: 'now-24h',
  variables: [userVariable, modelVariable, receiverVariable],
  sections: [
    { title: 'In this time', panels: numbers },
    { title: 'Over time', panels: overTime },
    { title: 'By user, model and tool', panels: byWhom },
    { title: 'Turns', panels: [latest] },
  ],
})
