import { expect, test } from 'vitest'
import { post, span, traceRequest } from '../../test/support/otlp.ts'
import { execute, withDatabase } from '../../test/support/postgres.ts'
import { startReceiverProcess } from '../../test/support/receiver.ts'
import { openCounters } from '../src/counters.ts'
import { startSampling } from '../src/sample.ts'
import { sweep } from '../src/storage/keep/sweep.ts'

const sums = `
  select sum(received) as received, sum(landed) as landed, sum(duplicate) as duplicate,
         sum(rejected) as rejected, count(*) as samples, count(distinct receiver_id) as receivers
    from receiver_samples`

const result = { received: 7, landed: 4, duplicate: 2, rejected: 1, reasons: [] }

test('samples add up to all counts, also when one could not be written', async () => {
  const database = await withDatabase()
  const counters = openCounters()
  const lines: string[] = []
  const sampling = startSampling(database, { counters, log: (line) => lines.push(line) })
  counters.add(result)
  await sampling.sample()
  await execute(database.url, 'alter table receiver_samples rename to elsewhere')
  counters.add(result)
  await sampling.sample()
  await sampling.sample()
  expect(lines).toEqual([expect.stringContaining('cannot be written')])
  await execute(database.url, 'alter table elsewhere rename to receiver_samples')
  counters.add(result)
  await Promise.all([sampling.sample(), sampling.sample()])
  expect(lines).toEqual([expect.anything(), expect.stringContaining('written again')])
  await sampling.stop()
  expect(await database.query(sums)).toMatchObject([
    { received: '21', landed: '12', duplicate: '6', rejected: '3', samples: 3, receivers: 1 },
  ])
})

test('samples are kept as long as records', async () => {
  const database = await withDatabase()
  await database.query(`
    insert into receiver_samples
    select 'one', time, 60, 0, 0, 0, 0, 0, 0, 0
      from unnest('{2026-03-01 23:59:59Z, 2026-03-02 00:00:00Z}'::timestamptz[]) time`)
  await database.query(`
    insert into table_samples values ('2026-03-01 23:00Z', 'spans', 0), ('2026-03-02 00:00Z', 'spans', 0)`)
  await sweep(database, { oldest: '2026-03-02' })
  expect(
    await database.query(`
      select (select array_agg(extract(epoch from sampled_at)::int) from receiver_samples) as receiver,
             (select array_agg(extract(epoch from hour)::int) from table_samples) as tables`),
  ).toEqual([{ receiver: [1_772_409_600], tables: [1_772_409_600] }])
})

test('the sizes of tables are kept once an hour', async () => {
  const database = await withDatabase()
  const samplings = Array.from({ length: 3 }, () =>
    startSampling(database, { counters: openCounters(), log: () => undefined }),
  )
  await Promise.all(samplings.map((sampling) => sampling.sample()))
  await Promise.all(samplings.map((sampling) => sampling.stop()))
  const [sizes] = await database.query<{ tables: number; spans: number; samples: number }>(`
    select count(*) as tables,
           max(bytes) filter (where table_name = 'spans') as spans,
           (select count(*) from receiver_samples) as samples
      from table_samples`)
  const [tables] = await database.query<{ tables: number }>(`
    select count(*) as tables
      from pg_class
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition`)
  expect(sizes).toMatchObject({ tables: tables?.tables, samples: 6 })
  expect(sizes?.spans).toBeGreaterThan(0)
})

test('partitions are listed with their day', async () => {
  const database = await withDatabase()
  const today = new Date().toISOString().slice(0, 10)
  expect(
    await database.query(
      `select table_name, day::text, bytes > 0 as has_size
         from partition_sizes
        where table_name = 'spans' and (day = $1 or day is null)
        order by day`,
      [today],
    ),
  ).toEqual([
    { table_name: 'spans', day: today, has_size: true },
    { table_name: 'spans', day: null, has_size: true },
  ])
})

test('the samples include the counts until a receiver was stopped', async () => {
  const database = await withDatabase()
  await using receiver = await startReceiverProcess({ database })
  const same = span()
  expect((await post(receiver, 'traces', traceRequest([same, span()]))).status).toBe(200)
  expect((await post(receiver, 'traces', traceRequest([same]))).status).toBe(200)
  expect(await receiver.kill('SIGTERM')).toBe(0)
  expect(await database.query(sums)).toMatchObject([
    { received: '3', landed: '2', duplicate: '1', rejected: '0', samples: 1, receivers: 1 },
  ])
  const [sample] = await database.query<Record<string, number>>('select * from receiver_samples')
  for (const name of ['seconds', 'memory_bytes', 'connections', 'database_bytes']) {
    expect(sample?.[name], name).toBeGreaterThan(0)
  }
})
