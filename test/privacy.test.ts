/** The switches of docs/PRIVACY.md work in a real app: the records that they exclude are not in the rows. */

import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { startExample, temporaryFolder } from './support/example.ts'
import { withReceiver } from './support/receiver.ts'

const patience = { timeout: 60_000, interval: 100 }
const marker = 'zebrafish'

test('with TELEMETRY_CONTENT_BYTES_MAX=0 the turn is sent without content', async () => {
  const { database, receiver } = await withReceiver()
  using spool = temporaryFolder()
  using workspace = temporaryFolder()
  writeFileSync(path.join(workspace.path, 'hello.txt'), `${marker}\n`)
  const app = await startExample({
    spool: spool.path,
    workspace: workspace.path,
    endpoint: receiver.url,
    token: receiver.token,
    settings: { TELEMETRY_CONTENT_BYTES_MAX: '0' },
  })
  const { answer } = await app.chat('add a greeting to hello.txt')
  expect(answer).toContain('hello.txt')
  await expect.poll(() => database.query('select 1 from turns'), patience).toHaveLength(1)
  await expect.poll(() => database.query('select 1 from file_operations'), patience).toHaveLength(1)
  await app.stop()

  const [turn] = await database.query(
    'select prompt, answer, model_calls, tool_calls, file_operations, user_id, capture_mode from turns',
  )
  expect(turn).toEqual({
    prompt: null,
    answer: null,
    model_calls: 3,
    tool_calls: 2,
    file_operations: 1,
    user_id: 'mara',
    capture_mode: 'metadata',
  })
  const [operation] = await database.query('select * from file_operations')
  expect(operation).toMatchObject({
    path: 'hello.txt',
    before: null,
    after: null,
    diff: null,
    before_sha256: null,
    after_sha256: null,
    before_omitted: 'too_large',
  })
  const rows = await database.query(`
    select attributes::text || coalesce(events::text, '') as text from spans
    union all select attributes::text || body::text from log_records
    union all select coalesce(body, encode(bytes, 'escape')) from contents`)
  expect(rows.length).toBeGreaterThan(6)
  const told = [marker, 'add a greeting', answer]
  expect(rows.filter(({ text }) => told.some((one) => String(text).includes(one)))).toEqual([])
})

test('with TELEMETRY_ENABLED=0 nothing is written and nothing lands', async () => {
  const { database, receiver } = await withReceiver()
  using spool = temporaryFolder()
  using workspace = temporaryFolder()
  const folder = path.join(spool.path, 'spool')
  const app = await startExample({
    spool: folder,
    workspace: workspace.path,
    endpoint: receiver.url,
    token: receiver.token,
    settings: { TELEMETRY_ENABLED: '0' },
  })
  await app.chat('add a greeting to hello.txt')
  await app.stop()
  expect(existsSync(folder) ? readdirSync(folder) : []).toEqual([])
  const [landed] = await database.query(
    'select (select count(*) from spans) + (select count(*) from log_records) as records',
  )
  expect(landed).toEqual({ records: 0 })
})
