/** A turn that fails because of its last model call has the type and message that the API gave, whatever the SDK makes of them. */
import { expect, test } from 'vitest'
import { isTurn } from '../support/chat.ts'
import { errorRows } from '../support/error-rows.ts'
import { startMessagesApi } from '../support/messages-api.ts'
import { runProgram } from '../support/observed-program.ts'
import { readRecorded } from '../support/recorded.ts'
import { makeWorkspace } from '../support/workspace.ts'

async function turnOf(way: string) {
  await using api = await startMessagesApi(() => ({ status: 400 }))
  using workspace = makeWorkspace()
  await runProgram('fails-with-call.ts', {
    cwd: workspace.folder,
    spool: workspace.spool,
    env: { API: api.url, WAY: way },
  })
  const recorded = readRecorded(workspace.spool)
  return { turn: recorded.spans.find(isTurn), rows: errorRows(recorded) }
}

test.for(['server', 'throws', 'exits', 'goes on'])('%s', async (way) => {
  const { turn, rows } = await turnOf(way)
  expect(turn).toMatchObject({
    status: 2,
    statusMessage: '400 it is',
    attributes: {
      'error.type': 'api_error',
      'turnlog.error.repeated': true,
      'turnlog.turn.outcome': 'failed',
    },
  })
  expect(rows).toEqual(['model_call'])
})

test('an error of its own code is why it fails', async () => {
  const { turn, rows } = await turnOf('throws another')
  expect(turn).toMatchObject({
    statusMessage: 'broken',
    attributes: { 'error.type': 'TypeError', 'turnlog.error.repeated': true },
  })
  expect(rows).toEqual(['exception', 'model_call'])
})
