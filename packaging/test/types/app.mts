import { attributes, parseContentHash } from '@turnlog/conventions'
import { openEmbeddedPostgres } from '@turnlog/embedded-postgres'
import type { Decision } from '@turnlog/instrumentation'
import { decide, fileOperation, toolCall, turn } from '@turnlog/instrumentation'
import { changesRoutes } from '@turnlog/instrumentation/changes'
import { run } from '@turnlog/receiver'
import { buildApp } from '@turnlog/receiver/app'
import { migrate, openDatabase } from '@turnlog/receiver/storage'
import type { TurnlogChanges } from '@turnlog/web/changes.js'
import fastify from 'fastify'
import '@turnlog/instrumentation/register'

const app = fastify()
await app.register(changesRoutes)

export const answer: Promise<number> = turn({ prompt: 'Add one.' }, async (turn) => {
  const operationId: string = fileOperation({ path: 'a.txt', before: '1\n', after: '2\n' })
  const decision: Decision = { operationId, type: 'accept', source: 'policy' }
  decide(decision)
  turn.answer('Added.')
  return toolCall({ name: 'count', arguments: { from: 1 } }, () => 2)
})

export const panel = (page: Document): TurnlogChanges | null =>
  page.querySelector<TurnlogChanges>('turnlog-changes')
export const applied: Promise<readonly number[]> = migrate(
  openDatabase('postgres://localhost/turnlog'),
)
export { attributes, buildApp, openEmbeddedPostgres, parseContentHash, run }
