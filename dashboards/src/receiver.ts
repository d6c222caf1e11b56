/** The receiver's counts of records, and its use of the disk. received = landed + duplicate + rejected. */
import { dashboard } from './dashboard.ts'
import { bars, commitDelay, each, lines, stat, table } from './panels.ts'

const outcomes = `sum(landed)::float8 as landed,
             sum(duplicate)::float8 as duplicate,
             sum(rejected)::float8 as rejected`
const fromSamples = `from receiver_samples
       where $__timeFilter(sampled_at)`

const numbers = [
  stat({
    title: 'Received',
    description: 'Received records, by the receivers’ own counts: landed + duplicate + rejected.',
    sql: `
      select sum(received)::float8 as received
        ${fromSamples}`,
    span: 3,
  }),
  stat({
    title: 'Landed · duplicate · rejected',
    description: 'Committed, already stored, and refused for good.',
    sql: `
      select ${outcomes}
        ${fromSamples}`,
    span: 8,
  }),
  stat({
    title: 'Unaccounted',
    description: 'received − landed − duplicate − rejected: must be 0.',
    unit: 'none',
    redFrom: 1,
    sql: `
      select sum(abs(received - landed - duplicate - rejected))::float8 as unaccounted
        ${fromSamples}`,
    span: 4,
  }),
  stat({
    title: 'Database',
    description: 'Its size on disk at the last sample.',
    unit: 'bytes',
    sql: `
      select database_bytes as size
        ${fromSamples}
       order by sampled_at desc
       limit 1`,
    span: 3,
  }),
  stat({
    title: 'Last sample',
    description:
      'Time since a receiver last wrote its counts; each receiver does so once a minute.',
    unit: 's',
    decimals: 0,
    redFrom: 180,
    sql: `
      select extract(epoch from now() - max(sampled_at))::float8 as ago
        ${fromSamples}`,
    span: 3,
  }),
  stat({
    title: 'Rows without a day',
    description:
      'Bytes in the default partitions, for days without their own partition. The rows are moved when that is made.',
    unit: 'bytes',
    sql: `
      select sum(bytes)::float8 as "in _rest"
        from partition_sizes
       where day is null`,
    span: 3,
  }),
]

const overTime = [
  bars({
    title: 'Records',
    description: 'Received in each interval: landed + duplicate + rejected.',
    sql: `
      select $__timeGroupAlias(sampled_at, $__interval),
             ${outcomes}
        ${fromSamples}
       group by 1
       order by 1`,
  }),
  commitDelay(),
  lines({
    title: 'Memory of each receiver',
    description: 'Resident memory, one line for each run of a receiver.',
    unit: 'bytes',
    sql: `
      select $__timeGroupAlias(sampled_at, $__interval, NULL),
             left(receiver_id, 8) as metric,
             max(memory_bytes)::float8 as memory
        ${fromSamples}
       group by 1, 2
       order by 1, 2`,
  }),
  lines({
    title: 'Connections to the database',
    description: 'Connections of all clients, and the server’s limit.',
    sql: `
      select $__timeGroupAlias(sampled_at, $__interval, NULL),
             max(connections)::float8 as connections,
             (select setting::float8 from pg_settings where name = 'max_connections') as allowed
        ${fromSamples}
       group by 1
       order by 1`,
  }),
]

const disk = [
  lines({
    title: 'Tables',
    description: 'Their size on disk with indexes, hour by hour.',
    unit: 'bytes',
    sql: `
      select hour as "time",
             table_name as metric,
             bytes::float8 as bytes
        from table_samples
       where $__timeFilter(hour)
       order by 1, 2`,
  }),
  bars({
    title: 'Partitions by the day of their records',
    description: 'The size of each day on disk now. Days before the retention were dropped.',
    unit: 'bytes',
    sql: `
      select day::timestamp at time zone 'UTC' as "time",
             table_name as metric,
             bytes::float8 as bytes
        from partition_sizes
       where day between $__timeFrom()::timestamptz::date and $__timeTo()::timestamptz::date
       order by 1, 2`,
  }),
  table({
    title: 'Growth',
    description:
      'The size of each table now, and its growth in the last day and week, as far as there are samples. Negative after old days were dropped.',
    sql: `
      select s.table_name as "table",
             s.bytes,
             s.rows_estimate as "rows, about",
             s.partitions,
             (s.bytes - day_ago.bytes)::float8 as "last day",
             (s.bytes - week_ago.bytes)::float8 as "last week"
        from table_sizes s
        left join lateral (
          select bytes
            from table_samples t
           where t.table_name = s.table_name and t.hour >= now() - interval '1 day'
           order by t.hour
           limit 1
        ) day_ago on true
        left join lateral (
          select bytes
            from table_samples t
           where t.table_name = s.table_name and t.hour >= now() - interval '7 days'
           order by t.hour
           limit 1
        ) week_ago on true
       order by s.bytes desc`,
    columns: {
      bytes: { unit: 'bytes' },
      'rows, about': { unit: 'short' },
      partitions: { unit: 'none' },
      ...each('bytes', 'last day', 'last week'),
    },
    span: 12,
  }),
  table({
    title: 'Largest partitions',
    description: 'With the day (UTC) of their records; empty for default partitions.',
    sql: `
      select partition_name as partition,
             to_char(day, 'YYYY-MM-DD') as day,
             bytes,
             rows_estimate as "rows, about"
        from partition_sizes
       order by bytes desc, partition_name
       limit 50`,
    columns: { bytes: { unit: 'bytes' }, 'rows, about': { unit: 'short' } },
    span: 12,
  }),
]

const runs = [
  table({
    title: 'Receivers',
    description: 'Each run of a receiver, the latest sample first.',
    sql: `
      select receiver_id as receiver,
             min(sampled_at) as "first sample",
             max(sampled_at) as "last sample",
             sum(received)::float8 as received,
             ${outcomes},
             max(memory_bytes)::float8 as memory
        ${fromSamples}
       group by 1
       order by max(sampled_at) desc
       limit 100`,
    columns: {
      ...each('dateTimeAsIso', 'first sample', 'last sample'),
      ...each('short', 'received', 'landed', 'duplicate', 'rejected'),
      memory: { unit: 'bytes' },
    },
    span: 16,
  }),
  table({
    title: 'Connections now',
    description: 'To this database, by role.',
    sql: `
      select usename::text as role,
             count(*) as connections
        from pg_stat_activity
       where datname = current_database()
       group by 1
       order by connections desc, 1`,
    columns: { connections: { unit: 'none' } },
    span: 8,
  }),
]

export const receiver = dashboard({
  uid: 'turnlog-receiver',
  title: 'Turnlog: the receiver',
  description:
    'The receiver’s counts of records, and its use of the disk. received = landed + duplicate + rejected.',
  from: 'now-7d',
  variables: [],
  sections: [
    { title: 'In this time', panels: numbers },
    { title: 'Over time', panels: overTime },
    { title: 'Disk', panels: disk },
    { title: 'Receivers and connections', panels: runs },
  ],
})
