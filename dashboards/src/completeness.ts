/**
 * Whether all records have arrived, and what was noticed and never became a record. For each recorder:
 * recorded = landed + rejected + dropped + missing.
 */
import { dashboard } from './dashboard.ts'
import { sessionLink } from './links.ts'
import { bars, commitDelay, each, stat, table } from './panels.ts'
import { chosen, userVariable } from './variables.ts'

const unseenChosen = `$__timeFilter(recorded_at)
         and ${chosen('user', 'user_id')}`
const recordersChosen = `$__timeFilter(last_seen_at)
     and ${chosen('user', 'user_id')}`
const fromRecorders = `from session_completeness
       where ${recordersChosen}`

const numbers = [
  stat({
    title: 'Recorders · sessions',
    description: 'Recording threads, and runs of apps, that sent something in this time.',
    sql: `
      select count(*) as recorders,
             count(distinct session_id) as sessions
        ${fromRecorders}`,
    span: 3,
  }),
  stat({
    title: 'Records',
    description:
      'Of these recorders, over their whole life: how many records they numbered, and how many of these landed.',
    sql: `
      select sum(recorded)::float8 as recorded,
             sum(landed)::float8 as landed
        ${fromRecorders}`,
    span: 4,
  }),
  stat({
    title: 'Unseen',
    description:
      'Work that apps noticed in this time and could not record: requests to models that are not understood, calls without bytes, files changed outside of any turn. Apps of an older version do not tell.',
    redFrom: 1,
    sql: `
      select coalesce(sum(count), 0)::float8 as unseen
        from unseen_work
       where ${unseenChosen}`,
    span: 3,
  }),
  stat({
    title: 'Missing',
    description: 'Numbered but not landed: in transit, waiting in a spool, or lost.',
    redFrom: 1,
    sql: `
      select sum(missing)::float8 as missing
        ${fromRecorders}`,
    span: 3,
  }),
  stat({
    title: 'Missing after the end',
    description: 'Of recorders that reported their end, so no longer in transit.',
    redFrom: 1,
    sql: `
      select sum(missing)::float8 as missing
        ${fromRecorders} and ended`,
    span: 3,
  }),
  stat({
    title: 'Rejected · dropped',
    description: 'Refused for good, and declared lost by the recorder itself.',
    redFrom: 1,
    sql: `
      select sum(rejected)::float8 as rejected,
             sum(dropped)::float8 as dropped
        ${fromRecorders}`,
    span: 4,
  }),
  stat({
    title: 'Unaccounted',
    description: 'recorded − landed − rejected − dropped − missing: must be 0.',
    unit: 'none',
    redFrom: 1,
    sql: `
      select sum(abs(recorded - landed - rejected - dropped - missing))::float8 as unaccounted
        ${fromRecorders}`,
  }),
]

const delivery = [
  commitDelay(
    `
         and ${chosen('user', 'user_id')}`,
    ' Laptops that were offline show here.',
  ),
  bars({
    title: 'Declared drops',
    description: 'Records that recorders reported as lost, by reason.',
    sql: `
      select $__timeGroupAlias(time, $__interval),
             coalesce(attributes ->> 'turnlog.drop.reason', 'unknown') as metric,
             sum(1 + turnlog_integer(attributes -> 'turnlog.drop.last_sequence')::float8
                   - turnlog_integer(attributes -> 'turnlog.drop.first_sequence')::float8) as records
        from log_records
       where $__timeFilter(time) and event_name = 'turnlog.records.dropped'
         and ${chosen('user', 'user_id')}
       group by 1, 2
       order by 1, 2`,
  }),
  bars({
    title: 'Closed as abandoned',
    description:
      'Turns, calls and other spans whose process died. A real end that arrives later replaces them.',
    sql: `
      select $__timeGroupAlias(start_time, $__interval),
             coalesce(operation, 'other') as metric,
             count(*) as spans
        from spans
       where $__timeFilter(start_time) and abandoned
         and ${chosen('user', 'user_id')}
       group by 1, 2
       order by 1, 2`,
  }),
  table({
    title: 'Silent recorders',
    description:
      'Recorders that reported no end, the longest silent first: idle, offline, or dead.',
    sql: `
      select user_id as "user",
             service_name as service,
             last_seen_at as "last seen",
             extract(epoch from now() - last_seen_at)::float8 as silent,
             missing,
             session_id as session
        ${fromRecorders} and not ended
       order by last_seen_at
       limit 200`,
    columns: {
      'last seen': { unit: 'dateTimeAsIso' },
      silent: { unit: 's' },
      missing: { unit: 'none' },
      session: { links: [sessionLink('session')] },
    },
    span: 12,
    height: 8,
  }),
]

const unseen = [
  bars({
    title: 'Unseen work',
    description: 'What was noticed and not recorded, by reason.',
    sql: `
      select $__timeGroupAlias(recorded_at, $__interval),
             coalesce(reason, 'unknown') as metric,
             sum(count)::float8 as unseen
        from unseen_work
       where ${unseenChosen}
       group by 1, 2
       order by 1, 2`,
  }),
  table({
    title: 'What was not seen',
    description: 'By reason and address, the largest counts first.',
    sql: `
      select reason, why, host, path, sum(count)::float8 as count,
             count(distinct session_id) as sessions,
             max(recorded_at) as "last recorded"
        from unseen_work
       where ${unseenChosen}
       group by reason, why, host, path
       order by sum(count) desc
       limit 200`,
    columns: {
      ...each('none', 'count', 'sessions'),
      'last recorded': { unit: 'dateTimeAsIso' },
    },
    span: 12,
    height: 8,
  }),
]

const recorders = table({
  title: 'Recorders',
  description:
    'Those with missing records first. recorded = landed + rejected + dropped + missing; unseen: noticed, and no record. Empty: unknown.',
  sql: `
    select user_id as "user",
           service_name as service,
           recorded, landed, rejected, dropped, missing, unseen,
           left(missing_sequences::text, 200) as "missing ones",
           ended,
           last_seen_at as "last seen",
           recorder_id as recorder,
           session_id as session
      from session_completeness
     where ${recordersChosen}
     order by missing desc nulls last, rejected + dropped desc, last_seen_at desc
     limit 500`,
  columns: {
    ...each('none', 'recorded', 'landed', 'rejected', 'dropped', 'missing', 'unseen'),
    'last seen': { unit: 'dateTimeAsIso' },
    session: { links: [sessionLink('session')] },
  },
  height: 14,
})

export const completeness = dashboard({
  uid: 'turnlog-completeness',
  title: 'Turnlog: completeness and delivery',
  description:
    'Whether all records have arrived, and what was noticed and never became a record. For each recorder: recorded = landed + rejected + dropped + missing.',
  from: 'now-7d',
  variables: [userVariable],
  sections: [
    { title: 'In this time', panels: numbers },
    { title: 'Delivery', panels: delivery },
    { title: 'Unseen work', panels: unseen },
    { title: 'Recorders', panels: [recorders] },
  ],
})
