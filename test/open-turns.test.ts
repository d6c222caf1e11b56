/**
 * A turn that is open is journaled from its start, so that a crash can close it; viewers must not show that as a span.
 * While one turn is open, another one starts and ends: once that has landed, everything sealed before it has landed too.
 */

import { expect, test } from 'vitest'
import { startExample, temporaryFolder } from './support/example.ts'
import { withReceiver } from './support/receiver.ts'

const patience = { timeout: 60_000, interval: 100 }

test('a turn shows in Jaeger once it has ended, and not before', async () => {
  const { database, receiver } = await withReceiver()
  const token = await receiver.newToken({ scope: 'read' })
  using spool = temporaryFolder()
  using workspace = temporaryFolder()
  await using app = await startExample({
    spool: spool.path,
    workspace: workspace.path,
    endpoint: receiver.url,
    token: receiver.token,
  })

  async function turnsInJaeger(): Promise<readonly number[]> {
    const times = new URLSearchParams({
      'query.startTimeMin': new Date(Date.now() - 3_600_000).toISOString(),
      'query.startTimeMax': new Date(Date.now() + 60_000).toISOString(),
      'query.attributes': '{"gen_ai.operation.name":"invoke_agent"}',
    })
    const answer = await fetch(`${receiver.url}/api/v3/trace-summaries?${times}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    const { summaries } = await answer.json()
    return summaries.map(({ spanCount }: { spanCount: number }) => spanCount)
  }

  const { promise: isOpen, resolve: open } = Promise.withResolvers<void>()
  let hasEnded = false
  const long = app
    .chatOnSocket('count to 100000', () => open())
    .then(() => {
      hasEnded = true
    })
  await isOpen
  await app.chat('say hello')
  await expect.poll(turnsInJaeger, patience).toHaveLength(1)
  const spans = await database.query('select distinct trace_id from spans')
  expect([hasEnded, spans.length]).toEqual([false, 1])

  // The app is killed; the next start closes the turn.
  await app.stop('SIGKILL')
  await long
  await using _next = await startExample({
    spool: spool.path,
    workspace: workspace.path,
    endpoint: receiver.url,
    token: receiver.token,
  })
  await expect.poll(turnsInJaeger, patience).toHaveLength(2)
})
