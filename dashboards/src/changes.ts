/** What agents changed in files, and what was said of it. Undecided is neither accepted nor rejected, in any rate. */
import { dashboard } from './dashboard.ts'
import { sessionLink, traceLink, turnPageLink } from './links.ts'
import { bars, each, lines, quantilesOverTime, stat, table } from './panels.ts'
import { chosen, receiverVariable, userVariable } from './variables.ts'

const operationsChosen = `$__timeFilter(o.started_at)
     and ${chosen('user', 'o.user_id')}`
const decisionsChosen = `$__timeFilter(decided_at)
     and ${chosen('user', 'user_id')}`

/** Operations with their last decision. One look at all decisions since then, in place of one for each operation. */
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
      'Creates, writes, edits, deletes and renames by agents, and how many paths they touched.',
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
      'By the diffs of all operations, reverted ones included. What is not text has no lines.',
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
      'accepted / (accepted + rejected + reverted), by who decided last. Undecided ones are in neither.',
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
    description:
      'By kind. “write” is one that left the bytes equal, or whose before could not be had.',
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
    description: 'When they were made, each one counted, by whom.',
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
      'From the operation to a user’s decision on it: half of them took no longer, 95 of 100 took no longer.',
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
      'Whose agents changed files, and what became of it by the last decision of each operation.',
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
    description: 'Which tool did it; empty for what was done outside of any tool call.',
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
    description: 'The most often changed ones.',
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
    title: 'What decisions did on disk',
    description:
      'conflict: the file was changed since, and nothing was done. missing: it was gone.',
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
  description:
    'The newest first; content and diff are on the page of the turn. Empty decision: undecided.',
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
  description: 'What agents changed in files, and what was said of it.',
  from: 'now-7d',
  variables: [userVariable, receiverVariable],
  sections: [
    { title: 'In this time', panels: numbers },
    { title: 'Over time', panels: overTime },
    { title: 'By user, tool and file', panels: byWhom },
    { title: 'File operations', panels: [latest] },
  ],
})
