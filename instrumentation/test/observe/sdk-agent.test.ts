/** An agent without a server, whose SDK has spans of its own around and for its model calls. */
import { expect, test } from 'vitest'
import { isTurn, textOf, turnTrees } from '../support/chat.ts'
import { errorRows } from '../support/error-rows.ts'
import { type ApiRequest, startMessagesApi } from '../support/messages-api.ts'
import { runProgram } from '../support/observed-program.ts'
import { readRecorded } from '../support/recorded.ts'
import { makeWorkspace } from '../support/workspace.ts'

const never = new Promise(() => undefined)

async function recordedOf(WAY: string) {
  await using api = await startMessagesApi(({ messages }: ApiRequest) => {
    if (WAY === 'leaves') return { text: 'The first half', until: never }
    return JSON.stringify(messages).includes('tool_result')
      ? { text: 'Worked.' }
      : { tools: [{ id: 'a', name: 'work', input: {} }] }
  })
  using workspace = makeWorkspace()
  const { folder, spool } = workspace
  const outcome = await runProgram('sdk-agent.ts', {
    cwd: folder,
    spool,
    env: { API: api.url, WAY },
  })
  expect(outcome).toMatchObject({ stderr: '', code: 0 })
  const recorded = readRecorded(spool)
  return { ...recorded, turn: recorded.spans.find(isTurn) }
}

test('if the SDK runs the tools, the tool call has its result, and the turn its answer', async () => {
  const recorded = await recordedOf('runner')
  const [tree] = turnTrees(recorded)
  expect(tree?.match(/chat/g)).toHaveLength(2)
  expect(tree).toContain('  execute_tool work\n    file.create worked.txt')
  const call = recorded.spans.find(({ name }) => name === 'execute_tool work')
  expect(call?.attributes).toMatchObject({ 'gen_ai.tool.call.result': 'It is done.' })
  expect(call?.attributes).not.toHaveProperty('turnlog.tool_call.unfinished')
  expect(recorded.turn && textOf(recorded.turn, 'gen_ai.output.messages')).toBe('Worked.')
})

test('an answer that the app leaves is aborted, and no error', async () => {
  const recorded = await recordedOf('leaves')
  const call = recorded.spans.find(
    ({ attributes }) => attributes['gen_ai.operation.name'] === 'chat',
  )
  expect(call?.attributes).toMatchObject({ 'turnlog.aborted': true })
  expect(errorRows(recorded)).toEqual([])
})
