/** An app may run a tool while the answer that asks for it is still coming, or read no further. */
import { expect, test } from 'vitest'
import { turnTrees } from '../support/chat.ts'
import { runProgram } from '../support/observed-program.ts'
import { readRecorded } from '../support/recorded.ts'
import { makeWorkspace } from '../support/workspace.ts'

const written = ['  execute_tool write_file', '    file.create written.txt']
const made = ['  execute_tool shell', '    file.create made.txt']

test.for([
  ['early-tools.ts', {}, [...written, ...made]],
  ['early-chat-tools.ts', {}, [...written, ...made]],
  ['early-chat-tools.ts', { STOPS: '1' }, written],
] as const)(
  'what a tool does before the end of its answer belongs to its call (%s, %o)',
  async ([program, env, calls]) => {
    using workspace = makeWorkspace()
    const { folder, spool } = workspace
    const outcome = await runProgram(program, { cwd: folder, spool, env })
    expect(outcome).toMatchObject({ stderr: '', code: 0 })
    const recorded = readRecorded(spool)
    expect(turnTrees(recorded)).toEqual([['turn', '  chat', ...calls, '  chat'].join('\n')])
    const unfinished = recorded.spans.filter(
      ({ attributes }) => attributes['turnlog.tool_call.unfinished'] === true,
    )
    expect(unfinished).toEqual([])
    for (const { spanId, startMs } of recorded.spans) {
      const files = recorded.spans.filter(({ parentSpanId }) => parentSpanId === spanId)
      for (const file of files) expect(file.startMs).toBeGreaterThanOrEqual(startMs)
    }
  },
)
