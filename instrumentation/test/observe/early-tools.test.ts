/** An app may run a tool while the answer that asks for it is still coming. */
import { expect, test } from 'vitest'
import { turnTrees } from '../support/chat.ts'
import { runProgram } from '../support/observed-program.ts'
import { readRecorded } from '../support/recorded.ts'
import { makeWorkspace } from '../support/workspace.ts'

test('what a tool does before the end of its answer belongs to its call', async () => {
  using workspace = makeWorkspace()
  const { folder, spool } = workspace
  const outcome = await runProgram('early-tools.ts', { cwd: folder, spool, env: {} })
  expect(outcome).toMatchObject({ stderr: '', code: 0 })
  expect(turnTrees(readRecorded(spool))).toEqual([
    [
      'turn',
      '  chat',
      '  execute_tool write_file',
      '    file.create written.txt',
      '  execute_tool shell',
      '    file.create made.txt',
      '  chat',
    ].join('\n'),
  ])
})
