/** File changes by agents, and the decisions on them. Rates ignore undecided operations. */
import { dashboard } from './dashboard.ts'
import { sessionLink, traceLink, turnPageLink } from './links.ts'
import { bars, each, lines, quantilesOverTime, stat, table } from './panels.ts'
import { chosen, receiverVariable, userVariable } from './variables.ts'

const operationsChosen = `$__timeFilter(o.started_at)
     and ${chosen('user', 'o.user_id')}`
const decisionsChosen = `$__timeFilter(decided_at)
     and ${chosen('user', 'user_id')}`

/** Operations with their last decision. One query over all decisions since then is faster than one per operation. */
const decidedOperations = `
      with last_decision as (
        select distinct on (operation_id) operation_id, decision, source, outcome, elapsed
          from change_decisions
         where decided_at >= $__timeFrom()
         order by operation_id, decided_at desc
      )`
const withDecisions = `
        from file_operations o
        left join last_decision d on d.operation_id = o.operation_id
       where ${operationsChosen}`

const decisionCounts = `count(*) filter (where d.decision = 'accept') as accepted,
             count(*) filter (where d.decision = 'reject') as rejected,
             count(*) filter (where d.decision = 'revert') as reverted,
             count(*) filter (where d.decision is null) as undecided`

const numbers = [
  stat({
    title: 'File operations · files',
    description:
      'Creates, writes, edits, deletes and renames by agents, and the number of changed paths.',
    sql: `
      select count(*) as operations,
             count(distinct path) as files
        from file_operations o
       where ${operationsChosen}`,
    span: 5,
  }),
  stat({
    title: 'Lines',
    description:
      'By the diffs of all operations, including reverted ones. Binary files have no lines.',
    sql: `
      select sum(lines_added)::float8 as added,
             sum(lines_removed)::float8 as removed
        from file_operations o
       where ${operationsChosen}`,
    span: 5,
  }),
  stat({
    title: 'Last decision of each operation',
    description: 'An operation decided more than once counts once, by its last decision.',
    sql: `${decidedOperations}
      select ${decisionCounts}
      ${withDecisions}`,
    span: 8,
  }),
  stat({
    title: 'Accepted, of those decided',
    description:
      'accepted / (accepted + rejected + reverted), by the source of the last decision. Undecided operations do not count.',
    unit: 'percentunit',
    decimals: 1,
    sql: `${decidedOperations}
      select (count(*) filter (where d.decision = 'accept' and d.source = 'user'))::float8
               / nullif(count(*) filter (where d.decision is not null and d.source = 'user'), 0) as "by users",
             (count(*) filter (where d.decision = 'accept' and d.source in ('auto', 'policy')))::float8
               / nullif(count(*) filter (where d.decision is not null and d.source in ('auto', 'policy')), 0) as automatically
      ${withDecisions}`,
    span: 6,
  }),
]

const overTime = [
  bars({
    title: 'File operations',
    description: 'By type. “write”: the bytes did not change, or the earlier content is unknown.',
    sql: `
      select $__timeGroupAlias(started_at, $__interval),
             type as metric,
             count(*) as operations
        from file_operations o
       where ${operationsChosen}
       group by 1, 2
       order by 1, 2`,
  }),
  bars({
    title: 'Decisions',
    description: 'Every decision, by the time at which it was made and by its source.',
    sql: `
      select $__timeGroupAlias(decided_at, $__interval),
             concat_ws(' by ', decision, source) as metric,
             count(*) as decisions
        from change_decisions
       where ${decisionsChosen}
       group by 1, 2
       order by 1, 2`,
  }),
  bars({
    title: 'Lines added and removed',
    description: 'By the diffs of all operations.',
    sql: `
      select $__timeGroupAlias(started_at, $__interval),
             sum(lines_added)::float8 as added,
             sum(lines_removed)::float8 as removed
        from file_operations o
       where ${operationsChosen}
       group by 1
       order by 1`,
  }),
  lines({
    title: 'Time to the decision',
    description:
      'From the operation to the user’s decision: 50 % (p50) and 95 % (p95) of the decisions took no longer.',
    unit: 's',
    sql: quantilesOverTime({
      of: 'elapsed',
      at: 'decided_at',
      from: 'change_decisions',
      where: `${decisionsChosen} and source = 'user'`,
    }),
  }),
]

/** The same columns for users and for files. */
const rates = `
             count(*) as operations,
             sum(lines_added)::float8 as added,
             sum(lines_removed)::float8 as removed,
             ${decisionCounts},
             (count(*) filter (where d.decision = 'accept'))::float8 / nullif(count(d.decision), 0) as "accepted, of those decided"`
const rateColumns = {
  ...each(
    'none',
    'operations',
    'added',
    'removed',
    'accepted',
    'rejected',
    'reverted',
    'undecided',
  ),
  'accepted, of those decided': { unit: 'percentunit' },
} as const

const byWhom = [
  table({
    title: 'Users',
    description:
      'File changes by the agents of each user, with the last decision of each operation.',
    sql: `${decidedOperations}
      select o.user_id as "user",${rates}
      ${withDecisions}
       group by 1
       order by operations desc, 1
       limit 500`,
    columns: rateColumns,
    span: 12,
  }),
  table({
    title: 'Tools',
    description: 'By the tool that made the change; empty for changes outside tool calls.',
    sql: `${decidedOperations}
      select t.tool,${rates}
        from file_operations o
        left join last_decision d on d.operation_id = o.operation_id
        left join (
          select team_id, trace_id, span_id, tool
            from tool_calls
           where started_at between $__timeFrom()::timestamptz - interval '1 day' and $__timeTo()
        ) t on t.team_id = o.team_id and t.trace_id = o.trace_id and t.span_id = o.parent_span_id
       where ${operationsChosen}
       group by 1
       order by operations desc, 1
       limit 200`,
    columns: rateColumns,
    span: 12,
  }),
  table({
    title: 'Files',
    description: 'The files with the most changes.',
    sql: `${decidedOperations}
      select o.path,${rates}
      ${withDecisions}
       group by 1
       order by operations desc, 1
       limit 100`,
    columns: { ...rateColumns, path: { width: 320 } },
    span: 16,
  }),
  table({
    title: 'Effects of decisions on disk',
    description:
      'conflict: the file was changed after the operation, so nothing was done. missing: it did not exist.',
    sql: `
      select decision,
             outcome as "on disk",
             source as "by",
             count(*) as decisions
        from change_decisions
       where ${decisionsChosen}
       group by 1, 2, 3
       order by decisions desc, 1, 2, 3
       limit 100`,
    columns: { decisions: { unit: 'none' } },
    span: 8,
  }),
]

const latest = table({
  title: 'Latest file operations',
  description: 'Newest first. The turn’s page has content and diff. Empty decision: undecided.',
  sql: `
    select started_at as "time",
           user_id as "user",
           type,
           path,
           lines_added as added,
           lines_removed as removed,
           tool,
           decision,
           decision_outcome as "on disk",
           session_id as session,
           trace_id as trace
      from file_operations o
     where ${operationsChosen}
     order by started_at desc
     limit 100`,
  columns: {
    time: { unit: 'dateTimeAsIso', width: 170 },
    path: { width: 320, links: [turnPageLink('trace'), traceLink('trace')] },
    ...each('none', 'added', 'removed'),
    session: { links: [sessionLink('session')] },
    trace: { links: [turnPageLink('trace'), traceLink('trace')] },
  },
  height: 12,
})

export const changes = dashboard({
  uid: 'turnlog-changes',
  title: 'Turnlog: file changes and decisions',
  description: 'File changes by agents, and the decisions on them.',
  from: 'now-7d',
  variables: [userVariable, receiverVariable],
  sections: [
    { title: 'In this time', panels: numbers },
    { title: 'Over time', panels: overTime },
    { title: 'By user, tool and file', panels: byWhom },
    { title: 'File operations', panels: [latest] },
  ],
})
