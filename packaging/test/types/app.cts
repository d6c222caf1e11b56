import type { Decision } from '@turnlog/instrumentation'
import { decide, fileOperation, toolCall, turn } from '@turnlog/instrumentation'
import { changesRoutes } from '@turnlog/instrumentation/changes'

import fastify = require('fastify')

import '@turnlog/instrumentation/register'

const app = fastify()
app.register(changesRoutes)

const answer: Promise<number> = turn({ prompt: 'Add one.' }, async (turn) => {
  const operationId: string = fileOperation({ path: 'a.txt', before: '1\n', after: '2\n' })
  const decision: Decision = { operationId, type: 'accept', source: 'policy' }
  decide(decision)
  turn.answer('Added.')
  return toolCall({ name: 'count', arguments: { from: 1 } }, () => 2)
})

export = { app, answer }
